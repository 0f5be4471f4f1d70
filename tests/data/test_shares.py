"""How frequent classes are."""

import numpy as np
import pytest

from gan.data import shares
from gan.data.source import Source, array_reader


def source_of(labels, in_memory=True, names=("a", "b", "c")) -> Source:
    images = np.zeros((len(labels), 2, 2, 1), np.uint8)
    return Source("toy", len(labels), (2, 2, 1), names, "f", "", array_reader(images, np.int32(labels)), (), in_memory)


def test_shares_are_those_of_the_labelled_images():
    assert shares.of_classes(source_of([0, 0, 2, -1, 0])) == (0.75, 0.0, 0.25)
    assert shares.of_classes(source_of([-1, -1])) == (1 / 3, 1 / 3, 1 / 3)
    assert shares.of_classes(source_of([-1], names=())) == ()


def test_of_many_images_that_are_not_in_memory_some_thousand_are_read():
    labels, read = np.repeat([0, 1], [9000, 1000]), []
    source = source_of(labels, in_memory=False)

    def counted(rows):
        read.extend(rows)
        return source.read(rows)

    found = shares.of_classes(Source(*(getattr(source, n) for n in list(source.__dataclass_fields__)[:6]), counted))
    assert found[0] == pytest.approx(0.9, abs=0.03) and sum(found) == pytest.approx(1.0)
    assert len(set(read)) == len(read) == 2048


def test_labels_lie_one_class_after_the_other_by_their_shares():
    places = (np.arange(100) + 0.5) / 100
    labels = shares.labels_at([0.2, 0.0, 0.5, 0.3], places)
    assert labels.dtype == np.int32
    assert labels.tolist() == [0] * 20 + [2] * 50 + [3] * 30
    assert shares.labels_at([1.0], np.array([0.0, 0.999999])).tolist() == [0, 0]
