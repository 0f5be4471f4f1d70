"""Images from a NumPy archive: arrays `images` [N, H, W] or [N, H, W, C] and, if there are labels, `labels` [N].

The classes have the names of an optional array `class_names`, strings [K], or else their numbers. Arrays that others
call otherwise are understood where it is certain which they are, and so are those of images for tests.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan import paths
from gan.data import fingerprint
from gan.data import labels as labelling
from gan.data.decoding.fit import AS_IS, Fit, fitted_shape
from gan.data.labels import Classes
from gan.data.npz.arrays import pictures
from gan.data.npz.files import Archive, archive
from gan.data.source import Arrays, Source
from gan.errors import UserError

_UNREADABLE = (
    OSError, ValueError, OverflowError, EOFError, struct.error, zipfile.BadZipFile, zlib.error, NotImplementedError,
    RuntimeError,
)  # fmt: skip


class Parts(NamedTuple):
    """The names of the arrays of a data set; those for tests are empty where there are none."""

    images: str
    labels: str
    test_images: str = ""
    test_labels: str = ""


# What people call them, in any capitals; the first that an archive has.
FORMS = (
    Parts("images", "labels", "test_images", "test_labels"),
    Parts("x_train", "y_train", "x_test", "y_test"),  # Keras
    Parts("train_images", "train_labels", "test_images", "test_labels"),
    Parts("train_x", "train_y", "test_x", "test_y"),
    Parts("image", "label"),
    Parts("x", "y"),
    Parts("data", "labels"),
    Parts("imgs", "labels"),
    Parts("arr_0", "arr_1"),  # as numpy.savez calls arrays without names
)


def open_npz(
    path: str, fit: Fit = AS_IS, in_memory: str = "auto", *, test: bool = False, labelled: bool = True
) -> Source | None:
    """The images of an .npz file, or those for tests, None if it has none. An array stored without compression is
    mapped, any other is loaded.

    Raises `UserError` naming the file and what is wrong with it.
    """
    file = Path(paths.given(path))
    try:
        with archive(file) as opened:
            parts, notes = _parts(file, opened)
            if test and not parts.test_images:
                return None
            if test:
                _check_limits(file, opened, parts, fit)
                parts = Parts(parts.test_images, parts.test_labels)
            return _source(path, file, opened, parts, fit, in_memory, test, labelled, notes)
    except MemoryError:
        raise UserError(f"{file} does not fit into memory; write it with numpy.savez, without compression") from None
    except _UNREADABLE as error:
        if isinstance(error, OSError) and error.errno:  # not what is in the file
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{file} cannot be read as an .npz archive ({reason}); write it again with np.savez") from None


def _source(
    path: str,
    file: Path,
    opened: Archive,
    parts: Parts,
    fit: Fit,
    in_memory: str,
    test: bool,
    labelled: bool,
    notes: tuple[str, ...],
) -> Source:
    """The images of these arrays as a source."""
    array = opened.mapped(parts.images)
    if array is None:
        if in_memory == "false" and not test:
            raise UserError(
                f"{file} is compressed and cannot be read by index; write it with numpy.savez, or drop "
                "--data_in_memory=false"
            )
        array = opened.loaded(parts.images)
    found = pictures(array, fit, f"{file}: `{parts.images}`")
    count, height, width = found.array.shape[:3]
    classes = _classes(file, opened, parts, count) if labelled else labelling.none_of(count)
    dropped = ("unlabelled",) if parts.labels and not labelled else ()
    identity = fingerprint.of_files(file.parent, [file], "npz", *fit.facts, *dropped, *(("test",) if test else ()))
    shape = fitted_shape(height, width, found.fit.channels, found.fit, f"each image of {file}")
    labels = classes.labels

    def read(indices: np.ndarray, places: np.ndarray | None = None) -> Arrays:
        return found.read(indices, places), labels[indices]

    def whole(indices: np.ndarray) -> Callable[[], tuple[list[np.ndarray], np.ndarray]]:
        return lambda: (found.whole(indices), labels[indices])

    moved = fit.has_places([(width, height)])

    return Source(
        f"npz:{path}",
        count,
        shape,
        classes.names,
        identity,
        str(file.resolve()),
        read,
        notes=(*notes, *found.notes, *classes.notes),
        doubts=found.doubts,
        labels=labels,
        sizes={(width, height): count},
        has_places=moved,
        whole=whole if moved else None,
    )


def _parts(file: Path, opened: Archive) -> tuple[Parts, tuple[str, ...]]:
    """The names that an archive's arrays of images and labels have, and notes; raises `UserError` if there are none."""
    by_name = {name.lower(): name for name in reversed(opened.names)}
    form = next((form for form in FORMS if form.images in by_name), None)
    if form:
        parts = Parts(*(by_name.get(name, "") for name in form))
    elif len(opened.names) == 1:
        parts = Parts(opened.names[0], "")
    else:
        inside = ", ".join(sorted(opened.names)) or "nothing"
        raise UserError(f"{file} has no array `images` (it has {inside}); call the array of the images so")
    if form == FORMS[0] and parts.images == "images" and not parts.test_images:
        return parts, ()
    others = f", labels `{parts.labels}`" if parts.labels else ""
    others += f"; `{parts.test_images}` are for tests" if parts.test_images else ""
    return parts, (f"images are the array `{parts.images}`{others}",)


def _array(opened: Archive, name: str) -> np.ndarray:
    """An array, mapped where that is possible."""
    found = opened.mapped(name)
    return opened.loaded(name) if found is None else found


def _check_limits(file: Path, opened: Archive, parts: Parts, fit: Fit) -> None:
    """Raises `UserError` if values of one type were taken in two ways, in the images for tests and for training."""
    names = (parts.test_images, parts.images)
    test = _array(opened, names[0])
    if fit.value_range is not None or test.dtype.kind == "b" or test.dtype == np.uint8:
        return
    train = _array(opened, names[1])
    if train.dtype != test.dtype:
        return
    found = [
        pictures(array, fit, f"{file}: `{name}`").fit.value_range or (0, np.iinfo(array.dtype).max)
        for name, array in zip(names, (test, train), strict=True)
    ]
    if found[0] != found[1]:
        each = [f"`{name}` from {low:g} to {high:g}" for name, (low, high) in zip(names, found, strict=True)]
        raise UserError(
            f"{file}: by its values {' and '.join(each)} are black and white; say it by --value_range=MIN,MAX"
        )


def _classes(file: Path, opened: Archive, parts: Parts, count: int) -> Classes:
    """The classes of `count` images; raises `UserError` for labels and names that cannot be theirs."""
    if not parts.labels:
        return labelling.none_of(count)
    names = None
    if "class_names" in opened.names:
        names = labelling.class_names_of(opened.loaded("class_names"), f"{file}: `class_names`")
    return labelling.classes_of(opened.loaded(parts.labels), count, names, f"{file}: `{parts.labels}`")
