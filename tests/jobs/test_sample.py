"""Samples as a job: the labels of any number of images are made some at a time."""

import numpy as np

from gan.jobs import sample


def test_labels_are_made_some_at_a_time():
    asked = []

    def labels(first: int, count: int) -> np.ndarray:
        asked.append((first, count))
        return np.arange(first, first + count, dtype=np.int32)

    parts = sample._label_parts(labels, 150_000)
    assert (parts.shape, parts.dtype, asked) == ((150_000,), np.int32, [])
    np.testing.assert_array_equal(np.concatenate(list(parts.parts)), np.arange(150_000))
    assert asked == [(0, 65_536), (65_536, 65_536), (131_072, 18_928)]
