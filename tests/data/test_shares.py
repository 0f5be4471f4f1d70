"""How frequent classes are."""

import dataclasses

import numpy as np
import pytest

from gan.data import shares
from gan.data.source import Source, array_reader


def source_of(labels, in_memory=True, names=("a", "b", "c")) -> Source:
    images = np.zeros((len(labels), 2, 2, 1), np.uint8)
    return Source(
        "toy", len(labels), (2, 2, 1), names, "f", "", array_reader(images, np.int32(labels)), in_memory=in_memory
    )


def test_shares_are_those_of_the_labelled_images():
    assert shares.of_classes(source_of([0, 0, 2, -1, 0])) == (0.75, 0.0, 0.25)
    assert shares.of_classes(source_of([-1, -1])) == (1 / 3, 1 / 3, 1 / 3)
    assert shares.of_classes(source_of([-1], names=())) == ()


@pytest.mark.parametrize(("count", "names", "read"), [(2000, 2, 2000), (3000, 2, 200), (3000, 10, 640)])
@pytest.mark.parametrize("in_memory", [True, False])
def test_of_many_images_some_are_read_wherever_they_are(monkeypatch, count, names, read, in_memory):
    for name, value in {"_ALL": 2000 * 4, "_ENOUGH": 200, "_CHUNK": 150}.items():
        monkeypatch.setattr(shares, name, value)
    labels, rows_read = np.repeat([0, 1], [9 * count // 10, count // 10]), []
    source = source_of(labels, in_memory, tuple(map(str, range(names))))

    def counted(rows):
        assert len(rows) <= 150
        rows_read.extend(rows)
        return source.read(rows)

    found = shares.of_classes(dataclasses.replace(source, read=counted))
    assert found[0] == pytest.approx(0.9, abs=0.06) and sum(found) == pytest.approx(1.0)
    assert len(set(rows_read)) == len(rows_read) == read


def test_labels_lie_one_class_after_the_other_by_their_shares():
    places = (np.arange(100) + 0.5) / 100
    labels = shares.labels_at([0.2, 0.0, 0.5, 0.3], places)
    assert labels.dtype == np.int32
    assert labels.tolist() == [0] * 20 + [2] * 50 + [3] * 30
    assert shares.labels_at([1.0], np.array([0.0, 0.999999])).tolist() == [0, 0]


def test_classes_without_an_image_are_known_where_all_labels_are():
    assert shares.present((0.5, 0.0, 0.5), 2**28) == (0, 2)
    assert shares.present((0.5, 0.0, 0.5), 2**28 + 1) == (0, 1, 2)
    assert shares.present((), 5) == ()


def test_labels_that_are_known_give_the_shares_that_reading_them_gives(monkeypatch):
    for name, value in {"_ALL": 10, "_ENOUGH": 50}.items():
        monkeypatch.setattr(shares, name, value)
    source = source_of(np.random.default_rng(0).integers(0, 2, 1000), names=("a", "b"))
    labels = source.read(np.arange(1000))[1]
    assert shares.of_classes(dataclasses.replace(source, labels=labels)) == shares.of_classes(source)
