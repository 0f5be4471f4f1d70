"""A process that outlasts what this one does: it waits in the place of a main thread that can wait for nothing else."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def ended_after(seconds: float, line: str) -> Iterator[None]:
    """If the block lasts longer the line goes to standard error and this process is killed, whatever it does."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(writer)
        _watch(reader, seconds, line)
    os.close(reader)
    try:
        yield
    finally:
        os.close(writer)
        os.waitpid(child, 0)


def _watch(reader: int, seconds: float, line: str) -> None:
    """In the child: waits until the parent lets go of the pipe, or the time is over."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        if not select.select([reader], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                os.write(2, f"{line}\n".encode())
            os.kill(os.getppid(), signal.SIGKILL)
    finally:
        os._exit(0)  # whatever happened: what lies above on the stack is the parent's
