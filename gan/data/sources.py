"""The data sources by name: what `--dataset` may be."""

import dataclasses
import functools
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan.data import parts
from gan.data.folders.folder import open_folder
from gan.data.garments.garments import open_garments
from gan.data.memory import placed
from gan.data.npz.npz import open_npz
from gan.data.parquet.parquet import open_parquet
from gan.data.source import Source, Wanted
from gan.data.tfds import download, prepared, tfds
from gan.errors import UserError

__all__ = ["KINDS", "Source", "open_source", "open_test"]


def open_source(dataset: str, **settings: Any) -> Source:
    """The source called `dataset`, to be trained on, with other settings of the group "data" as they are given.

    Images are decoded in memory, or read by index, as `data_in_memory` says ("auto": where they fit). Only `auto` ever
    gives another set than the one named. Raises `UserError` with one line if the data cannot be used.
    """
    return _opened(Wanted(dataset, **settings), test=False)


def open_test(dataset: str, *, train: Source | None = None, **settings: Any) -> Source | None:
    """The images that evaluations take as unseen, None if there are none; see `open_source`.

    They are those of `test_dataset`, or else those of `dataset` that training does not see, in the form and the classes
    of `train` (None: what is called `dataset`).
    """
    wanted = Wanted(dataset, **settings)
    found = _opened_for_tests(wanted) if wanted.test_dataset else _opened(wanted, test=True)
    if found is None or not has_own_identity(dataset, wanted.test_dataset):
        return found
    train = train or _opened(dataclasses.replace(wanted, data_in_memory="auto"), test=False, place=False)
    return parts.in_form_of(found, train, "--test_dataset: " if wanted.test_dataset else "")


@functools.lru_cache(maxsize=1)
def open_beside(train: Source, dataset: str, **settings: Any) -> Source | None:
    """What `open_test` gives beside the opened images for training, read by index.

    A start asks more than once: beside the same images they are not opened again, which takes its time of a large set.
    """
    name = train.name if dataset == "auto" else dataset
    return open_test(name, train=train, **settings | {"data_in_memory": "false"})


def has_own_identity(dataset: str, test_dataset: str = "") -> bool:
    """Whether the images for tests may be others while those for training are the same.

    Those of tfds and of the garments come in one version together.
    """
    return bool(test_dataset) or dataset.partition(":")[0] in _FROM_FILES


def _opened_for_tests(wanted: Wanted) -> Source:
    """The set called `test_dataset`, of one that has a part for tests that part; raises `UserError`."""
    own = dataclasses.replace(wanted, dataset=wanted.test_dataset, test_dataset="", labels=_own_labels(wanted))
    try:
        return _opened(own, test=True) or _opened(own, test=False)
    except UserError as error:
        line = str(error).replace("--dataset=", "--test_dataset=", 1)
        raise UserError(line if "--test_dataset" in line else f"--test_dataset={own.dataset}: {line}") from None


def _own_labels(wanted: Wanted) -> str:
    """How the images of `test_dataset` have their labels: a file is that of the images for training."""
    folder = wanted.test_dataset.startswith("folder:")
    return wanted.labels if wanted.labels == "none" or wanted.labels == "folders" and folder else "auto"


def _opened(wanted: Wanted, test: bool, place: bool = True) -> Source | None:
    """What the kind of source gives of what is wanted; if it has a `place`, in memory where it shall be."""
    name = wanted.dataset
    kind, colon, rest = name.partition(":")
    if kind not in KINDS or (kind in _NEED_ARGUMENT) != bool(rest) or (colon and not rest):
        forms = ", ".join(f"{known}:{_NEED_ARGUMENT[known]}" if known in _NEED_ARGUMENT else known for known in KINDS)
        raise UserError(f"--dataset={name} is unknown; it must be one of {forms}")
    if wanted.labels not in ("auto", "none") and kind != "folder":
        raise UserError(f"--labels={wanted.labels} is for --dataset=folder:PATH; of {name} it can be auto or none")
    try:
        opened = KINDS[kind](rest, wanted, test)
        if opened and place:
            opened = placed(opened, wanted.data_in_memory, wanted.data_workers)
    except OSError as error:
        where, reason = error.filename or name, " ".join((error.strerror or str(error)).split())
        raise UserError(f"{where} cannot be read ({reason}); check the path and its rights") from None
    return parts.without_labels(opened) if opened and wanted.labels == "none" else opened


def _tfds(name: str, wanted: Wanted, test: bool) -> Source | None:
    """A tfds data set, downloaded if it is not prepared."""
    root = prepared.prepared_root(wanted.data_dir)
    return _prepared(prepared.prepared_folder(name, root) or download.prepare(name, root), name, wanted, test)


def _prepared(folder: Path, name: str, wanted: Wanted, test: bool) -> Source | None:
    """A prepared tfds data set."""
    which = tfds.test_split(folder) if test else tfds.TRAIN
    return tfds.open_prepared(folder, name, wanted.fit, which, wanted.labels != "none") if which else None


def _fashion_mnist(_: str, wanted: Wanted, test: bool) -> Source | None:
    return _tfds("fashion_mnist", wanted, test)


def _garments(_: str, wanted: Wanted, test: bool) -> Source:
    return open_garments(wanted.fit, test)


def _folder(path: str, wanted: Wanted, test: bool) -> Source | None:
    return open_folder(path, wanted.fit, wanted.labels, test, wanted.data_workers)


def _npz(path: str, wanted: Wanted, test: bool) -> Source | None:
    return open_npz(path, wanted.fit, wanted.data_in_memory, test=test, labelled=wanted.labels != "none")


def _parquet(path: str, wanted: Wanted, test: bool) -> Source | None:
    return open_parquet(path, wanted.fit, test=test, labelled=wanted.labels != "none")


def _auto(_: str, wanted: Wanted, test: bool) -> Source | None:
    """Fashion-MNIST where it is to be had, otherwise the garments, with a warning nobody can miss."""
    if wanted.data_dir:
        prepared.prepared_root(wanted.data_dir)  # a mistake in it is no reason for other data
    try:
        root = prepared.prepared_root(wanted.data_dir)
        folder = prepared.prepared_folder("fashion_mnist", root) or download.prepare("fashion_mnist", root)
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


_NEED_ARGUMENT = {"tfds": "NAME", "folder": "PATH", "npz": "PATH", "parquet": "PATH"}
_FROM_FILES = ("folder", "npz", "parquet")  # whatever a person has

KINDS: dict[str, Callable[[str, Wanted, bool], Source | None]] = {
    "auto": _auto,
    "fashion_mnist": _fashion_mnist,
    "garments": _garments,
    "tfds": _tfds,
    "folder": _folder,
    "npz": _npz,
    "parquet": _parquet,
}
