"""What the headers of many files say together: whether they make a set, and what a person should know of it."""

import collections
import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan.data.decoding.fit import Fit
from gan.data.decoding.images import Header, check
from gan.errors import UserError
from gan.text import dimensions


class Headers(NamedTuple):
    """The headers of the images of a set."""

    different: list[Header]  # in no order
    kind: np.ndarray  # which of them each image has, int32 [N]


def checked(headers: Headers, where: Callable[[int], str], fit: Fit) -> Header:
    """The header of the first image; raises `UserError` if sizes or modes are mixed and no flag says what to do.

    `where` gives what messages call the image of an index.
    """
    kinds, firsts = np.unique(headers.kind, return_index=True)
    seen = sorted(zip(firsts.tolist(), (headers.different[kind] for kind in kinds), strict=True))
    first = seen[0][1]
    for row, header in seen:
        size, wanted = (fit.size(each.width, each.height) for each in (header, first))
        if size != wanted:
            sizes = f"{where(row)} is {_by(header)} pixels and {where(0)} {_by(first)}"
            if fit.resolution:
                fitted = " and ".join(dimensions(each[::-1]) for each in (size, wanted))
                raise UserError(f"{sizes}: with --crop=none {fitted}, not one size; give --crop=center or pad")
            raise UserError(f"{sizes}; give --resolution to resize them all")
        if not fit.channels and header.channels != first.channels:
            words = {1: "grey", 3: "in colour"}
            raise UserError(
                f"{where(row)} is {words[header.channels]} and {where(0)} {words[first.channels]}; "
                "give --channels=1 or --channels=3 to convert them all"
            )
        check(header, fit, where(row))
    return first


def sizes(headers: Headers) -> dict[tuple[int, int], int]:
    """How many images have each (width, height), the most frequent first."""
    return dict(_counted(headers, lambda header: (header.width, header.height)).most_common())


def notes(headers: Headers, fit: Fit) -> list[str]:
    """What is done to images that are not used as they are."""
    alpha, oblong, moving = (
        _counted(headers, by)[True] for by in (lambda h: h.alpha, lambda h: h.width != h.height, lambda h: h.frames > 1)
    )
    found = [f"{alpha:,} images have transparent pixels, which are shown on white"] if alpha else []
    if oblong and fit.resolution and fit.crop in _CROPS:
        found.append(f"{oblong:,} images are not square and {_CROPS[fit.crop]}")
    if moving:
        found.append(f"{moving:,} images have several frames or pages, of which the first is used")
    return found


def identity(fingerprint: str, headers: Headers, *facts: object) -> str:
    """The fingerprint of a set, of that of its files and what else its pixels and labels depend on.

    It is as it always was where that is nothing.
    """
    changed = [name for name in ("oriented", "profile") if any(getattr(header, name) for header in headers.different)]
    more = (*changed, *facts)
    return hashlib.sha256(repr((fingerprint, *more)).encode()).hexdigest() if more else fingerprint


_CROPS = {
    "center": "are cropped to their middle",
    "random": "are cropped, to another part in each epoch",
    "pad": "get white borders",
}


def _counted(headers: Headers, key: Callable[[Header], object]) -> collections.Counter:
    """How many files have each value of a key of their header."""
    found: collections.Counter = collections.Counter()
    for header, count in zip(
        headers.different, np.bincount(headers.kind, minlength=len(headers.different)).tolist(), strict=True
    ):
        found[key(header)] += count
    return found


def _by(header: Header) -> str:
    return f"{header.width}x{header.height}"
