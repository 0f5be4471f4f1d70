"""The identity of a data set: a hash of its files' content.

Time stamps are left out, so that a set that was copied to another machine is still the same set. So is what holds the
files: a folder and a zip archive of it are the same set.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

WHOLE_BYTES = 256 << 20  # files are hashed whole up to this total; beyond it, by size, head and tail
EDGE_BYTES = 64 << 10


def edge(total: int) -> int:
    """So many bytes at each end of a file are hashed, in a set of `total` bytes."""
    return EDGE_BYTES if total > WHOLE_BYTES else WHOLE_BYTES


def begun(*facts: object) -> "hashlib._Hash":
    """The hash of a set of which these facts are known; `entry` of each file in turn is what is added to it."""
    return hashlib.sha256(repr(facts).encode())


def entry(name: bytes, size: int, data: bytes) -> bytes:
    """What is hashed of a file: its name below the root, its size, and its content or the two edges of it."""
    return b"\n" + name + f" {size}\n".encode() + data


def of_files(root: Path, paths: Iterable[Path], *facts: object) -> str:
    """The sha256 (hex) of `facts`, and of the name below `root`, the size and the content of each file.

    Of sets larger than `WHOLE_BYTES` only the first and last `EDGE_BYTES` of each file are read. Raises `OSError`.
    """
    paths = list(paths)
    sizes = [path.stat().st_size for path in paths]
    ends = edge(sum(sizes))
    digest = begun(*facts)
    for path, size in zip(paths, sizes, strict=True):
        name = os.fsencode(path.relative_to(root).as_posix())
        digest.update(entry(name, size, content(path, size, ends)))
    return digest.hexdigest()


def content(path: Path | str, size: int, ends: int) -> bytes:
    """The content of a file, or if it is longer than twice `ends` so many bytes of its head and its tail."""
    with open(path, "rb") as file:
        if size <= 2 * ends:
            return file.read()
        head = file.read(ends)
        file.seek(size - ends)
        return head + file.read()


def of_stamps(paths: Iterable[Path]) -> str:
    """The sha256 (hex) of the paths, sizes and modification times: when any changes, a cache must be made anew."""
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()
