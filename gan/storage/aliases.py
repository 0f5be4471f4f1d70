"""Folders under plain names, for libraries that take characters of a person's names for a pattern or an address.

TensorFlow looks for the files of a SavedModel and of a checkpoint by a pattern, so that `[`, `*` or a backslash
anywhere on the way would lead elsewhere.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def plain(folder: Path) -> Iterator[Path]:
    """The folder by the number under which this process has it open, while it lasts; raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
