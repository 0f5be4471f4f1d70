"""What storage refuses (full disk, quota, permissions, read-only file system), as one line with its remedy."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

from gan.errors import StorageError
from gan.paths import broken_link

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
    errno.ENAMETOOLONG: "use a shorter path",
    errno.EBADF: "no such descriptor is open",
    errno.EPIPE: "its reader went away: start both again",
    errno.EBUSY: "it is in use, or mounted by itself: use another path",
    errno.EMFILE: "raise the limit on open files (ulimit -n) and start again",
}
_LINKS = (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.ELOOP)  # what may be due to a link that leads nowhere
_OTHERWISE = "check the disk and start again"


@contextlib.contextmanager
def storage_errors(path: Path | str) -> Iterator[None]:
    """Turns what the operating system or TensorFlow raises about storage within the block into a `StorageError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _LINKS and (line := broken_link(path)):
            raise StorageError(f"{line}; make or mount it, remove the link, or use another path") from error
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
