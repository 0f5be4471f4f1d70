"""Which images training sees when, mirrored or not, cut where: pure functions of (seed, epoch, index).

The examples form one endless row, a permutation for each epoch, one epoch after the other; a step takes the next
`draws * batch` positions of it, so a batch may hold the end of one epoch and the beginning of the next. Nothing of it
needs a checkpoint.

Random are the raw 64-bit words of Philox with key (seed, epoch), which no version of NumPy changes. What they are for
is in the upper end of the counter, which counting never reaches: so order, mirroring and places have nothing in common.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_ORDER, _MIRROR, _PLACE = 0, 1, 2  # what words are for


class Drawn(NamedTuple):
    """A part of the row: indices int64 [n]; where wanted, mirrored bool [n] and places float64 [n] in [0, 1)."""

    indices: np.ndarray
    mirrored: np.ndarray | None = None
    places: np.ndarray | None = None


@functools.lru_cache(maxsize=2)
def permutation(seed: int, epoch: int, num_examples: int) -> np.ndarray:
    """The order of an epoch: int64 [num_examples], each index once; read-only."""
    return _fixed(np.argsort(_words(seed, epoch, _ORDER, num_examples), kind="stable").astype(np.int64))


@functools.lru_cache(maxsize=2)
def mirrored(seed: int, epoch: int, num_examples: int) -> np.ndarray:
    """Whether the image of each index is mirrored in an epoch: bool [num_examples], half of them; read-only."""
    return _fixed(_words(seed, epoch, _MIRROR, num_examples) >> np.uint64(63) == 1)


@functools.lru_cache(maxsize=2)
def places(seed: int, epoch: int, num_examples: int) -> np.ndarray:
    """Where the image of each index is cut in an epoch: float64 [num_examples], uniform in [0, 1); read-only."""
    return _fixed((_words(seed, epoch, _PLACE, num_examples) >> np.uint64(11)) * 2.0**-53)


def drawn(
    seed: int, first: int, last: int, num_examples: int, flip: bool = False, random_places: bool = False
) -> Drawn:
    """The positions first ... last - 1 of the row."""

    def along(of_epoch: Callable[[int, int, int], np.ndarray], indices: np.ndarray | None = None) -> np.ndarray:
        """What the epochs have at these positions, or of the indices there."""
        parts = []
        for epoch in range(first // num_examples, -(-last // num_examples)):
            begin, end = (min(max(at - epoch * num_examples, 0), num_examples) for at in (first, last))
            offset = epoch * num_examples - first
            rows = slice(begin, end) if indices is None else indices[begin + offset : end + offset]
            parts.append(of_epoch(seed, epoch, num_examples)[rows])
        return np.concatenate(parts) if parts else of_epoch(seed, 0, num_examples)[:0]

    indices = along(permutation)
    return Drawn(indices, along(mirrored, indices) if flip else None, along(places, indices) if random_places else None)


class Part(NamedTuple):
    """Of each draw of `batch` examples the `size` from number `first` on: what one of several workers takes."""

    batch: int
    first: int
    size: int


def of_part(part: Part, first: int, last: int, row: Callable[..., Drawn]) -> Drawn:
    """The positions first ... last - 1 of the row that is left of `row(first, last)` where only a part counts."""
    draws = range(first // part.size, -(-last // part.size))
    whole = row(first=draws.start * part.batch, last=draws.stop * part.batch)

    def cut(array: np.ndarray | None) -> np.ndarray | None:
        if array is None:
            return None
        own = array.reshape(len(draws), part.batch)[:, part.first : part.first + part.size].reshape(-1)
        return own[first - draws.start * part.size : last - draws.start * part.size]

    return Drawn(*map(cut, whole))


def _words(seed: int, epoch: int, purpose: int, count: int) -> np.ndarray:
    """Random uint64 [count]."""
    key, counter = np.array([seed, epoch], np.uint64), np.array([0, 0, 0, purpose], np.uint64)
    return np.random.Philox(counter=counter, key=key).random_raw(count)


def _fixed(array: np.ndarray) -> np.ndarray:
    """The array, which nobody can change any more: several users share it."""
    array.flags.writeable = False
    return array
