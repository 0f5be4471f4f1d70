"""What stands where a file is to be written, looked at before anything is done to it.

A regular file, or none, is replaced as a whole. A device, a FIFO, a terminal and a descriptor of this process
(/dev/stdout, /dev/fd/3, what a shell makes of >(command)) are written through, never replaced. Links stay links: what
they lead to is written. A folder, a disk and a socket are refused.
"""

import errno
import os
import re
import stat
import time
from pathlib import Path
from typing import IO

from gan.errors import StorageError, UserError

READER_SECONDS = 10.0  # that a FIFO may be without a reader
_MOST_LINKS = 40
_DESCRIPTOR = re.compile(r"/proc/(\d+)/(?:task/\d+/)?fd/(\d+)")
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a disk",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}


def kind(mode: int) -> str:
    """What a thing of this mode is, in words; a file if it is regular."""
    return _KINDS.get(stat.S_IFMT(mode), "a file")


def behind_links(path: Path) -> Path:
    """What a path leads to when every link is followed, which need not be there.

    The way ends at a descriptor of a process: what that leads to may have no name. Raises `OSError` for a circle.
    """
    path = path.absolute()
    for _ in range(_MOST_LINKS):
        path = Path(os.path.realpath(path.parent), path.name)
        if _DESCRIPTOR.fullmatch(str(path)) or not path.is_symlink():
            return path
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def is_stream(target: Path) -> bool:
    """Whether what is `behind_links` is written through; a regular file, or none, is to be replaced.

    Raises `OSError` for a folder and `StorageError` for what can be neither.
    """
    if _DESCRIPTOR.fullmatch(str(target)):
        return True
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise StorageError(f"{target} is {kind(mode)}, which is not written to; name a file")
    return not stat.S_ISREG(mode)


def open_stream(target: Path) -> IO[bytes]:
    """What `is_stream`, opened to be written through. Raises `OSError`, and `StorageError` if nobody reads a FIFO."""
    if descriptor := _DESCRIPTOR.fullmatch(str(target)):
        if int(descriptor[1]) == os.getpid():
            return os.fdopen(os.dup(int(descriptor[2])), "wb")  # goes on where it is; opened again it would begin anew
        return open(target, "ab")
    if stat.S_ISFIFO(target.stat().st_mode):
        return os.fdopen(_fifo(target), "wb")
    return open(target, "wb")


def _fifo(target: Path) -> int:
    """The descriptor of a FIFO, once it has a reader; raises `StorageError` if none comes in time."""
    end = time.monotonic() + READER_SECONDS
    while True:
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        else:
            os.set_blocking(descriptor, True)
            return descriptor
        if time.monotonic() > end:
            raise StorageError(f"{target} is a FIFO that nobody reads; start its reader, then this again")
        time.sleep(0.02)


def check_regular(path: Path) -> None:
    """Raises `UserError` if something other than a file is where a file is to be read: a FIFO would never end.

    Raises `OSError` if nothing is there.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise UserError(f"{path} is {kind(mode)}, not a file; remove it or use another path")


def open_lock(path: Path) -> int:
    """The descriptor of a file that is locked and may be written to; made if it is not there, and no link is followed.

    Raises `OSError`, and `StorageError` if something else is there.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        what = "a link" if path.is_symlink() else kind(path.stat().st_mode)
        raise StorageError(f"{path} is {what}, not a file to be locked; remove it or use another path")
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)  # not inherited by exec
