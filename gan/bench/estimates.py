"""Closed forms of training on many GPUs: all-reduce, checkpoints and failures, scaling with the batch, data order.

Sizes in bytes, times in seconds. Nothing of it is measured; `gan.bench.scaling` fills in what has to be assumed.
"""

import math
from typing import NamedTuple

_INDEX = 8  # bytes of an index, of a random word and of a place
SORTING = 4  # bytes an index of NumPy's stable sort


_HOPELESS = 700.0  # times the time between failures: no step ever comes to its checkpoint


def ring_bytes(size: int, count: int) -> float:
    """What each of `count` devices sends, and receives, while an array of this size is added up over all in a ring."""
    return 2 * (count - 1) / count * size


def ring_seconds(size: int, count: int, bandwidth: float, hop: float) -> float:
    """How long that takes: 2 (count - 1) hops one after the other, each with its share of the array."""
    return ring_bytes(size, count) / bandwidth + 2 * (count - 1) * hop


def young(saving: float, between_failures: float) -> float:
    """Seconds of work between two checkpoints that lose the least time, to first order (Young 1974)."""
    return math.sqrt(2 * saving * between_failures)


def daly(saving: float, between_failures: float) -> float:
    """The same to higher order (Daly 2006), which holds where a failure is not rare beside a checkpoint."""
    if saving >= 2 * between_failures:
        return between_failures
    ratio = saving / (2 * between_failures)
    return young(saving, between_failures) * (1 + math.sqrt(ratio) / 3 + ratio / 9) - saving


def share_lost(work: float, saving: float, between_failures: float, restart: float) -> float:
    """The expected share of the time in which no step is taken that stays.

    After each `work` seconds a checkpoint takes `saving`; failures come at random, one in `between_failures` seconds on
    average, also during checkpoints and restarts (Daly's equation for the whole time).
    """
    if (work + saving + restart) / between_failures > _HOPELESS:
        return 1.0
    spent = between_failures * math.exp(restart / between_failures) * math.expm1((work + saving) / between_failures)
    return 1 - work / spent


def work_lost(work: float, saving: float, between_failures: float) -> float:
    """The expected time from the last checkpoint to a failure that comes before the next one is complete."""
    whole = work + saving
    return between_failures - whole / math.expm1(whole / between_failures)


class Scaled(NamedTuple):
    """Settings at another batch: `beta2` is below 0 where the rule has none."""

    learning_rate: float
    beta2: float
    images: float


def scaled(factor: float, learning_rate: float, beta2: float, images: float) -> Scaled:
    """Settings at `factor` times the batch, by the rule of gan/presets.py; `images` are half-lives and schedules."""
    return Scaled(math.sqrt(factor) * learning_rate, 1 - factor * (1 - beta2), factor * images)


class OrderBytes(NamedTuple):
    """Memory of the order of an epoch in a process: what is kept, and the most while the next one is made."""

    kept: int
    most: int


def order_bytes(examples: int, flip: bool = False, random_places: bool = False) -> OrderBytes:
    """What `gan.data.order` needs in each process: two epochs are kept, since a batch may hold the end of one.

    A permutation is made of random words that are sorted, with a workspace of half as much.
    """
    kept = 2 * (_INDEX + flip + _INDEX * random_places) * examples
    return OrderBytes(kept, kept + (2 * _INDEX + SORTING) * examples)
