"""A tensor of one network made to fit another: for other classes, for grey images or RGB."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in a grey image (ITU-R BT.601), as images are converted
_CHANNELS = {1, 3}


class Converted(NamedTuple):
    """A tensor that was made to fit, in words how it differs from what it was, and how many numbers were taken."""

    value: np.ndarray
    how: str  # empty: it is what it was
    taken: int


def by_class(
    theirs: np.ndarray, mine: np.ndarray, there: Sequence[str], here: Sequence[str], mean_for_new: bool
) -> Converted | None:
    """A table [K, N] of which each class has a row, or one row [N] for all of them; None if N differs.

    Rows are taken by the names of the classes. New classes keep what is in `mine`, or with `mean_for_new` begin as the
    mean of the rows there. No class here is that mean, no class there is the row of each.
    """
    if theirs.shape[-1] != mine.shape[-1]:
        return None
    if there == here:
        return Converted(theirs, "", theirs.size)
    rows = theirs if there else theirs[None]
    mean = rows.mean(axis=0)
    if not here:
        return Converted(mean, "is the mean over the classes there", mean.size)
    if not there:
        return Converted(np.broadcast_to(mean, mine.shape).copy(), "is for each class what it was for all", mine.size)
    known = dict(zip(there, rows, strict=True))
    new = [name for name in here if name not in known]
    value = np.stack([known.get(name, mean if mean_for_new else row) for name, row in zip(here, mine, strict=True)])
    how = "by the names of the classes" + (f"; new: {listed(new)}" if new else "")
    return Converted(value, how, (len(here) - len(new)) * mean.size)


def for_channels(theirs: np.ndarray, mine: np.ndarray, axis: int, draws: bool) -> Converted | None:
    """A kernel or bias of images of 1 channel for 3, or of 3 for 1, along `axis`; None if more than that differs.

    A discriminator judges a grey image as before, given as RGB, and an RGB image by the grey one that it is converted
    to; a generator (`draws`) makes RGB images that are grey, or the grey ones that its RGB images are converted to.
    """
    axis += theirs.ndim
    if axis < 0 or theirs.ndim != mine.ndim or {theirs.shape[axis], mine.shape[axis]} != _CHANNELS:
        return None
    if np.delete(theirs.shape, axis).tolist() != np.delete(mine.shape, axis).tolist():
        return None
    luma = np.reshape(np.asarray(LUMA, theirs.dtype), [-1] + [1] * (theirs.ndim - 1 - axis))
    more = mine.shape[axis] == 3
    if draws:
        value = np.repeat(theirs, 3, axis) if more else (theirs * luma).sum(axis, keepdims=True)
    else:
        value = theirs * luma if more else theirs.sum(axis, keepdims=True)
    return Converted(value, "for RGB as it was for grey" if more else "for grey as it was for RGB", value.size)


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
