"""Processes that decode images beside the training, and the thread that does where they cannot.

A task is a callable without arguments that can be pickled and returns arrays. A worker is a fresh Python that gets
tasks by a socket and sends back what they return; it imports what its tasks need, so no TensorFlow.

Why not `concurrent.futures.ProcessPoolExecutor`: started by "spawn" or "forkserver", its workers run the caller's main
script again, which trains once more where a script has no main guard; they need semaphores in /dev/shm; and they stay
when their parent is killed. Here a worker ends with its socket, however its parent ended, and needs nothing else.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gan.errors import LostHelperError, UserError

MOST = 16  # workers that are started where no number is given
END_SECONDS = 1.0  # to wait for a worker that was ended: one that hangs on a dead disk ends when that lets it
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of the container: microseconds of computing in a period, and the period
_PROTOCOL = pickle.HIGHEST_PROTOCOL
_AS_THEY_ARE = (UserError, OSError, MemoryError)  # errors with a meaning for the caller; any other one is a bug

Task = Callable[[], Any]


def auto_count() -> int:
    """As many workers as there are cores that this process may use, within the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = QUOTA.read_text().split()  # "max" is no number: no quota
        cores = min(cores, max(1, -(-int(quota) // int(period))))
    return min(cores, MOST)


class Workers:
    """Runs tasks in as many processes, in their order; with none, in one thread of this process.

    Ends with `close`, with the object or with the program, and a worker with its parent in any case. Where not a single
    process can be started the thread takes their place, and `note` is told so.
    """

    def __init__(self, count: int, note: Callable[[str], None] = lambda line: None):
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._helpers: list[_Helper] = []
        try:
            for _ in range(count):
                self._helpers.append(_Helper())
        except OSError as error:  # no more processes or descriptors for this user, no memory
            started = len(self._helpers)
            rest = "they do all of it" if started else "this one decodes them itself, which is slower"
            reason = f"({error.strerror or error}); {rest}"
            note(f"{started} of {count} processes to decode images could be started {reason}")
        self.count = len(self._helpers)
        self._finalizer = weakref.finalize(self, _end, self._tasks, self._helpers)
        for helper in self._helpers or [None]:
            # Daemons: a read that hangs on a dead disk must not keep the process from ending.
            arguments = (self._tasks, helper.run if helper else _call)
            threading.Thread(target=_serve, args=arguments, name="gan-data", daemon=True).start()

    def submit(self, task: Task) -> Future:
        """What the task will return or raise; `LostHelperError` if its process is lost."""
        future: Future = Future()
        self._tasks.put((task, future))
        return future

    def close(self) -> None:
        """Ends all of them; what has been submitted and not begun is cancelled."""
        self._finalizer()


def _serve(tasks: queue.SimpleQueue, run: Callable[[Task], Any]) -> None:
    """The thread beside each worker: runs task after task until it takes a None."""
    while item := tasks.get():
        task, future = item
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = run(task)
        except BaseException as error:  # who waits for the result raises it
            future.set_exception(error)
        else:
            future.set_result(result)
        del item, task, future  # or they would live until the next one comes


def _end(tasks: queue.SimpleQueue, helpers: list["_Helper"]) -> None:
    """Cancels the tasks that wait and ends the workers with their threads."""
    with contextlib.suppress(queue.Empty):
        while item := tasks.get_nowait():
            item[1].cancel()
    for _ in helpers or [None]:
        tasks.put(None)
    for helper in helpers:
        helper.kill()
    for helper in helpers:
        helper.wait()


def _call(task: Task) -> Any:
    return task()


class _Helper:
    """The parent's end of a worker; raises OSError if it cannot be started."""

    def __init__(self):
        self._connection, theirs = Pipe()
        with theirs:
            path = [str(entry) for entry in sys.path]
            line = f"import sys; sys.path[:] = {path!r}; from {__name__} import serve; serve({theirs.fileno()})"
            try:
                # In a session of its own: what a terminal sends to all of its processes is for the parent.
                self._process = subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-c", line],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                )
            except OSError:
                self._connection.close()
                raise

    def run(self, task: Task) -> Any:
        """What the task returns in the worker; raises what it raises there, or `LostHelperError`."""
        message = pickle.dumps(task, _PROTOCOL)
        try:
            self._connection.send_bytes(message)
            answer = self._connection.recv_bytes()
        except (EOFError, OSError):
            raise LostHelperError(self._last_words()) from None
        result = pickle.loads(answer)
        if isinstance(result, BaseException):
            raise result
        return result

    def _last_words(self) -> str:
        """How the worker ended."""
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return "a process that decodes images does not answer any more"
        if code == -signal.SIGKILL:
            return "a process that decodes images was killed, as the system does when memory runs out"
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return f"a process that decodes images ended {how}"

    def kill(self) -> None:
        """Ends the worker, whatever it is at: it only reads."""
        self._process.kill()

    def wait(self) -> None:
        """Takes leave of a worker that was ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)


def serve(descriptor: int) -> None:
    """The worker: runs the tasks that come by the socket until the parent's end of it is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent decides: it may still want what is under way
    connection = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send_bytes(_answer(connection.recv_bytes()))


def _answer(message: bytes) -> bytes:
    """The pickled result of a pickled task, or the error that it ends with."""
    try:
        return pickle.dumps(pickle.loads(message)(), _PROTOCOL)
    except _AS_THEY_ARE as error:
        return pickle.dumps(error, _PROTOCOL)
    except Exception:
        return pickle.dumps(RuntimeError(f"in a process that decodes images:\n{traceback.format_exc()}"), _PROTOCOL)
