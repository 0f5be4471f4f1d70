"""One trainer a folder: a lock that the kernel lets go of however its process ends."""

import fcntl
import functools
import os
import socket
import time
import weakref
from pathlib import Path

from gan.errors import BusyError
from gan.runs import workdir
from gan.storage.files import make_folder
from gan.storage.refusals import storage_errors
from gan.storage.targets import open_lock

LOCK = ".lock"
_LOOKS = 3  # one who only asks whether there is a trainer has the lock for an instant
_LOOK_SECONDS = 0.05


@functools.lru_cache(maxsize=1)
def words_of(pid: int) -> str:
    """How a lock names this process, whose id it is: always as it did first, whatever the host is called by now."""
    return f"PID {pid} on {socket.gethostname()}"


class Lock:
    """Holds a run's folder for this process, as a context manager; the kernel lets go of it however the process ends.

    Creates the folder. Raises `BusyError` if another process holds it, `UserError` if the folder cannot be a run's,
    `StorageError` if it cannot be written.
    """

    def __init__(self, workdir: Path):
        self._workdir = Path(workdir)
        self._descriptor: int | None = None

    def __enter__(self) -> "Lock":
        workdir.check_folder(self._workdir)
        with storage_errors(self._workdir / LOCK):
            make_folder(self._workdir)
            descriptor = open_lock(self._workdir / LOCK)
            try:
                _take(descriptor)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{words_of(os.getpid())}\n".encode(), 0)
            except BlockingIOError as error:
                name = _holder(descriptor)
                os.close(descriptor)
                remedy = "wait for it to end, stop it, or use another --workdir"
                raise BusyError(f"{self._workdir} is held by another trainer, {name}; {remedy}") from error
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        _held.add(self)
        return self

    def __exit__(self, *_) -> None:
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # at once, even if a child is just between fork and exec
            self._close()

    def _close(self) -> None:
        """Lets go of the descriptor alone: a forked child must not take the lock from its parent."""
        _held.discard(self)
        os.close(self._descriptor)
        self._descriptor = None


def holder(folder: Path) -> str:
    """The trainer that holds a run's folder, as it can be told; empty if none does. Nothing is written.

    Raises `StorageError` if that cannot be found out.
    """
    path = Path(folder) / LOCK
    with storage_errors(path):
        if not path.is_file():
            return ""
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(descriptor)
        finally:
            os.close(descriptor)
    return ""


def _take(descriptor: int) -> None:
    """Locks an open file for this process; raises `BlockingIOError` if another has it, and not for an instant only."""
    for look in range(_LOOKS):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if look == _LOOKS - 1:
                raise
            time.sleep(_LOOK_SECONDS)


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 500, 0).decode(errors="replace").strip() or "a process just starting"


_held: "weakref.WeakSet[Lock]" = weakref.WeakSet()


def _let_go_in_child() -> None:
    """A forked child shares the lock; were it to keep the descriptor, it would hold the folder after its parent."""
    for lock in list(_held):
        lock._close()


os.register_at_fork(after_in_child=_let_go_in_child)
