"""How frequent each class is in a source, and labels as frequent as that."""

import functools
from collections.abc import Sequence

import numpy as np

from gan.data.batches import permutation
from gan.data.source import Source

_ENOUGH = 2048  # labels to be read of a source that is not in memory


@functools.lru_cache(maxsize=1)  # a run asks more than once
def of_classes(source: Source) -> tuple[float, ...]:
    """The share of each class among the labelled images of `source`, or some thousand of them if reading takes time.

    All are equal where no image has a label.
    """
    count = source.num_examples if source.in_memory else min(_ENOUGH, source.num_examples)
    labels = source.read(np.sort(permutation(0, 0, source.num_examples)[:count]))[1]
    counts = np.bincount(labels[labels >= 0], minlength=source.num_classes)
    if not counts.any():
        return tuple(1 / source.num_classes for _ in source.class_names)
    return tuple((counts / counts.sum()).tolist())


def labels_at(class_shares: Sequence[float], places: np.ndarray) -> np.ndarray:
    """The class at each of the places in [0, 1), int32, where the classes lie one after the other by their shares."""
    ends = np.cumsum(class_shares)
    return np.minimum(np.searchsorted(ends, places * ends[-1], side="right"), len(ends) - 1).astype(np.int32)
