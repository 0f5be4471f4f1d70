"""Where the classes of a folder's or an archive's images come from: its sub-folders, a file, or nowhere."""

import os
import unicodedata
from pathlib import Path, PurePosixPath

import numpy as np

from gan import paths
from gan.data.folders import label_files
from gan.data.folders.archive import ZipTree
from gan.data.folders.given import Tree
from gan.data.folders.labelling import Labelled, labelled
from gan.data.folders.listing import Listing
from gan.data.folders.names import readable
from gan.errors import UserError

WORDS = ("auto", "none", "folders")
_METADATA = ("metadata.csv", "metadata.jsonl")  # of Hugging Face


class Labels:
    """The setting `labels`, applied to a set or to the splits of it."""

    def __init__(self, setting: str, whole: Tree, splits: tuple[str, ...] = ()):
        """`splits` are sub-folders of the set that are no classes.

        Raises `UserError` if the setting is neither a word nor a file that can be read.
        """
        self.setting, self._whole, self._splits = setting, whole, splits
        self._file: Path | None = None
        self._rows: list[label_files.Row] = []
        self._home = ""  # the split that the file lies in
        self._stylegan_rows: dict[str, list[label_files.Row] | None] = {}  # by the location of a tree
        if setting not in WORDS:
            self._file = Path(paths.given(setting))
            self._rows = label_files.rows(_content(self._file, setting, whole), readable(str(self._file)))
            above = self._file.resolve().parents
            self._home = next((name for name in splits if Path(whole.below(name).location) in above), "")

    def of(self, tree: Tree, listing: Listing, held_out: bool = False) -> Labelled:
        """The classes of the images of a tree; raises `UserError`.

        A file need not name those that are `held_out`.
        """
        if self.setting == "none":
            return _without(listing)
        if self._file:
            return self._by_file(tree, listing, held_out)
        rows = self._stylegan(tree)
        if rows is not None:
            return self._by_stylegan(tree, listing, rows)
        found = _by_folders(tree, listing)
        doubts = [
            f"{tree.label}/{name} lies beside the images and is not used; --labels=FILE takes classes from it"
            for name in _METADATA
            if self.setting == "auto" and tree.has_root_file(name)
        ]
        return found._replace(doubts=(*found.doubts, *doubts))

    def training(self, tree: Tree) -> Labelled:
        """The classes of a tree; where they are its sub-folders, without looking at every file and without labels."""
        if self._file or self.setting == "none" or self._stylegan(tree) is not None:
            return self.of(tree, tree.listing())
        names = tuple(readable(name) for name in tree.sub_folders() if tree.has_images(name))
        return Labelled(np.empty(0, np.int32), names)

    def _by_file(self, tree: Tree, listing: Listing, held_out: bool) -> Labelled:
        """The classes of a tree by the file of the setting, or by that of the same name in another split."""
        home = self._whole.below(self._home).location if self._home else tree.location
        if home != tree.location:
            file = Path(tree.location, self._file.resolve().relative_to(home))
            if not file.is_file():
                return _without(listing)
            rows = label_files.rows(file.read_bytes(), readable(str(file)))
            return labelled(listing.names, rows, readable(str(file)), _places(tree))._replace(rows=frozenset())
        others = [self._whole.below(name) for name in self._splits]
        elsewhere = tuple(place for other in others if other.location != tree.location for place in _places(other))
        where = readable(str(self._file))
        return labelled(listing.names, self._rows, where, _places(tree), elsewhere, some=not held_out)

    def used_file(self, tree: Tree) -> str:
        """The name of a file of the set that says the classes of `tree`; empty where none does."""
        if self._file and Path(self._whole.location) in self._file.resolve().parents:
            return self._file.name
        return label_files.STYLEGAN if self._stylegan(tree) is not None else ""

    def _stylegan(self, tree: Tree) -> list[label_files.Row] | None:
        """The rows of the tree's own dataset.json, None where that is not there or not to be used."""
        if self.setting != "auto" or not tree.has_root_file(label_files.STYLEGAN):
            return None
        if tree.location not in self._stylegan_rows:
            data, where = tree.root_file(label_files.STYLEGAN), f"{tree.label}/{label_files.STYLEGAN}"
            self._stylegan_rows[tree.location] = label_files.stylegan(data, where)
        return self._stylegan_rows[tree.location]

    def _by_stylegan(self, tree: Tree, listing: Listing, rows: list[label_files.Row]) -> Labelled:
        where = f"{tree.label}/{label_files.STYLEGAN}"
        found = labelled(listing.names, rows, where) if rows else _without(listing)
        what = "the classes are those of" if rows else "no classes, by"
        instead = "; --labels=folders takes the sub-folders instead" if listing.filled else ""
        return found._replace(notes=(f"{what} {where}, which StyleGAN's tools write{instead}", *found.notes))


