"""Images from a folder of PNG and JPEG files; sub-folders are classes."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from gan.data import fingerprint
from gan.data.images import AS_IS, Fit, Header, decode, fitted_shape, read_header
from gan.data.source import Arrays, Source
from gan.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg")


def open_folder(path: str, fit: Fit = AS_IS) -> Source:
    """The images below a folder, in the order of their paths; the header of every file is checked now.

    Sub-folders are classes, sorted by name, and are searched to any depth; without sub-folders there are no labels.
    Raises `UserError` naming the first file that does not fit, and the remedy.
    """
    root = Path(path).expanduser()
    files, labels, names, notes = _listed(root)
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) * 2)) as pool:
        headers = list(pool.map(read_header, files, chunksize=64))
    notes += _checked(files, headers, fit.resolution, fit.channels)
    identity = fingerprint.of_files(root, files, "folder", names, *fit.facts)
    fit = fit._replace(channels=fit.channels or headers[0].channels)
    shape = fitted_shape(headers[0].height, headers[0].width, fit.channels, fit, str(files[0]))

    def task(indices: np.ndarray) -> Callable[[], Arrays]:
        return functools.partial(_read, [str(files[index]) for index in indices], labels[indices], fit, shape)

    def read(indices: np.ndarray) -> Arrays:
        return task(indices)()

    location = str(root.resolve())
    return Source(f"folder:{path}", len(files), shape, names, identity, location, read, notes, labels, task=task)


def _read(files: list[str], labels: np.ndarray, fit: Fit, shape: tuple[int, int, int]) -> Arrays:
    """The images of these files, and their labels."""
    images = np.empty((len(files), *shape), np.uint8)
    for row, file in enumerate(files):
        image = decode(Path(file), fit, file)
        if image.shape != shape:
            raise UserError(f"{file} changed while it was in use; start again")
        images[row] = image
    return images, labels


def _listed(root: Path) -> tuple[list[Path], np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Files, labels int32 [N], class names and notes of a folder; raises `UserError`."""
    if not root.is_dir():
        raise UserError(f"--dataset=folder:{root} is not a folder; give the path of a folder of PNG or JPEG files")
    loose, ignored = _images(root, deep=False)
    classes: list[tuple[str, list[Path]]] = []
    for child in sorted(root.iterdir()):
        if child.is_dir() and not _hidden(child.relative_to(root)):
            inside, others = _images(child, deep=True)
            classes.append((_readable(child.name), inside))
            ignored += others
    filled = [(name, inside) for name, inside in classes if inside]
    if loose and filled:
        raise UserError(f"{loose[0]} lies beside class folders; move it into one of them, or remove the sub-folders")
    if not loose and not filled:
        raise UserError(f"{root} has no PNG or JPEG files in it or in its sub-folders; give another folder")
    notes = [f"sub-folder {name} has no images and is left out" for name, inside in classes if not inside]
    notes += [f"{ignored} files that are neither .png, .jpg nor .jpeg are left out"] if ignored else []
    files = loose or [file for _, inside in filled for file in inside]
    counts = [len(inside) for _, inside in filled]
    labels = np.full(len(loose), -1) if loose else np.repeat(np.arange(len(filled)), counts)
    return files, labels.astype(np.int32), tuple(name for name, _ in filled), tuple(notes)


def _images(folder: Path, deep: bool) -> tuple[list[Path], int]:
    """The image files of a folder, sorted, and the number of other files."""
    found = [
        file
        for file in folder.glob("**/*" if deep else "*")
        if file.is_file() and not _hidden(file.relative_to(folder))
    ]
    images = [file for file in found if file.suffix.lower() in SUFFIXES]
    return sorted(images, key=lambda file: file.as_posix()), len(found) - len(images)


def _hidden(path: Path) -> bool:
    """Whether a file, or a folder on the way to it, is none that a person put there as an image."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _readable(name: str) -> str:
    """A file name that can be printed: bytes of other encodings than UTF-8 by their codes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _checked(files: list[Path], headers: list[Header], resolution: int, channels: int) -> tuple[str, ...]:
    """Notes on what is converted; raises `UserError` if sizes or modes are mixed and no flag says what to do."""
    first = headers[0]
    for file, header in zip(files, headers, strict=True):
        if not resolution and (header.width, header.height) != (first.width, first.height):
            raise UserError(
                f"{file} is {header.width}x{header.height} pixels and {files[0]} {first.width}x{first.height}; "
                "give --resolution to resize them all"
            )
        if not channels and header.channels != first.channels:
            words = {1: "grey", 3: "in colour"}
            raise UserError(
                f"{file} is {words[header.channels]} and {files[0]} {words[first.channels]}; "
                "give --channels=1 or --channels=3 to convert them all"
            )
    alpha = sum(header.alpha for header in headers)
    oblong = sum(header.width != header.height for header in headers)
    notes = [f"{alpha} images have transparent pixels, which are shown on white"] if alpha else []
    notes += [f"{oblong} images are not square and are cropped to their middle"] if oblong and resolution else []
    return tuple(notes)
