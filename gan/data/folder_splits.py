"""Whether the sub-folders of a set are its parts for training and for testing, by their names."""

from typing import NamedTuple, Protocol

from gan.errors import UserError

TRAIN = ("train", "training")
TEST = ("test", "testing")
VALIDATION = ("validation", "valid", "val", "dev")


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
    notes: tuple[str, ...] = ()


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
        held_out = test or validation
        notes = [f"{train} and its like look like splits: {train} is trained on" + _use(held_out)]
        notes += [f"{validation} is not used"] if test and validation else []
        notes[0] += "; --labels=folders takes them as classes"
        return Parts(train, held_out, tuple(notes))
    if found and (len(found) > 1 or len(others) < 2):
        there = " and ".join(found)
        reason = f"and {others[0]} does not" if others else "and there is none to train on"
        note = (
            f"{there} look like splits {reason}: all sub-folders are taken as classes; if they are splits, give one as "
            f"--dataset and one as --test_dataset, such as folder:{tree.label}/{found[0]}"
        )
        return Parts(notes=(note,))
    return Parts()


def _use(held_out: str) -> str:
    return f", {held_out} is held out for evaluation" if held_out else ""


def _one(tree: Tree, names: list[str], known: tuple[str, ...]) -> str:
    """The one of the names that is among the `known` ones, empty if none is."""
    found = [name for name in names if name.casefold() in known]
    if len(found) > 1:
        raise UserError(
            f"{tree.label} has both {found[0]} and {found[1]}, which look like the same split; rename one of them, or "
            "give --labels=folders if they are classes"
        )
    return found[0] if found else ""
