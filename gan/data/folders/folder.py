"""Images from a folder or a zip archive: sub-folders are classes, or splits, or a file says what is of which class."""

import collections
import dataclasses
import functools
import hashlib
from collections.abc import Callable

import numpy as np

from gan.data import headers
from gan.data.decoding.fit import AS_IS, Fit, fitted_shape
from gan.data.decoding.images import decode
from gan.data.folders import index, splits, unwanted
from gan.data.folders.classes import Labels, in_training_order, look_alikes
from gan.data.folders.given import Tree, tree_of
from gan.data.folders.labelling import Labelled
from gan.data.folders.listing import Listing
from gan.data.folders.names import readable
from gan.data.source import Arrays, Source
from gan.errors import UserError
from gan.text import counted


def open_folder(
    path: str, fit: Fit = AS_IS, labels: str = "auto", test: bool = False, processes: int = 0
) -> Source | None:
    """The images below a folder or in a zip archive, in the order of their paths; each file's header is checked now.

    Sub-folders are classes, sorted by name, and are searched to any depth; without sub-folders there are no labels.
    Where they are called train and test, or similarly, they are splits, and their sub-folders classes. With `test` it
    is the split that is held out, None where there is none. `labels` is as the setting of that name says. Many files
    are read by so many `processes` (0: as the machine has cores). Raises `UserError` naming the first file that does
    not fit, and the remedy.
    """
    whole = tree_of(path)
    parts = splits.Parts() if labels == "folders" else splits.parts_of(whole)
    if test and not parts.test:
        return None
    tree = whole.below(parts.test if test else parts.train) if parts.train else whole
    setting, listing = Labels(labels, whole, parts.names), tree.listing()
    passed_over = _passed_over(whole, tree, listing, setting)
    if not len(listing.names):
        there = "; ".join(counted(count, reason) for reason, count in passed_over.items()) or "nothing at all"
        raise UserError(f"{tree.label} has no images in it or in its sub-folders ({there}); give another folder")
    found = setting.of(tree, listing, held_out=test)
    if test:
        found = in_training_order(found, setting.training(whole.below(parts.train)), tree)
    source = _source(path, tree, listing, found, fit, processes)
    notes = (*(() if test else parts.notes), *found.notes, *_on_empty(listing), *source.notes)
    doubts = (*(() if test else (*parts.doubts, *look_alikes(found.class_names))), *found.doubts)
    return dataclasses.replace(source, notes=notes, doubts=doubts, passed_over=passed_over)


def _source(path: str, tree: Tree, listing: Listing, found: Labelled, fit: Fit, processes: int) -> Source:
    """The source of what was listed and labelled, after a look at each file."""
    files, names = tree.files(listing), found.class_names if found.by_folders else ()
    known = index.known(tree.location, listing, files, ("folder", names, *fit.facts), processes)
    first = headers.checked(known.headers, files.where, fit)
    labels_too = () if found.by_folders or not found.class_names else (found.class_names, _sha256(found.labels))
    identity = headers.identity(known.fingerprint, known.headers, *labels_too)
    notes = tuple(headers.notes(known.headers, fit))
    fit = fit._replace(channels=fit.channels or first.channels)
    shape = fitted_shape(first.height, first.width, fit.channels, fit, files.where(0))
    reader, sizes = Reader(files, found.labels, fit, shape), headers.sizes(known.headers)
    moved = fit.has_places(sizes)
    return Source(
        name=f"folder:{path}",
        num_examples=len(listing.names),
        image_shape=shape,
        class_names=found.class_names,
        fingerprint=identity,
        location=tree.location,
        read=reader.read,
        notes=notes,
        labels=found.labels,
        sizes=sizes,
        has_places=moved,
        task=reader.task,
        whole=reader.whole if moved else None,
        duplicates=known.duplicates,
    )


class Reader:
    """Reads the images of a source by index; it and its tasks can be pickled."""

    def __init__(self, files: index.Files, labels: np.ndarray, fit: Fit, shape: tuple[int, int, int]):
        self._files, self._labels, self._fit, self._shape = files, labels, fit, shape

    def read(self, indices: np.ndarray, places: np.ndarray | None = None) -> Arrays:
        """The images of the indices, each cut at its place, and their labels."""
        images = np.empty((len(indices), *self._shape), np.uint8)
        for row, number in enumerate(np.asarray(indices).tolist()):
            image = self._image(number, self._fit, None if places is None else float(places[row]))
            if image.shape != self._shape:
                raise UserError(f"{self._files.where(number)} changed while it was in use; start again")
            images[row] = image
        return images, self._labels[indices]

    def read_whole(self) -> tuple[list[np.ndarray], np.ndarray]:
        """All images before the cut, and their labels."""
        uncut = self._fit._replace(crop="none")
        return [self._image(number, uncut) for number in range(len(self._files.names))], self._labels

    def task(self, indices: np.ndarray, places: np.ndarray | None = None) -> Callable[[], Arrays]:
        """`read` of these as a callable that holds no more than it needs."""
        return functools.partial(self._part(indices).read, np.arange(len(indices)), places)

    def whole(self, indices: np.ndarray) -> Callable[[], tuple[list[np.ndarray], np.ndarray]]:
        """`read_whole` of these as a callable that holds no more than it needs."""
        return self._part(indices).read_whole

    def _part(self, indices: np.ndarray) -> "Reader":
        return Reader(self._files.part(indices), self._labels[indices], self._fit, self._shape)

    def _image(self, number: int, fit: Fit, place: float | None = None) -> np.ndarray:
        return decode(self._files.read(number), fit, self._files.where(number), place)


def _passed_over(whole: Tree, tree: Tree, listing: Listing, setting: Labels) -> dict[str, int]:
    """What is not used, by reason; a file that says the classes is used."""
    found = collections.Counter(listing.passed_over)
    if tree is not whole:
        found.update(whole.beside())
    if used := setting.used_file(tree):
        found[unwanted.file_reason(used)] -= 1
    found[unwanted.EMPTY_FOLDERS] += len(listing.empty)
    return unwanted.counted(found)


def _on_empty(listing: Listing) -> list[str]:
    """A note that names sub-folders without images."""
    if not listing.empty:
        return []
    first, more = ", ".join(map(readable, listing.empty[:3])), len(listing.empty) - 3
    which = f"sub-folder {first} has" if len(listing.empty) == 1 else f"sub-folders {first} have"
    if more > 0:
        which = f"sub-folders {first} and {more:,} more have"
    return [f"{which} no images: left out"]


def _sha256(labels: np.ndarray) -> str:
    return hashlib.sha256(labels.astype("<i4").tobytes()).hexdigest()
