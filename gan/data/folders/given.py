"""The folder or the zip archive that a person means by a path; what else it may be, with the remedy."""

import os
import zipfile
from pathlib import Path

from gan import paths
from gan.data.decoding.formats import SUFFIXES
from gan.data.folders.archive import ZipTree
from gan.data.folders.disk import FolderTree
from gan.data.folders.names import readable
from gan.errors import UserError

Tree = FolderTree | ZipTree

_UNPACK = {
    ".tar": "tar xf",
    ".tgz": "tar xf",
    ".tbz2": "tar xf",
    ".txz": "tar xf",
    ".gz": "gunzip",
    ".bz2": "bunzip2",
    ".xz": "unxz",
    ".zst": "unzstd",
    ".rar": "unrar x",
    ".7z": "7z x",
}


def tree_of(path: str) -> Tree:
    """The tree at a path; raises `UserError` for what is neither a folder nor a zip archive."""
    root = Path(paths.given(path))
    if root.is_dir():
        return FolderTree(root)
    if root.is_file():
        suffix = root.suffix.lower()
        if suffix not in _OTHERS and zipfile.is_zipfile(root):
            return ZipTree.of(root)
        raise UserError(f"{readable(str(root))} {_remedy(root, suffix)}")
    what = "a link to nothing" if os.path.islink(root) else "not a folder"
    raise UserError(
        f"--dataset=folder:{readable(str(root))} is {what}; give the path of a folder of images, or of a zip file"
    )


def _remedy(file: Path, suffix: str) -> str:
    """What a file that is no zip archive is, and what to do."""
    name = readable(str(file))
    if suffix in _OTHERS:
        return f"is no folder of images; give --dataset={_OTHERS[suffix]}:{name}"
    if suffix == ".zip":
        return "is no zip archive, or not the whole of one; copy or load it again"
    if suffix in _UNPACK:
        how = "tar xf" if file.stem.lower().endswith(".tar") else _UNPACK[suffix]
        return f"is an archive of a kind that is not read; unpack it ({how} {readable(file.name)}) and give the folder"
    if suffix in SUFFIXES:
        return f"is one image; give the folder that it lies in, --dataset=folder:{readable(str(file.parent))}"
    return "is neither a folder nor a zip archive; give the path of a folder of images"


_OTHERS = {".npz": "npz", ".parquet": "parquet"}
