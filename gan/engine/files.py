"""Files that survive: written whole or not at all, and on the disk before anything relies on them.

TensorFlow never calls fsync and writes its last file in place, so nothing here leaves durability to it. Whatever the
storage refuses (full disk, quota, permissions, read-only file system) becomes one `StorageError` with its remedy.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from gan.errors import StorageError

_REMEDIES = {
    errno.ENOSPC: "free some space there and start again",
    errno.EDQUOT: "the disk quota is used up: free some space or have it raised, then start again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f) and start again",
    errno.EACCES: "check the permissions, or use another folder",
    errno.EPERM: "check the permissions, or use another folder",
    errno.EROFS: "the file system is read-only: use another folder",
    errno.ENOTDIR: "a file stands where a folder is needed: use another path",
    errno.EEXIST: "a file stands where a folder is needed: use another path",
    errno.EISDIR: "a folder stands where a file is needed: use another path",
    errno.ENOLCK: "the file system has no locks: use a local disk",
    errno.EMFILE: "raise the limit on open files (ulimit -n) and start again",
}
_OTHERWISE = "check the disk and start again"


@contextlib.contextmanager
def storage_errors(path: Path | str) -> Iterator[None]:
    """Turns what the operating system or TensorFlow raises about storage within the block into a `StorageError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"{path}: {reason}; {_REMEDIES.get(error.errno, _OTHERWISE)}") from error
    except Exception as error:
        number = _tensorflow_errno(error)
        if number is None:
            raise
        raise StorageError(f"{path}: {_reason(error)}; {_REMEDIES.get(number, _OTHERWISE)}") from error


def _tensorflow_errno(error: Exception) -> int | None:
    """The errno behind an error of TensorFlow's file systems (0 where it is not known), None for any other error."""
    tf = sys.modules.get("tensorflow")  # only TensorFlow raises these, so where it was not imported there are none
    if tf is None or not isinstance(error, tf.errors.OpError):
        return None
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return errno.EDQUOT if "quota" in str(error) else errno.ENOSPC
    if isinstance(error, tf.errors.OutOfRangeError):
        return errno.EFBIG
    if isinstance(error, tf.errors.PermissionDeniedError):
        return errno.EACCES
    storage = (tf.errors.FailedPreconditionError, tf.errors.UnavailableError, tf.errors.UnknownError)
    return 0 if isinstance(error, (*storage, tf.errors.DataLossError, tf.errors.NotFoundError)) else None


def _reason(error: Exception) -> str:
    """What an error of TensorFlow says of the storage, without the names of nodes and of temporary files."""
    text = str(getattr(error, "message", None) or error).strip().split("\n")[0].split(" [Op:")[0]
    return text.rsplit("; ", 1)[-1].rsplit("}} ", 1)[-1] or type(error).__name__


def sync_folder(path: Path | str) -> None:
    """Makes the names in a folder durable: what was created, renamed or removed there survives a power cut."""
    with storage_errors(path):
        _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path | str, flags: int = os.O_RDONLY) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that knows no fsync has nothing more to offer
            raise
    finally:
        os.close(descriptor)


def sha256(path: Path | str) -> str:
    """The SHA-256 of a file's content, in hexadecimal; raises `OSError`."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_atomically(path: Path | str, data: bytes | str) -> None:
    """Writes a file (text as UTF-8) so that a reader, or a crash, sees the old content or the new, never a part.

    Raises `StorageError`; the old file is then as it was.
    """
    path = Path(path)
    with storage_errors(path):
        new = temporary(path, path.parent)
        try:
            with open(new, "wb") as file:
                file.write(data.encode() if isinstance(data, str) else data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def temporary(path: Path, beside: Path) -> Path:
    """A free name in the folder `beside` for what will be `path`; removes what killed processes left of it."""
    start, end = f".{path.name}.", ".tmp"
    for name in os.listdir(beside):
        pid = name[len(start) : -len(end)]
        if name.startswith(start) and name.endswith(end) and pid.isdecimal():
            left = beside / name
            if int(pid) == os.getpid() or not alive(int(pid)):
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return beside / f"{start}{os.getpid()}{end}"


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
