"""A folder of images as it lies on the disk: what is in it, and the content of its files."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gan.data import fingerprint
from gan.data.folders import unwanted
from gan.data.folders.listing import Builder, Listing
from gan.data.folders.names import Names, readable
from gan.errors import UserError

_PATIENCE = 1.0  # seconds after which a progress line is shown


class FolderFiles:
    """The content of files by index; can be pickled, and used by several threads."""

    def __init__(self, root: str, names: Names, sizes: np.ndarray):
        self._root, self.names, self.sizes = root, names, sizes

    def __len__(self) -> int:
        return len(self.names)

    def part(self, rows: np.ndarray) -> "FolderFiles":
        """The files of these rows."""
        return FolderFiles(self._root, self.names.part(rows), self.sizes[rows])

    def path(self, index: int) -> str:
        """Where a file is."""
        return os.path.join(self._root, self.names[index])

    def where(self, index: int) -> str:
        """A file as messages name it."""
        return readable(self.path(index))

    def read(self, index: int) -> bytes:
        """The content of a file; raises `UserError`."""
        try:
            with open(self.path(index), "rb") as file:
                return file.read()
        except OSError as error:
            raise UserError(f"{self.where(index)} cannot be read ({error.strerror or error}); restore it") from None

    def look(self, index: int, edge: int) -> tuple[bytes | Path, bytes]:
        """What the header can be read from, and the content, of a file of more than 2 `edge` bytes its two ends."""
        path, size = self.path(index), int(self.sizes[index])
        data = fingerprint.content(path, size, edge)
        return (data if size <= 2 * edge else Path(path)), data


class FolderTree:
    """A folder as a tree of images."""

    def __init__(self, root: Path):
        self.root = root

    @property
    def location(self) -> str:
        """The folder's path without links."""
        return str(self.root.resolve())

    @property
    def label(self) -> str:
        """The folder as messages name it."""
        return readable(str(self.root))

    def below(self, name: str) -> "FolderTree":
        """The tree of a sub-folder."""
        return FolderTree(self.root / name)

    def sub_folders(self) -> list[str]:
        """The names of the sub-folders that may have images, sorted."""
        return _Scan(self.root, Builder()).top()[1]

    def has_images(self, name: str) -> bool:
        """Whether there is an image anywhere below a sub-folder."""
        return any(True for _ in _Scan(self.root, Builder()).below(f"{name}/"))

    def has_root_file(self, name: str) -> bool:
        """Whether there is a regular file of this name in the root itself."""
        return (self.root / name).is_file()

    def root_file(self, name: str) -> bytes:
        """The content of a file in the root itself."""
        return (self.root / name).read_bytes()

    def beside(self) -> dict[str, int]:
        """What lies in the root itself and is not used where its sub-folders are splits, by reason."""
        builder = Builder()
        loose, _ = _Scan(self.root, builder).top()
        return {**builder.passed_over, unwanted.BESIDE_SPLITS: len(loose)}

    def listing(self) -> Listing:
        """All images of the tree; raises `OSError` for a folder or a file that may not be read."""
        builder = Builder()
        scan = _Scan(self.root, builder)
        loose, groups = scan.top()
        with tqdm(unit=" files", desc="Listing", leave=False, disable=None, delay=_PATIENCE) as bar:
            for path in loose:
                scan.add(path)
                bar.update()
            for group in groups:
                for path in scan.below(f"{group}/"):
                    scan.add(path)
                    bar.update()
                builder.end_group(group)
        return builder.listing()

    def files(self, listing: Listing) -> FolderFiles:
        """The content of what was listed."""
        return FolderFiles(os.fspath(self.root), listing.names, listing.sizes)


class _Scan:
    """Walks through a folder in the order of a `Listing`; counts in `builder` what it passes over."""

    def __init__(self, root: Path, builder: Builder):
        self._root, self._builder = os.path.join(root, ""), builder

    def add(self, path: str) -> None:
        """Adds the file at `path` below the root to the listing."""
        found = os.stat(self._root + path)
        # The time of change as well: programs set back that of modification.
        self._builder.add(path, found.st_size, (found.st_mtime_ns, found.st_ctime_ns))

    def top(self) -> tuple[list[str], list[str]]:
        """The images in the root itself, and its sub-folders, both sorted."""
        files, folders = self._entries("", top=True)
        return sorted(files), sorted(folder.rstrip("/") for folder in folders)

    def below(self, folder: str) -> Iterator[str]:
        """The images below a sub-folder (ending in /), sorted by their paths."""
        pending = [folder]
        while pending:
            path = pending.pop()
            if not path.endswith("/"):
                yield path
                continue
            files, folders = self._entries(path)
            # Folders keep their slash in the order: so it is that of whole paths.
            pending += sorted([path + name for name in [*files, *folders]], reverse=True)

    def _entries(self, folder: str, top: bool = False) -> tuple[list[str], list[str]]:
        """The names of images in a folder, and, ending in /, of the folders in it that may have some."""
        files, folders = [], []
        with os.scandir(self._root + folder) as entries:
            for entry in entries:
                is_folder, reason = _judged(entry, self._root, top)
                if reason:
                    self._builder.passed_over[reason] += 1
                elif is_folder:
                    folders.append(entry.name + "/")
                else:
                    files.append(entry.name)
        return files, folders


def _judged(entry: os.DirEntry, root: str, top: bool) -> tuple[bool, str]:
    """Whether an entry is a folder, and the reason to pass it over; empty for images and for folders to look into."""
    if entry.is_dir(follow_symlinks=False):
        return True, unwanted.folder_reason(entry.name)
    if entry.is_file(follow_symlinks=False):
        return False, unwanted.file_reason(entry.name)
    if not entry.is_symlink():
        return False, unwanted.SPECIAL_FILES
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False, unwanted.LINK_LOOPS
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return False, unwanted.BROKEN_LINKS
        raise
    if stat.S_ISREG(mode):
        return False, unwanted.file_reason(entry.name)
    if not stat.S_ISDIR(mode):
        return False, unwanted.SPECIAL_FILES
    if not top:
        return True, unwanted.folder_reason(entry.name) or unwanted.LINKED_FOLDERS
    target, here = os.path.realpath(entry.path), os.path.realpath(root)
    upward = os.path.commonpath([target, here]) == target
    return True, unwanted.folder_reason(entry.name) or (unwanted.LINKS_UPWARD if upward else "")
