"""Processes that decode images beside the training, and the thread that does where they cannot.

A task is a callable without arguments that can be pickled and returns arrays. A worker is a fresh Python that gets
tasks by a socket and sends back what they return; it imports what its tasks need, so no TensorFlow.

Why not `concurrent.futures.ProcessPoolExecutor`: started by "spawn" or "forkserver", its workers run the caller's main
script again, which trains once more where a script has no main guard; they need semaphores in /dev/shm; and they stay
when their parent is killed. Here a worker ends with its socket, however its parent ended, and needs nothing else.
"""

import collections
import contextlib
import functools
import io
import itertools
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    """As many workers as there are cores that this process may use, within the quota of its container, up to `MOST`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = QUOTA.read_text().split()  # "max" is no number: no quota
        cores = min(cores, max(1, -(-int(quota) // int(period))))
    return min(cores, MOST)


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

    def in_order(self, tasks: Iterable[Task], ahead: int) -> Iterator[Any]:
        """The results of tasks in their order, `ahead` of which are under way while the first is waited for."""
        waiting: collections.deque[Future] = collections.deque()
        for task in tasks:
            waiting.append(self.submit(task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

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
        self._known: set[int] = set()  # the numbers of what is shared that the worker has
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


def serve(descriptor: int) -> None:
    """The worker: runs the tasks that come by the socket until the parent's end of it is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent decides: it may still want what is under way
    connection, known = Connection(descriptor), {}
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send_bytes(_answer(connection.recv_bytes(), known))


def _answer(message: bytes, known: dict[int, Shared]) -> bytes:
    """The pickled result of a pickled task, or the error that it ends with; `known` is what is shared, by number."""
    try:
        news, body = pickle.loads(message)
        known |= {number: Shared(pickle.loads(value)) for number, value in news.items()}
        return pickle.dumps(_Unpickler(body, known).load()(), _PROTOCOL)
    except _AS_THEY_ARE as error:
        return pickle.dumps(error, _PROTOCOL)
    except Exception:
        return pickle.dumps(RuntimeError(f"in a process that decodes images:\n{traceback.format_exc()}"), _PROTOCOL)
