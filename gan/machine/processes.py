"""A process that outlasts what this one does: it waits in the place of a main thread that can wait for nothing else."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator

_OF_PARENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)


@contextlib.contextmanager
def ended_after(seconds: float, line: str) -> Iterator[None]:
    """If the block lasts longer the line goes to standard error and this process is killed, whatever it does."""
    (reader, writer), parent = os.pipe(), os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_PARENT)  # what comes while Python forks would be lost
    child = os.fork()
    if not child:
        _watch(reader, writer, parent, seconds, line)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(reader)
    try:
        yield
    finally:
        os.close(writer)
        os.waitpid(child, 0)


def _watch(reader: int, writer: int, parent: int, seconds: float, line: str) -> None:
    """In the child, where signals for the parent stay blocked: waits until it lets go of the pipe, or time is over."""
    try:
        os.close(writer)
        if not select.select([reader], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                os.write(2, f"{line}\n".encode())
            if os.getppid() == parent:
                os.kill(parent, signal.SIGKILL)
    finally:
        os._exit(0)  # whatever happened: what lies above on the stack is the parent's
