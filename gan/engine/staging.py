"""Results that appear complete: a file or a folder is filled under a temporary name and then takes its place.

For what can be made again by the same command: folders are not forced to the disk file by file as checkpoints are.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gan.engine.files import storage_errors, sync_folder, temporary


@contextlib.contextmanager
def staged_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write; it becomes `path`, whatever stood there, when the block ends well, and is gone when it fails.

    Makes the folders on the way. Raises `StorageError`.
    """
    with _os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = temporary(path, path.parent)
        try:
            with open(new, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    sync_folder(path.parent)


@contextlib.contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill; when the block ends well its entries are in the folder `path`, when it fails nowhere.

    A folder that did not exist appears whole. Where there is one, the entries move into it one by one, each in the
    place of one of the same name; everything else in it stays. Raises `StorageError`.
    """
    with _os_errors(path):
        is_new = not path.exists()
        beside = path.parent if is_new else path
        beside.mkdir(parents=True, exist_ok=True)
        new = temporary(path, beside)
        new.mkdir()
        try:
            yield new
            if is_new:
                os.rename(new, path)
            else:
                _move_entries(new, path)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    sync_folder(path.parent)


@contextlib.contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    """`storage_errors` for the operating system's alone: what TensorFlow raises while it computes is not storage."""
    try:
        yield
    except OSError as error:
        with storage_errors(path):
            raise error


def _move_entries(source: Path, target: Path) -> None:
    """Moves what is in `source` into the folder `target`; the folders it replaces are left in `source`."""
    for name in sorted(os.listdir(source)):
        if (target / name).is_dir():
            os.rename(target / name, source / f".replaced.{name}")
        os.replace(source / name, target / name)
