"""The images below a root, in their order, and what else lies there."""

import array
import collections
import os
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from gan.data.folders.names import Names


class Group(NamedTuple):
    """A sub-folder of the root: its name, and how many images are below it."""

    name: str
    count: int


class Listing(NamedTuple):
    """Images by their paths below the root: first those in the root itself, then those of each of its sub-folders.

    Sub-folders are sorted by their names, and within each of them images by their paths.
    """

    names: Names
    sizes: np.ndarray  # of the files in bytes, int64 [N]
    stamps: np.ndarray  # int64 [N, 2]: when either differs from before, the file may have other content
    loose: int  # images in the root itself
    groups: tuple[Group, ...]
    nested: int  # images that lie deeper than in a sub-folder of the root
    passed_over: dict[str, int]  # files and folders that are no images of the set, by reason

    @property
    def filled(self) -> list[Group]:
        """The sub-folders that have images."""
        return [group for group in self.groups if group.count]

    @property
    def empty(self) -> list[str]:
        """The names of the sub-folders that have none."""
        return [group.name for group in self.groups if not group.count]


class Builder:
    """Collects what becomes a `Listing`, image by image in their order."""

    def __init__(self) -> None:
        self.passed_over: collections.Counter[str] = collections.Counter()
        self.groups: list[Group] = []
        self._letters, self._ends = bytearray(), array.array("q")
        self._sizes, self._stamps = array.array("q"), array.array("q")
        self._loose = self._nested = self._grouped = 0

    def add(self, path: str, size: int, stamp: tuple[int, int]) -> None:
        """One image, by its path below the root."""
        self._letters += os.fsencode(path)
        self._ends.append(len(self._letters))
        self._sizes.append(size)
        self._stamps.extend(stamp)
        depth = path.count("/")
        self._loose += depth == 0
        self._nested += depth > 1

    def end_group(self, name: str) -> None:
        """The images that were added since the last group are all that is below the sub-folder `name`."""
        done = max(self._grouped, self._loose)
        self.groups.append(Group(name, len(self._ends) - done))
        self._grouped = len(self._ends)

    def listing(self) -> Listing:
        """All that was added."""
        names = Names(np.frombuffer(self._letters, np.uint8), np.array(self._ends, np.int64))
        stamps = np.array(self._stamps, np.int64).reshape(-1, 2)
        sizes = np.array(self._sizes, np.int64)
        return Listing(names, sizes, stamps, self._loose, tuple(self.groups), self._nested, dict(self.passed_over))


def in_order(paths: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Paths in the order of a `Listing`: those in the root, and those of each of its sub-folders."""
    loose, groups = [], collections.defaultdict(list)
    for path in paths:
        top, slash, _ = path.partition("/")
        (groups[top] if slash else loose).append(path)
    return sorted(loose), {top: sorted(groups[top]) for top in sorted(groups)}
