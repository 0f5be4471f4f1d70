"""The identity of a data set: a hash of its files' content.

Time stamps are left out, so that a set that was copied to another machine is still the same set.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

WHOLE_BYTES = 256 << 20  # files are hashed whole up to this total; beyond it, by size, head and tail
EDGE_BYTES = 64 << 10


def of_files(root: Path, paths: Iterable[Path], *facts: object) -> str:
    """The sha256 (hex) of `facts`, and of the name below `root`, the size and the content of each file.

    Of sets larger than `WHOLE_BYTES` only the first and last `EDGE_BYTES` of each file are read. Raises `OSError`.
    """
    paths = list(paths)
    sizes = [path.stat().st_size for path in paths]
    whole = sum(sizes) <= WHOLE_BYTES
    digest = hashlib.sha256(repr(facts).encode())
    for path, size in zip(paths, sizes, strict=True):
        digest.update(b"\n" + os.fsencode(path.relative_to(root).as_posix()) + f" {size}\n".encode())
        with open(path, "rb") as file:
            if whole or size <= 2 * EDGE_BYTES:
                digest.update(file.read())
            else:
                digest.update(file.read(EDGE_BYTES))
                file.seek(size - EDGE_BYTES)
                digest.update(file.read())
    return digest.hexdigest()


def of_stamps(paths: Iterable[Path]) -> str:
    """The sha256 (hex) of the paths, sizes and modification times: when any changes, a cache must be made anew."""
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()
