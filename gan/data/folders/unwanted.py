"""What lies among images and is none of them: the reasons, by the names that systems and programs give their files.

A reason is a plural noun, to be read after a number: "3 hidden files".
"""

import collections
import os
from collections.abc import Mapping

from gan.data.decoding.formats import SUFFIXES

BROKEN_LINKS = "links to nothing"
LINK_LOOPS = "links that lead back to themselves"
LINKS_UPWARD = "links to a folder that they lie in"
LINKED_FOLDERS = "links to folders inside class folders"
SPECIAL_FILES = "devices, pipes and sockets"
HIDDEN_FILES = "hidden files"
HIDDEN_FOLDERS = "hidden folders"
SYSTEM_FILES = "files that systems leave (such as Thumbs.db)"
SYSTEM_FOLDERS = "folders that systems and programs leave (such as @eaDir)"
BESIDE_SPLITS = "images beside the splits"
EMPTY_FOLDERS = "sub-folders without images"
OTHER_ENDINGS = "files with other endings"
NO_ENDING = "files without an ending"
_ENDINGS = 5  # so many of the endings of other files are named

# Thumbnails, recycle bins, snapshots and caches hold images too, but none that a person has put there as data.
_FOLDERS = frozenset(
    {
        "__macosx",  # macOS, in archives
        "$recycle.bin",  # Windows
        "recycler",
        "recycled",
        "system volume information",
        "lost+found",  # ext4
        "@eadir",  # Synology
        "@tmp",
        "@syncthing",
        "#recycle",
        "#snapshot",
        "@recycle",  # QNAP
        "@recently-snapshot",
        "@__thumb",
        "~snapshot",  # NetApp
        "network trash folder",  # netatalk
        "temporary items",
        "thedvolume",
        "_thumbs",  # Joomla, CKFinder
        "__pycache__",  # Python
    }
)
_FILES = frozenset(
    {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "picasa.ini", "photothumb.db"}
)


def folder_reason(name: str) -> str:
    """Why nothing in a folder of this name is an image of the set; empty if it may be."""
    if name.startswith("."):  # .git, .AppleDouble, .thumbnails, .Trash-1000, .ipynb_checkpoints, .snapshot, ...
        return HIDDEN_FOLDERS
    return SYSTEM_FOLDERS if name.casefold() in _FOLDERS else ""


def file_reason(name: str) -> str:
    """Why a file of this name is no image of the set; empty if it may be."""
    if name.casefold() in _FILES or name in (".DS_Store", ".directory") or name.startswith("._"):
        return SYSTEM_FILES
    if name.startswith("."):
        return HIDDEN_FILES
    suffix = os.path.splitext(name)[1].lower()
    if suffix in SUFFIXES:
        return ""
    return f"files that end in {suffix}" if suffix.isprintable() and 1 < len(suffix) <= 8 else NO_ENDING


def path_reason(path: str) -> str:
    """Why a file at this path below the root, with / between its parts, is no image of the set; empty if it may be."""
    *folders, name = path.split("/")
    return next((reason for reason in map(folder_reason, folders) if reason), "") or file_reason(name)


def counted(reasons: Mapping[str, int]) -> dict[str, int]:
    """The counts by reason, the largest first; of many endings the most frequent ones, the others as one."""
    found: collections.Counter[str] = collections.Counter(reasons)
    endings = [reason for reason, _ in _most_first(found) if reason.startswith("files that end in ")]
    for rare in endings[_ENDINGS:] if len(endings) > _ENDINGS + 1 else ():
        found[OTHER_ENDINGS] += found.pop(rare)
    return {reason: count for reason, count in _most_first(found) if count > 0}


def _most_first(found: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))
