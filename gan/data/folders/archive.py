"""A zip archive of images as a tree: what is in it, by the names of its members."""

import stat
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.data.folders import unwanted
from gan.data.folders.label_files import STYLEGAN
from gan.data.folders.listing import Builder, Listing, in_order
from gan.data.folders.members import METHODS, ZipFiles, stamp_of
from gan.data.folders.names import readable
from gan.errors import UserError

OUTSIDE = "members whose names lead out of the archive"
LINKS = "links in the archive"
REPLACED = "members that a later one of the same name replaces"
_UNREADABLE = (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, zlib.error)


class _Member(NamedTuple):
    offset: int
    packed: int
    size: int
    crc: int
    method: int


class ZipTree:
    """A zip archive, or what is below one folder in it."""

    def __init__(self, archive: Path, members: dict[str, _Member], passed_over: dict[str, int], top: str = ""):
        """`members` are the images by their paths below `top`, which is empty or ends in /."""
        self.archive, self._members, self._passed_over, self.top = archive, members, passed_over, top

    @classmethod
    def of(cls, archive: Path) -> "ZipTree":
        """The tree of an archive; a single folder that holds everything is looked through. Raises `UserError`."""
        members, passed_over = _members(archive)
        tops = {path.partition("/")[0] if "/" in path else "" for path in members}
        tree = cls(archive, members, passed_over)
        wrapped = len(tops) == 1 and "" not in tops and not tree.has_root_file(STYLEGAN)
        return tree.below(tops.pop()) if wrapped else tree

    @property
    def location(self) -> str:
        """The archive's path without links, and the folder in it."""
        return f"{self.archive.resolve()}{'/' if self.top else ''}{self.top.rstrip('/')}"

    @property
    def label(self) -> str:
        """The tree as messages name it."""
        return readable(f"{self.archive}/{self.top}".rstrip("/"))

    def below(self, name: str) -> "ZipTree":
        """The tree of a folder in it."""
        start = f"{name}/"
        inside = {path[len(start) :]: each for path, each in self._members.items() if path.startswith(start)}
        return ZipTree(self.archive, inside, self._passed_over, self.top + start)

    def sub_folders(self) -> list[str]:
        """The names of the folders in it that have images, sorted."""
        return sorted({path.partition("/")[0] for path in self._members if "/" in path})

    def has_images(self, name: str) -> bool:
        """Whether there is an image anywhere below a folder in it."""
        return any(path.startswith(f"{name}/") for path in self._members)

    def has_root_file(self, name: str) -> bool:
        """Whether there is a member of this name in the root of the tree."""
        with zipfile.ZipFile(self.archive) as archive:
            return self.top + name in archive.NameToInfo

    def root_file(self, name: str) -> bytes:
        """The content of a member in the root of the tree."""
        with zipfile.ZipFile(self.archive) as archive:
            try:
                return archive.read(self.top + name)
            except _UNREADABLE as error:
                raise _damaged(self.archive, error) from None

    def beside(self) -> dict[str, int]:
        """What lies in the root itself and is not used where its sub-folders are splits, by reason."""
        return {unwanted.BESIDE_SPLITS: sum("/" not in path for path in self._members)}

    def listing(self) -> Listing:
        """All images of the tree, by the archive's own list of them."""
        builder = Builder()
        builder.passed_over.update(self._passed_over)
        loose, groups = in_order(self._members)
        for path in loose:
            self._add(builder, path)
        for name, paths in groups.items():
            for path in paths:
                self._add(builder, path)
            builder.end_group(name)
        return builder.listing()

    def _add(self, builder: Builder, path: str) -> None:
        member = self._members[path]
        builder.add(path, member.size, (member.crc, member.packed))

    def files(self, listing: Listing) -> ZipFiles:
        """The content of what was listed."""
        places = np.array([self._members[path] for path in listing.names], np.int64).reshape(-1, 5)
        return ZipFiles(self.archive, listing.names, places, stamp_of(self.archive))


def _members(path: Path) -> tuple[dict[str, _Member], dict[str, int]]:
    """The images of an archive by their paths, and what else is in it by reason; raises `UserError`."""
    found: dict[str, _Member] = {}
    passed_over: Counter[str] = Counter()
    try:
        with zipfile.ZipFile(path) as archive:
            end = path.stat().st_size
            for info in archive.infolist():
                if not 0 <= info.header_offset <= end - info.compress_size:
                    raise zipfile.BadZipFile("its list of members leads out of it")
                name = info.filename.replace("\\", "/") if info.create_system == 0 else info.filename
                name = name.removeprefix("./")
                reason = "" if info.is_dir() else _reason(info, name)
                if reason or info.is_dir():
                    passed_over.update([reason] if reason else [])
                    continue
                _check(path, info)
                passed_over.update([REPLACED] if name in found else [])
                found[name] = _Member(
                    info.header_offset, info.compress_size, info.file_size, info.CRC, info.compress_type
                )
    except _UNREADABLE as error:
        raise _damaged(path, error) from None
    return found, dict(passed_over)


def _reason(info: zipfile.ZipInfo, name: str) -> str:
    """Why a member is no image of the set; empty if it may be."""
    if name.startswith("/") or ".." in name.split("/") or name[1:3] == ":/":
        return OUTSIDE
    if stat.S_ISLNK(info.external_attr >> 16):
        return LINKS
    return unwanted.path_reason(name)


def _check(path: Path, info: zipfile.ZipInfo) -> None:
    """Raises `UserError` for a member that cannot be read."""
    if info.flag_bits & 1:
        raise UserError(f"{readable(info.filename)} in {path} is encrypted; unpack the archive and give the folder")
    if info.compress_type not in METHODS:
        how = zipfile.compressor_names.get(info.compress_type, f"method {info.compress_type}")
        raise UserError(
            f"{readable(info.filename)} in {path} is compressed by {how}; unpack the archive and give the folder"
        )


def _damaged(path: Path, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return UserError(f"{readable(str(path))} cannot be read as a zip archive ({reason}); copy or write it again")
