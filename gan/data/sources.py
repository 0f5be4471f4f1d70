"""The data sources by name: what `--dataset` may be."""

import dataclasses
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan.data import download, tfds
from gan.data.folder import open_folder
from gan.data.garments.garments import open_garments
from gan.data.memory import placed
from gan.data.npz import open_npz
from gan.data.source import Source, Wanted
from gan.errors import UserError

__all__ = ["KINDS", "Source", "open_source", "open_test"]


def open_source(dataset: str, **settings: Any) -> Source:
    """The source called `dataset`, to be trained on, with other settings of the group "data" as they are given.

    Images are decoded in memory, or read by index, as `data_in_memory` says ("auto": where they fit). Only `auto` ever
    gives another set than the one named. Raises `UserError` with one line if the data cannot be used.
    """
    return _opened(Wanted(dataset, **settings), test=False)


def open_test(dataset: str, **settings: Any) -> Source | None:
    """The images of the source called `dataset` that training does not see, None if it has none; see `open_source`."""
    return _opened(Wanted(dataset, **settings), test=True)


def _opened(wanted: Wanted, test: bool) -> Source | None:
    """What the kind of source gives of what is wanted, in memory where it shall be."""
    name = wanted.dataset
    kind, colon, rest = name.partition(":")
    if kind not in KINDS or (kind in _NEED_ARGUMENT) != bool(rest) or (colon and not rest):
        forms = ", ".join(f"{known}:{_NEED_ARGUMENT[known]}" if known in _NEED_ARGUMENT else known for known in KINDS)
        raise UserError(f"--dataset={name} is unknown; it must be one of {forms}")
    try:
        opened = KINDS[kind](rest, wanted, test)
        return placed(opened, wanted.data_in_memory) if opened else None
    except OSError as error:
        place = error.filename or name
        raise UserError(f"{place} cannot be read ({error.strerror or error}); check the path and its rights") from None


def _tfds(name: str, wanted: Wanted, test: bool) -> Source | None:
    """A tfds data set, downloaded if it is not prepared."""
    root = tfds.prepared_root(wanted.data_dir)
    return _prepared(tfds.prepared_folder(name, root) or download.prepare(name, root), name, wanted, test)


def _prepared(folder: Path, name: str, wanted: Wanted, test: bool) -> Source | None:
    """A prepared tfds data set."""
    which = tfds.test_split(folder) if test else tfds.TRAIN
    return tfds.open_prepared(folder, name, wanted.fit, which) if which else None


def _fashion_mnist(_: str, wanted: Wanted, test: bool) -> Source | None:
    return _tfds("fashion_mnist", wanted, test)


def _garments(_: str, wanted: Wanted, test: bool) -> Source:
    return open_garments(wanted.fit, test)


def _folder(path: str, wanted: Wanted, test: bool) -> Source | None:
    return None if test else open_folder(path, wanted.fit)


def _npz(path: str, wanted: Wanted, test: bool) -> Source | None:
    return None if test else open_npz(path, wanted.fit, wanted.data_in_memory)


def _auto(_: str, wanted: Wanted, test: bool) -> Source | None:
    """Fashion-MNIST where it is to be had, otherwise the garments, with a warning nobody can miss."""
    try:
        root = tfds.prepared_root(wanted.data_dir)
        folder = tfds.prepared_folder("fashion_mnist", root) or download.prepare("fashion_mnist", root)
    except (UserError, OSError) as error:
        note = f"Fashion-MNIST could not be had, so the built-in garments take its place: {error}"
        print(_framed("NOT THE REAL DATA", note), file=sys.stderr, flush=True)
        source = _garments("", wanted, test)
        return dataclasses.replace(source, notes=(*source.notes, note))
    return _prepared(folder, "fashion_mnist", wanted, test)


def _framed(title: str, text: str, width: int = 78) -> str:
    """The text in a frame of asterisks, at most `width` wide."""
    lines = [title, *textwrap.wrap(text, width - 4)]
    return "\n".join(["*" * width, *(f"* {line:<{width - 4}} *" for line in lines), "*" * width])


_NEED_ARGUMENT = {"tfds": "NAME", "folder": "PATH", "npz": "PATH"}

KINDS: dict[str, Callable[[str, Wanted, bool], Source | None]] = {
    "auto": _auto,
    "fashion_mnist": _fashion_mnist,
    "garments": _garments,
    "tfds": _tfds,
    "folder": _folder,
    "npz": _npz,
}
