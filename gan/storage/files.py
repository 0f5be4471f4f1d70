"""Files that survive: written whole or not at all, and on the disk before anything relies on them.

TensorFlow never calls fsync and writes its last file in place, so nothing here leaves durability to it. What is no
regular file is written through, and a link stays one: `targets` has the rules. Whatever the storage refuses becomes one
`StorageError`. Results that can be made again by the same command are staged: a file or a folder is filled under a
temporary name and then takes its place, without every file of it being forced to the disk.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gan.errors import StorageError, UserError
from gan.paths import broken_link, check_links
from gan.storage import targets
from gan.storage.refusals import storage_errors

_LONGEST = 150  # bytes of a name that is part of a temporary one: file systems take 255 at most, some fewer


def sync_folder(path: Path | str) -> None:
    """Makes the names in a folder durable: what was created, renamed or removed there survives a power cut."""
    with storage_errors(path):
        _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def make_folder(path: Path | str) -> None:
    """Makes a folder and those that are missing above it, with durable names; raises `OSError`.

    What is made durable in a folder is lost with its name, however often it was synced itself.
    """
    path = Path(path)
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        with contextlib.suppress(PermissionError):  # a folder that may be written to, but not be read
            _sync(made.parent, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path | str, flags: int = os.O_RDONLY) -> None:
    descriptor = os.open(path, flags)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(descriptor: int) -> None:
    """Makes what was written to an open file durable; raises `OSError`."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that knows no fsync has nothing more to offer
            raise


def sha256(path: Path | str) -> str:
    """The SHA-256 of a file's content, in hexadecimal; raises `OSError`, and `UserError` if something else is there."""
    targets.check_regular(Path(path))
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_bytes(path: Path | str) -> bytes:
    """The content of a file; raises `OSError`, and `UserError` if a FIFO, a device or a folder is there."""
    targets.check_regular(Path(path))
    return Path(path).read_bytes()


def write_atomically(path: Path | str, data: bytes | str) -> None:
    """Writes a file (text as UTF-8) so that a reader, or a crash, sees the old content or the new, never a part.

    Raises `StorageError`; the old file is then as it was.
    """
    path = Path(path)
    with storage_errors(path), _written(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def write_with_folders(path: Path | str, data: bytes | str) -> None:
    """`write_atomically`, and the folders that are missing on the way."""
    with storage_errors(path):
        make_folder(Path(path).parent)
    write_atomically(path, data)


@contextlib.contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    """What to write so that it is in `path`: a new file that takes its place, or itself if that is no regular file."""
    target = targets.behind_links(path)
    if targets.is_stream(target):
        with targets.open_stream(target) as stream:
            yield stream
        return
    with _replacing(target) as file:
        yield file


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path` that takes its place, durably, when the block ends well, and is gone when it fails.

    It has the permissions of the one that it replaces.
    """
    new = temporary(path, path.parent)
    try:
        with open(new, "wb") as file:
            with contextlib.suppress(OSError):
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def temporary(path: Path, beside: Path) -> Path:
    """A free name in the folder `beside` for what will be `path`; removes what killed processes left of it."""
    name = path.name
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    start, end = f".{name}.", ".tmp"
    for name in os.listdir(beside):
        pid = name[len(start) : -len(end)]
        if name.startswith(start) and name.endswith(end) and pid.isdecimal():
            left = beside / name
            if int(pid) == os.getpid() or not alive(int(pid)):
                remove(left)
    return beside / f"{start}{os.getpid()}{end}"


def remove(path: Path) -> None:
    """Removes a file, a folder or a link, not what the link leads to, if it is there and can be removed."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def free_name(path: Path) -> Path:
    """A name beside `path` for what is damaged there, which nothing has yet."""
    aside, number = path.with_name(f"damaged_{path.name}"), 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"damaged_{path.name}.{number}")
    return aside


def sync_files(folder: Path) -> None:
    """Makes every file of a folder durable, and the folder itself; raises `StorageError`."""
    with storage_errors(folder):
        for file in folder.iterdir():
            _sync(file)
    sync_folder(folder)


def alive(pid: int) -> bool:
    """Whether a process of that id runs on this machine."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it runs, under another user
        return True
    return True


def check_unused(path: Path) -> None:
    """Raises `UserError` if `path` is not new or an empty folder: nothing that is there is ever overwritten."""
    check_links(str(path), path)
    with storage_errors(path):
        if path.exists() and not path.is_dir():
            what = targets.kind(path.stat().st_mode)
            raise UserError(f"{path} is {what}; --out must name a folder here, or end in .npz or .png")
        left = [name for name in os.listdir(path) if not name.startswith(".")] if path.exists() else []
    if left:
        raise UserError(f"{path} is a folder that is not empty ({left[0]} ...); empty it or use another --out")


def check_place(path: Path) -> None:
    """Raises `StorageError` if a folder could not be made at `path`, or not be written to."""
    if line := broken_link(path):
        raise StorageError(f"{line}; make or mount it, remove the link, or use another path")
    place = next(above for above in (path.absolute(), *path.absolute().parents) if above.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        reason = "may not be written to" if place.is_dir() else "is a file"
        raise StorageError(f"{path} cannot be made or used: {place} {reason}; choose another path")


def check_writable(path: Path) -> None:
    """Raises `StorageError` if a file could not be made or replaced at `path`, as far as can be told without trying."""
    with storage_errors(path):
        target = targets.behind_links(path)
        if targets.is_stream(target):
            return
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    check_place(path.parent)
    if target.parent != path.parent.resolve() and not target.parent.is_dir():
        raise StorageError(
            f"{path} is a link to {target}, whose folder is not there; make that folder, or use another path"
        )


@contextlib.contextmanager
def staged_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write; it becomes `path`, whatever stood there, when the block ends well, and is gone when it fails.

    What is no regular file is written through. Makes the folders on the way. Raises `StorageError`.
    """
    with _os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _written(path) as file:
            yield file


@contextlib.contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill; when the block ends well its entries are in the folder `path`, when it fails nowhere.

    A folder that did not exist appears whole. Where there is one, the entries move into it one by one, each in the
    place of one of the same name; everything else in it stays. Raises `StorageError`.
    """
    with _os_errors(path):
        check_links(str(path), path)
        is_new = not path.exists()
        beside = path.parent if is_new else path
        beside.mkdir(parents=True, exist_ok=True)
        new = temporary(path, beside)
        try:
            new.mkdir()  # a signal may end it when the folder is there
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
