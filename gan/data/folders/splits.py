"""Whether the sub-folders of a set are its parts for training and for testing, by their names."""

from typing import NamedTuple, Protocol

from gan.data.split_words import TEST, TRAIN, VALIDATION
from gan.errors import UserError


class Tree(Protocol):
    """Sub-folders that may have images."""

    @property
    def label(self) -> str:
        """The tree as messages name it."""

    def sub_folders(self) -> list[str]:
        """Their names, sorted."""

    def has_images(self, name: str) -> bool:
        """Whether there is an image anywhere below one of them."""


class Parts(NamedTuple):
    """The sub-folders that are trained on and tested with; `train` is empty where they are no splits."""

    train: str = ""
    test: str = ""  # empty where there is none
    names: tuple[str, ...] = ()  # of all splits, in use or not
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()  # whether what is taken for classes are splits


def parts_of(tree: Tree) -> Parts:
    """The splits of a tree whose sub-folders with images all have names of splits, one of them of the training's.

    Raises `UserError` where two have the same part.
    """
    names = tree.sub_folders()
    if not any(name.casefold() in (*TRAIN, *TEST, *VALIDATION) for name in names):
        return Parts()
    filled = [name for name in names if tree.has_images(name)]
    train, test, validation = (_one(tree, filled, known) for known in (TRAIN, TEST, VALIDATION))
    found = [name for name in (train, test, validation) if name]
    others = [name for name in filled if name not in found]
    if train and not others:
        return Parts(train, test or validation, tuple(found), (_as_splits(train, test, validation),))
    if found and (len(found) > 1 or len(others) < 2):
        there = " and ".join(found)
        look = "looks like a split" if len(found) == 1 else "look like splits"
        reason = f"and {others[0]} does not" if others else "and none is for training"
        note = (
            f"{there} {look} {reason}: every sub-folder is taken as a class; if they are splits, give one of them as "
            f"--dataset and one as --test_dataset, such as folder:{tree.label}/{found[0]}"
        )
        return Parts(doubts=(note,))
    return Parts()


def _as_splits(train: str, test: str, validation: str) -> str:
    """What is done with sub-folders that are splits."""
    instead = "--labels=folders takes such sub-folders as classes"
    if not (test or validation):
        return f"the only sub-folder, {train}, looks like a split: its sub-folders are the classes; {instead}"
    unused = f", {validation} is not used" if test and validation else ""
    return f"{train} is trained on, {test or validation} held out for evaluation{unused}; {instead}"


def _one(tree: Tree, names: list[str], known: tuple[str, ...]) -> str:
    """The one of the names that is among the `known` ones, empty if none is."""
    found = [name for name in names if name.casefold() in known]
    if len(found) > 1:
        raise UserError(
            f"{tree.label} has both {found[0]} and {found[1]}, which look like the same split; rename one of them, or "
            "give --labels=folders if they are classes"
        )
    return found[0] if found else ""
