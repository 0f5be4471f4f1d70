"""How frequent each class is in a source, and labels as frequent as that."""

import functools
from collections.abc import Sequence

import numpy as np

from gan.data.order import permutation
from gan.data.source import Source

_ALL = 2**28  # bytes of images of which all labels are read: as a rule so few are in memory
_ENOUGH, _EACH = 16_384, 64  # labels read of larger sets, at least so many and so many for each class
_CHUNK = 2048  # images read at a time


@functools.lru_cache(maxsize=1)  # a run asks more than once
def of_classes(source: Source) -> tuple[float, ...]:
    """The share of each class among the labelled images of `source`, or always the same ones of them if there are many.

    All are equal where no image has a label. Whether the images are in memory, and whether their labels are known
    without reading them, makes no difference: the labels that a run draws are a function of the data alone.
    """
    labels = _some_labels(source)
    counts = np.bincount(labels[labels >= 0], minlength=source.num_classes)
    if not counts.any():
        return tuple(1 / source.num_classes for _ in source.class_names)
    return tuple((counts / counts.sum()).tolist())


def present(class_shares: Sequence[float], num_bytes: int) -> tuple[int, ...]:
    """The numbers of the classes that have images, in a set of so many bytes with these shares.

    Where not all labels of a set are read, one that was not met may still be there: all classes count then.
    """
    found = tuple(number for number, share in enumerate(class_shares) if share > 0)
    return found if num_bytes <= _ALL else tuple(range(len(class_shares)))


def _some_labels(source: Source) -> np.ndarray:
    """The labels of all images, or of always the same ones if there are many, int32 [M]."""
    order, enough = permutation(0, 0, source.num_examples), max(_ENOUGH, _EACH * source.num_classes)
    rows = np.sort(order if source.num_bytes <= _ALL else order[:enough])
    if source.labels is not None:
        return source.labels[rows]
    parts = (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))
    return np.concatenate([source.read(part)[1] for part in parts])


def labels_at(class_shares: Sequence[float], places: np.ndarray) -> np.ndarray:
    """The class at each of the places in [0, 1), int32, where the classes lie one after the other by their shares."""
    ends = np.cumsum(class_shares)
    return np.minimum(np.searchsorted(ends, places * ends[-1], side="right"), len(ends) - 1).astype(np.int32)
