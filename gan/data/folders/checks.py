"""What the headers of many files say together: whether they make a set, and what a person should know of it."""

import collections
import hashlib
from collections.abc import Callable

import numpy as np

from gan.data.folders.index import Files, Known
from gan.data.images import Fit, Header, check
from gan.errors import UserError
from gan.text import dimensions


def checked(known: Known, files: Files, fit: Fit) -> Header:
    """The header of the first file; raises `UserError` if sizes or modes are mixed and no flag says what to do."""
    kinds, firsts = np.unique(known.kind, return_index=True)
    seen = sorted(zip(firsts.tolist(), (known.headers[kind] for kind in kinds), strict=True))
    first = seen[0][1]
    for row, header in seen:
        size, wanted = (fit.size(each.width, each.height) for each in (header, first))
        if size != wanted:
            sizes = f"{files.where(row)} is {_by(header)} pixels and {files.where(0)} {_by(first)}"
            if fit.resolution:
                fitted = " and ".join(dimensions(each[::-1]) for each in (size, wanted))
                raise UserError(f"{sizes}: with --crop=none {fitted}, not one size; give --crop=center or pad")
            raise UserError(f"{sizes}; give --resolution to resize them all")
        if not fit.channels and header.channels != first.channels:
            words = {1: "grey", 3: "in colour"}
            raise UserError(
                f"{files.where(row)} is {words[header.channels]} and {files.where(0)} {words[first.channels]}; "
                "give --channels=1 or --channels=3 to convert them all"
            )
        check(header, fit, files.where(row))
    return first


def sizes(known: Known) -> dict[tuple[int, int], int]:
    """How many images have each (width, height), the most frequent first."""
    return dict(_counted(known, lambda header: (header.width, header.height)).most_common())


def notes(known: Known, fit: Fit) -> list[str]:
    """What is done to images that are not used as they are."""
    alpha, oblong, moving = (
        _counted(known, by)[True] for by in (lambda h: h.alpha, lambda h: h.width != h.height, lambda h: h.frames > 1)
    )
    found = [f"{alpha:,} images have transparent pixels, which are shown on white"] if alpha else []
    if oblong and fit.resolution and fit.crop in _CROPS:
        found.append(f"{oblong:,} images are not square and {_CROPS[fit.crop]}")
    if moving:
        found.append(f"{moving:,} images have several frames or pages, of which the first is used")
    return found


def identity(known: Known, *facts: object) -> str:
    """The fingerprint of the set, with what else its pixels and labels depend on; as it was where that is nothing."""
    changed = [name for name in ("oriented", "profile") if any(getattr(header, name) for header in known.headers)]
    more = (*changed, *facts)
    return hashlib.sha256(repr((known.fingerprint, *more)).encode()).hexdigest() if more else known.fingerprint


_CROPS = {
    "center": "are cropped to their middle",
    "random": "are cropped, to another part in each epoch",
    "pad": "get white borders",
}


def _counted(known: Known, key: Callable[[Header], object]) -> collections.Counter:
    """How many files have each value of a key of their header."""
    found: collections.Counter = collections.Counter()
    for header, count in zip(
        known.headers, np.bincount(known.kind, minlength=len(known.headers)).tolist(), strict=True
    ):
        found[key(header)] += count
    return found


def _by(header: Header) -> str:
    return f"{header.width}x{header.height}"
