"""Labels as people keep them: numbers, names, one-hot rows; and what they are here: int32 [N], -1 for none."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gan.errors import UserError

MAX_CLASSES = 100_000

# What a label is called, the likeliest first; in any capitals.
NAMES = ("label", "labels", "class", "classes", "target", "targets", "category", "fine_label", "cls", "y", "digit")


class Classes(NamedTuple):
    """The label of each image, int32 [N], -1 where it has none; the names of the classes, none without labels."""

    labels: np.ndarray
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def none_of(count: int) -> Classes:
    """Of images without labels."""
    return Classes(np.full(count, -1, np.int32), ())


def classes_of(values: np.ndarray, count: int, names: Sequence[str] | None, where: str) -> Classes:
    """The classes of `count` images from their labels, whole numbers of any type, names, or one-hot rows [N, K].

    `names` are those of classes 0, 1, ..., or None: then they are their numbers. -1 is no label, as None and an empty
    name are. Raises `UserError`, which begins with `where`, for anything else.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if len(values.shape) == 2 and len(values) == count and values.dtype.kind in "biuf":
        numbers, least = _from_one_hot(values, where), values.shape[1]
    elif values.shape != (count,):
        raise UserError(
            f"{where} is {values.dtype} {list(values.shape)}; it must be integers [{count}], one for each image"
        )
    elif values.dtype.kind in "USO":
        return _from_strings(values, names, where)
    else:
        numbers, least = _whole(values, where), 0
        names = ("false", "true") if values.dtype.kind == "b" and names is None else names
    number = max(int(numbers.max(initial=-1)) + 1, least)
    if numbers.min(initial=0) < -1 or number > MAX_CLASSES:
        raise UserError(
            f"{where} go from {numbers.min()} to {numbers.max()}; number the classes from 0, with -1 for no label"
        )
    if names is not None and number > len(names):
        which = f"{numbers.max()} for image {numbers.argmax()}" if numbers.max() >= len(names) else f"{number} columns"
        raise UserError(
            f"{where} has {which}, and there are {len(names)} class names; write one for each label from 0 to "
            f"{number - 1}, or give --labels=none"
        )
    return _with_notes(numbers.astype(np.int32), _named(number, names))


def class_names_of(values: np.ndarray, where: str) -> tuple[str, ...]:
    """Names of classes from an array of strings; raises `UserError`, which begins with `where`."""
    if values.ndim == 1 and values.dtype.kind == "S":
        values = np.array([_text(each) for each in values.tolist()])
    if values.ndim != 1 or values.dtype.kind != "U":
        raise UserError(
            f"{where} must be strings [K], all different, one for each class, and is {values.dtype} "
            f"{list(values.shape)}; write it so or leave it out"
        )
    found = tuple(values.tolist())
    twice = [name for name in dict.fromkeys(found) if found.count(name) > 1] if len(set(found)) < len(found) else []
    if twice:
        raise UserError(f"{where} must be strings [K], all different, and has {twice[0]!r} twice; rename one")
    return found


def _from_one_hot(values: np.ndarray, where: str) -> np.ndarray:
    """The numbers of rows [N, K] that have a single 1 among zeros; raises `UserError` for others."""
    wrong = np.flatnonzero(((values != 0) & (values != 1)).any(axis=1) | (values.sum(axis=1) != 1))
    if len(wrong):
        raise UserError(
            f"{where} is {values.dtype} {list(values.shape)}, and row {wrong[0]} is not one 1 among zeros: an image "
            "has one class here; write integers [N]"
        )
    return values.argmax(axis=1)


def _whole(values: np.ndarray, where: str) -> np.ndarray:
    """Labels as int64; raises `UserError` if they are no whole numbers."""
    whole = values.dtype.kind in "biu" or values.dtype.kind == "f" and bool(np.all(np.mod(values, 1) == 0))
    if not whole:
        raise UserError(
            f"{where} is {values.dtype} {list(values.shape)} of values that are not whole; it must be integers "
            f"[{len(values)}], one for each image"
        )
    large = np.abs(values.astype(np.float64)) > 2.0**31
    if large.any():
        raise UserError(f"{where} has the value {values[large][0]}; number the classes from 0, with -1 for no label")
    return values.astype(np.int64)


def _from_strings(values: np.ndarray, names: Sequence[str] | None, where: str) -> Classes:
    """The classes of labels that are names, in the order of `names` or else their own."""
    given = values.tolist()
    if any(not isinstance(each, (str, bytes, type(None))) for each in given):
        raise UserError(f"{where} holds things that are neither numbers nor names; write integers [N], or names")
    words = [_text(each) for each in given]
    known = _sorted(set(words) - {""}) if names is None else list(names)
    if len(known) > MAX_CLASSES:
        raise UserError(f"{where} has {len(known):,} different names, too many to be classes; use --labels=none")
    number = {name: index for index, name in enumerate(known)} | {"": -1}
    strange = next((index for index, word in enumerate(words) if word not in number), None)
    if strange is not None:
        raise UserError(f"{where} has {words[strange]!r} for image {strange}, which is not among the class names")
    labels = np.array([number[word] for word in words], np.int32)
    return _with_notes(labels, tuple(known) if labels.max(initial=-1) >= 0 else ())


def _sorted(words: set[str]) -> list[str]:
    """Names in the order of the alphabet, or if all are numbers in theirs."""
    return sorted(words, key=int) if all(word.isdecimal() for word in words) else sorted(words)


def _named(number: int, names: Sequence[str] | None) -> tuple[str, ...]:
    """The names of `number` classes, or of more where more have names."""
    return tuple(map(str, range(number))) if names is None or not number else tuple(names)


def _with_notes(labels: np.ndarray, names: tuple[str, ...]) -> Classes:
    without = int(np.sum(labels < 0))
    if without == len(labels):
        return Classes(labels, names, ("no image has a label: all are -1",))
    return Classes(labels, names, (f"{without:,} of {len(labels):,} images have no label (-1)",) if without else ())


def _text(name: str | bytes | None) -> str:
    """A name as text: bytes of other encodings than UTF-8 by their codes; None is none."""
    if name is None:
        return ""
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
