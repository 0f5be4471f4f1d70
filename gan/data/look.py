"""One look at the decoded images of a source: their values, what is alike, how many each class has.

All images are looked at where they are in memory, otherwise so many, spread evenly, as take a few seconds to read.
What took long is kept in the cache.
"""

import hashlib
from typing import NamedTuple

import numpy as np

from gan.data.sameness import Sameness, marks, of_one_colour
from gan.data.source import Source
from gan.storage import cache

_MOST = 20_000  # images that are looked at where they have to be decoded
_MOST_BYTES = 1 << 28  # of them, as decoded; some hundreds are looked at in any case
_LEAST = 500
_MOST_HELD = 1 << 30  # bytes of images in memory that are all looked at
_KEPT = 64 << 20  # bytes in memory whose look is as quick as the cache
_COMPARED = 2000  # images, spread evenly, of which it is told whether all are nearly the same
CHUNK = 1024  # images read at a time
_VERSION = 1  # to be raised when another look sees other things
_FILES = ("numbers", "counts")


class Look(NamedTuple):
    """What was seen of a source."""

    seen: int  # images that were looked at
    levels: np.ndarray  # int64 [256]: pixels of each value
    one_colour: int  # images that are nearly constant
    first_one_colour: int  # the index of the first of them, -1 where there is none
    copies: int  # images that are, to the last pixel, one that comes before
    first_copy: int
    grey: bool  # images of three channels that are all equal
    spread: float  # levels by which a pixel differs from image to image
    counts: np.ndarray  # int64 [K]: images of each class, of all images where `counted_all`, else of those seen
    unlabelled: int  # of the same images
    counted_all: bool

    @property
    def lowest(self) -> int:
        """The least value of a pixel."""
        return int(np.flatnonzero(self.levels)[0])

    @property
    def highest(self) -> int:
        """The greatest value of a pixel."""
        return int(np.flatnonzero(self.levels)[-1])

    @property
    def mean(self) -> float:
        """The mean of all pixels, of 255."""
        return float(self.levels @ np.arange(256) / self.levels.sum())

    @property
    def deviation(self) -> float:
        """The standard deviation of all pixels, of 255."""
        square = float(self.levels @ np.arange(256) ** 2 / self.levels.sum())
        return max(square - self.mean**2, 0.0) ** 0.5


def at(source: Source) -> Look:
    """What a look at the source sees, from the cache where that is quicker."""
    wanted = looked_at(source)
    fast = source.in_memory and source.num_bytes <= _KEPT
    facts = f"{_VERSION} {source.fingerprint} {len(wanted)} {source.labels is None} {source.num_classes}"
    key = "" if fast or not source.fingerprint else f"look-{hashlib.sha256(facts.encode()).hexdigest()[:40]}"
    numbers, counts = cache.get(key, lambda: _pass(source, wanted), _FILES)
    if len(numbers) != 256 + 6 or len(counts) != 1 + source.num_classes:
        numbers, counts = _pass(source, wanted)  # of another version
    if source.labels is not None:
        counts = count(source.labels, source.num_classes)
    one_colour, first_one_colour, copies, first_copy, grey = (int(number) for number in numbers[256:-1])
    return Look(
        seen=len(wanted),
        levels=numbers[:256].astype(np.int64),
        one_colour=one_colour,
        first_one_colour=first_one_colour,
        copies=copies,
        first_copy=first_copy,
        grey=bool(grey),
        spread=float(numbers[-1]),
        counts=counts[1:],
        unlabelled=int(counts[0]),
        counted_all=source.labels is not None or len(wanted) == source.num_examples,
    )


def count(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Images without a label, then of each class: int64 [1 + K] of labels int32 [N], -1 for none."""
    return np.bincount(np.maximum(labels, -1) + 1, minlength=1 + num_classes)[: 1 + num_classes].astype(np.int64)


def looked_at(source: Source) -> np.ndarray:
    """The images that are looked at: indices int64, ascending, spread evenly."""
    each = max(1, source.num_bytes // source.num_examples)
    most = max(_LEAST, (_MOST_HELD if source.in_memory else _MOST_BYTES) // each)
    some = min(source.num_examples, most if source.in_memory else min(most, _MOST))
    return np.arange(some, dtype=np.int64) * source.num_examples // some


def _pass(source: Source, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Looks at the images of these rows: (levels and the further numbers float64 [262], counts int64 [1 + K])."""
    levels, counts = np.zeros(256, np.int64), np.zeros(1 + source.num_classes, np.int64)
    found, constant, sample = [], [], Sameness()
    grey, each = source.image_shape[2] == 3, -(-len(rows) // _COMPARED)
    for start in range(0, len(rows), CHUNK):
        images, labels = source.read(rows[start : start + CHUNK])
        levels += _levels(images)
        counts += count(labels, source.num_classes)
        found.append(np.array(marks(images), np.int64))
        constant.append(of_one_colour(images))
        sample.add(images[-start % each :: each])
        grey = grey and bool((images == images[..., :1]).all())
    first = np.zeros(len(rows), bool)
    first[np.unique(np.concatenate(found), return_index=True)[1]] = True
    one_colour, copies = np.flatnonzero(np.concatenate(constant)), np.flatnonzero(~first)
    further = [len(one_colour), _first(rows, one_colour), len(copies), _first(rows, copies), grey, sample.spread]
    return np.concatenate([levels, further]).astype(np.float64), counts


def _levels(images: np.ndarray) -> np.ndarray:
    """How many pixels have each value: int64 [256]; of two pixels at a time, which is twice as quick."""
    flat = np.ascontiguousarray(images).reshape(-1)
    even = len(flat) // 2 * 2
    pairs = np.bincount(flat[:even].view(np.uint16), minlength=1 << 16).reshape(256, 256)
    return pairs.sum(axis=0) + pairs.sum(axis=1) + np.bincount(flat[even:], minlength=256)


def _first(rows: np.ndarray, places: np.ndarray) -> int:
    return int(rows[places[0]]) if len(places) else -1
