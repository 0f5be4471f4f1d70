"""A process that runs tasks, and the two ends of the way to it.

A task is a callable without arguments that can be pickled. It goes to the process by a socket, and what it returns
comes back by that, but for the content of large arrays: the process puts it into memory that both have.
"""

import contextlib
import functools
import io
import itertools
import mmap
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from gan.errors import LostHelperError, UserError

AREA_BYTES = 64 << 20  # of the common memory, none of which is taken before it is used
END_SECONDS = 1.0  # to wait for a worker that was ended: one that hangs on a dead disk ends when that lets it
_PROTOCOL = pickle.HIGHEST_PROTOCOL
_AS_THEY_ARE = (UserError, OSError, MemoryError)  # errors with a meaning for the caller; any other one is a bug

Task = Callable[[], Any]


class Shared:
    """A value that many tasks need, such as a table of files: each worker gets it once, when a task first brings it."""

    _numbers = itertools.count()

    def __init__(self, value: Any):
        self.value, self.number = value, next(self._numbers)


def shared(function: Callable[..., Any]) -> Callable[..., Task]:
    """`arguments -> task`, where the task calls the function, which can be pickled and goes once to each worker."""
    once = Shared(function)
    return lambda *arguments: functools.partial(_call_shared, once, *arguments)


def _call_shared(once: Shared, *arguments: Any) -> Any:
    return once.value(*arguments)


class Worker:
    """The parent's end: starts the process; raises OSError if it cannot be started."""

    def __init__(self):
        self._known: set[int] = set()  # the numbers of what is shared that the process has
        with contextlib.ExitStack() as stack:  # what is left open where anything fails
            self._connection, theirs = Pipe()
            opened = stack.enter_context(contextlib.ExitStack())
            opened.callback(self._connection.close)
            stack.callback(theirs.close)
            memory = os.memfd_create("gan-data")
            stack.callback(os.close, memory)
            os.ftruncate(memory, AREA_BYTES)
            self._area = mmap.mmap(memory, AREA_BYTES)
            self._process = _started(theirs.fileno(), memory)
            opened.pop_all()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def run(self, task: Task) -> Any:
        """What the task returns in the process; raises what it raises there, or `LostHelperError`."""
        body = io.BytesIO()
        pickler = _Pickler(body, _PROTOCOL)
        pickler.dump(task)
        news = {n: pickle.dumps(value, _PROTOCOL) for n, value in pickler.shared.items() if n not in self._known}
        message = pickle.dumps((news, body.getvalue()), _PROTOCOL)
        try:
            self._connection.send_bytes(message)
            self._known |= news.keys()
            answer = self._connection.recv_bytes()
        except (EOFError, OSError):
            raise LostHelperError(self._last_words()) from None
        result = _unpacked(answer, self._area)
        if isinstance(result, BaseException):
            raise result
        return result

    def _last_words(self) -> str:
        """How the process ended."""
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return "a process that decodes images does not answer any more"
        if code == -signal.SIGKILL:
            return "a process that decodes images was killed, as the system does when memory runs out"
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return f"a process that decodes images ended {how}"

    def kill(self) -> None:
        """Ends the process, whatever it is at: it only reads."""
        self._process.kill()

    def wait(self) -> None:
        """Takes leave of a process that was ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)


def _started(connection: int, memory: int) -> subprocess.Popen:
    """A fresh Python that serves the socket with this descriptor; it finds modules where this one does."""
    path = [str(entry) for entry in sys.path]
    line = f"import sys; sys.path[:] = {path!r}; from {__name__} import serve; serve({connection}, {memory})"
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", line],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[connection, memory],
        start_new_session=True,  # what a terminal sends to all of its processes is for the parent
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )


class _Pickler(pickle.Pickler):
    """Leaves out what is shared, and collects it by its numbers."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.shared: dict[int, Any] = {}

    def persistent_id(self, thing: Any) -> int | None:
        """The number of what is shared, None of anything else."""
        if not isinstance(thing, Shared):
            return None
        self.shared[thing.number] = thing.value
        return thing.number


class _Unpickler(pickle.Unpickler):
    """Puts in what is shared."""

    def __init__(self, body: bytes, known: Mapping[int, Shared]):
        super().__init__(io.BytesIO(body))
        self._known = known

    def persistent_load(self, number: int) -> Shared:
        """What has this number."""
        return self._known[number]


def serve(connection: int, memory: int) -> None:
    """The process: runs the tasks that come by the socket until the parent's end of it is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # the parent decides: it may still want what is under way
    line, known, area = Connection(connection), {}, mmap.mmap(memory, 0)
    with contextlib.suppress(EOFError, OSError):
        while True:
            line.send_bytes(_answer(line.recv_bytes(), known, area))


def _answer(message: bytes, known: dict[int, Shared], area: mmap.mmap) -> bytes:
    """The packed result of a pickled task, or the error that it ends with; `known` is what is shared, by number."""
    try:
        news, body = pickle.loads(message)
        known |= {number: Shared(pickle.loads(value)) for number, value in news.items()}
        return _packed(_Unpickler(body, known).load()(), area)
    except _AS_THEY_ARE as error:
        return _packed(error, area)
    except Exception:
        return _packed(RuntimeError(f"in a process that decodes images:\n{traceback.format_exc()}"), area)


def _packed(result: Any, area: mmap.mmap) -> bytes:
    """A result as a message; what its arrays hold is put into the area one after the other, if there is room for it."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(result, _PROTOCOL, buffer_callback=buffers.append)
    contents = [buffer.raw() for buffer in buffers]
    if sum(content.nbytes for content in contents) > len(area):
        return pickle.dumps((pickle.dumps(result, _PROTOCOL), []))
    end = 0
    for content in contents:
        area[end : end + content.nbytes] = content
        end += content.nbytes
    return pickle.dumps((body, [content.nbytes for content in contents]))


def _unpacked(message: bytes, area: mmap.mmap) -> Any:
    """The result of a message; its arrays are copies of what is in the area, made without holding up other threads."""
    body, sizes = pickle.loads(message)
    ends = itertools.accumulate(sizes)
    contents = [np.frombuffer(area, np.uint8, size, end - size).copy() for size, end in zip(sizes, ends, strict=True)]
    return pickle.loads(body, buffers=contents)
