"""Classes of images by the rows of a file: which row is of which image, and the numbers of the classes."""

import math
import os
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gan.data.folders.label_files import Row
from gan.data.folders.names import Names, readable
from gan.data.labels import MAX_CLASSES
from gan.errors import UserError


class Labelled(NamedTuple):
    """The classes of the images of a set."""

    labels: np.ndarray  # int32 [N]; -1 where an image has none
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()  # what may have been meant otherwise
    rows: frozenset[Row] = frozenset()  # that are of images of the set
    by_folders: bool = False  # the classes are its sub-folders


def labelled(
    names: Names,
    rows: list[Row],
    where: str,
    below: tuple[str, ...] = (),
    elsewhere: tuple[str, ...] = (),
    some: bool = True,
) -> Labelled:
    """The classes of images by their paths below the root; what the file at `where` and the images leave over is noted.

    Rows name images by their paths below the root or below one of the folders `below` (each ending in /) that it lies
    in, or by their names alone, with or without ending; those of images in the folders `elsewhere` are left alone.
    Raises `UserError` if one row can be of two images, or if `some` must be of one and none is.
    """
    table, repeated = _table(rows, where)
    used: dict[str, str] = {}
    categories = []
    for name in names:
        key = next((key for key in _keys(name, below) if key in table), None)
        if key is not None and used.setdefault(key, name) != name:
            shown, one, other = (readable(each) for each in (table[key].name, used[key], name))
            raise UserError(f"line {table[key].line} of {where}, {shown}, can be {one} or {other}; write its path")
        categories.append("" if key is None else table[key].category)
    if some and rows and not used:
        raise UserError(
            f"no row of {where} is of an image of the set: its first is of {readable(rows[0].name)}, the set's first "
            f"image is {readable(names[0])}; write paths below the folder"
        )
    numbers, class_names = _classes(set(categories) - {""}, where)
    labels = np.array([numbers.get(category, -1) for category in categories], np.int32)
    notes = [f"rows of {where} that say what one before says: {repeated:,}"] if repeated else []
    doubts = []
    if spare := [row.name for key, row in table.items() if key not in used and not key.startswith(elsewhere)]:
        doubts.append(
            f"{len(spare):,} of {len(table):,} rows of {where} are of no image of the set (the first: "
            f"{readable(spare[0])}); look whether files are missing or called otherwise"
        )
    if not class_names and some:
        notes.append(f"{where} has no classes, so there are no labels")
    elif (labels < 0).any():
        first = readable(names[int(np.argmax(labels < 0))])
        notes.append(f"images without a class in {where}: {int((labels < 0).sum()):,}, first {first}")
    return Labelled(labels, class_names, tuple(notes), tuple(doubts), frozenset(table[key] for key in used))


def _table(rows: list[Row], where: str) -> tuple[dict[str, Row], int]:
    """The rows by the path that each names, and how many say something twice; raises `UserError` for contradictions."""
    table: dict[str, Row] = {}
    repeated = 0
    for row in rows:
        key = _plain(row.name.replace("\\", "/")).removeprefix("./")
        if not key:
            raise UserError(f"line {row.line} of {where} names no image")
        before = table.setdefault(key, row)
        repeated += before is not row
        if before.category != row.category:
            raise UserError(
                f"{where} says of {readable(row.name)} that it is {readable(before.category) or 'of no class'} (line "
                f"{before.line}) and {readable(row.category) or 'of no class'} (line {row.line}); remove one of them"
            )
    return table, repeated


def _plain(name: str) -> str:
    """A name with letters and their accents in one piece, however the system that wrote it has them."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _keys(name: str, below: tuple[str, ...]) -> Iterator[str]:
    """What a row may call an image, the most exact first."""
    name = _plain(name)
    stem = os.path.splitext(name)[0]
    yield name
    for folder in below:
        yield folder + name
    yield stem
    for folder in below:
        yield folder + stem
    yield name.rpartition("/")[2]
    yield stem.rpartition("/")[2]


def _classes(categories: set[str], where: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """The number of each class, and their names in order: numbers by their size, names by their letters."""
    values = {category: _number(category) for category in categories}
    if "nan" in map(str.casefold, categories) and sum(value is None for value in values.values()) == 1:
        values = {category: value for category, value in values.items() if value is not None}  # a table's gaps
    if all(value is not None for value in values.values()):
        order = sorted(set(values.values()))
        place = {value: number for number, value in enumerate(order)}
        numbers = {category: place[value] for category, value in values.items()}
        names = tuple(str(int(value)) if value == int(value) else repr(value) for value in order)
    else:
        ordered = sorted(categories)
        numbers, names = {category: number for number, category in enumerate(ordered)}, tuple(map(readable, ordered))
    if len(names) > MAX_CLASSES:
        raise UserError(f"{where} has {len(names):,} classes, more than {MAX_CLASSES:,}; are they classes?")
    return numbers, names


def _number(category: str) -> float | None:
    """A class as a number, None if it is none."""
    try:
        value = float(category)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