def look_alikes(names: tuple[str, ...]) -> list[str]:
    """A warning of classes whose names differ in capitals, blanks or the writing of accents alone."""
    alike: dict[str, list[str]] = {}
    for name in names:
        plain = " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").split())
        alike.setdefault(plain, []).append(name)
    pairs = [group for group in alike.values() if len(group) > 1]
    if not pairs:
        return []
    which = ", ".join(map(repr, pairs[0]))
    more = f" (and {len(pairs) - 1:,} more such)" if len(pairs) > 1 else ""
    return [f"the classes {which} have nearly the same name{more}; join them if they are one, or rename them"]


def in_training_order(found: Labelled, training: Labelled, tree: Tree) -> Labelled:
    """Labels of held-out images as numbers of the classes of `training`; raises `UserError` for another class."""
    known = training.class_names
    if both := found.rows & training.rows:
        row = min(both)
        raise UserError(
            f"line {row.line} of the labels, {readable(row.name)}, can be an image for training or of {tree.label}; "
            "write its path with the folder of the split"
        )
    if not known or not found.class_names:
        notes = (f"{tree.label} has no classes, so its images have no labels",) if known else ()
        return found._replace(
            labels=np.full(len(found.labels), -1, np.int32), class_names=known, notes=(*found.notes, *notes)
        )
    if unknown := [name for name in found.class_names if name not in known]:
        raise UserError(
            f"{tree.label} has {_named(unknown)}, which {_are(unknown)} no class of the images for training "
            f"({_named(known)}); rename or remove {'it' if len(unknown) == 1 else 'them'}"
        )
    number = {name: label for label, name in enumerate(known)}
    numbers = np.array([number[name] for name in found.class_names] + [-1], np.int32)  # the last for images of none
    missing = [name for name in known if name not in found.class_names]
    notes = (f"{tree.label} has no images of {_named(missing)}",) if missing else ()
    return found._replace(labels=numbers[found.labels], class_names=known, notes=(*found.notes, *notes))


def _content(file: Path, setting: str, tree: Tree) -> bytes:
    if file.is_file():
        return file.read_bytes()
    packed = " to be unpacked first" if isinstance(tree, ZipTree) else ""
    beside = f"; there is {tree.label}/{file.name}{packed}" if tree.has_root_file(file.name) else ""
    what = "is a folder" if file.is_dir() else "is no regular file" if file.exists() else "is not there"
    raise UserError(f"--labels={setting} {what}; it must be auto, none, folders or a file of names and classes{beside}")


def _places(tree: Tree) -> tuple[str, ...]:
    """The folders that a row may write before the path of an image: where the tree is, from near to far."""
    parts = PurePosixPath(tree.location).parts
    return tuple(str(PurePosixPath(*parts[start:])) + "/" for start in range(len(parts) - 1, -1, -1))


def _without(listing: Listing) -> Labelled:
    return Labelled(np.full(len(listing.names), -1, np.int32), ())


def _by_folders(tree: Tree, listing: Listing) -> Labelled:
    """Sub-folders as classes; no labels where there are none."""
    if not listing.filled:
        return _without(listing)
    if listing.loose:
        first = readable(os.path.join(tree.label, listing.names[0]))
        raise UserError(
            f"{first} lies beside class folders; move it into one of them, remove the sub-folders, or give "
            "--labels=none or --labels=FILE"
        )
    labels = np.repeat(np.arange(len(listing.filled), dtype=np.int32), [group.count for group in listing.filled])
    notes, doubts = [], []
    if listing.nested == len(listing.names) and len(listing.filled) == 1:
        only = f"{tree.label}/{readable(listing.filled[0].name)}"
        doubts = [
            f"all images are below {only}, which is the one class; if its sub-folders are the classes, give "
            f"--dataset=folder:{only}"
        ]
    elif listing.nested:
        notes = [
            f"{listing.nested:,} of {len(listing.names):,} images lie in folders inside class folders; their class is "
            "the one at the top"
        ]
    names = tuple(readable(group.name) for group in listing.filled)
    return Labelled(labels, names, tuple(notes), tuple(doubts), by_folders=True)


def _named(names: list[str] | tuple[str, ...]) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ("the class " if len(names) == 1 else "the classes ") + ", ".join(names[:5]) + more


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
