"""Processes that decode images beside the training, and the thread that does where they cannot.

A worker is a fresh Python that imports what its tasks need, so no TensorFlow. Why not
`concurrent.futures.ProcessPoolExecutor`: started by "spawn" or "forkserver", its workers run the caller's main script
again, which trains once more where a script has no main guard; they need semaphores in /dev/shm; and they stay when
their parent is killed. Here a worker ends with its socket, however its parent ended, and needs nothing else.
"""

import collections
import contextlib
import os
import queue
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from gan.data.worker import Task, Worker, shared
from gan.errors import LostHelperError

__all__ = ["Workers", "auto_count", "shared"]

MOST = 16  # workers that are started where no number is given
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of the container: microseconds of computing in a period, and the period


def auto_count() -> int:
    """As many workers as there are cores that this process may use, within the quota of its container, up to `MOST`."""
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
        self._workers: list[Worker] = []
        try:
            for _ in range(count):
                self._workers.append(Worker())
        except OSError as error:  # no more processes or descriptors for this user, no memory
            started = len(self._workers)
            rest = "they do all of it" if started else "this one decodes them itself, which is slower"
            reason = f"({error.strerror or error}); {rest}"
            note(f"{started} of {count} processes to decode images could be started {reason}")
        self.count = len(self._workers)
        self._finalizer = weakref.finalize(self, _end, self._tasks, self._workers, os.getpid())
        try:
            for worker in self._workers or [None]:
                # Daemons: a read that hangs on a dead disk must not keep the process from ending.
                arguments = (self._tasks, worker.run if worker else _call)
                threading.Thread(target=_serve, args=arguments, name="gan-data", daemon=True).start()
        except RuntimeError:
            self.close()
            raise LostHelperError("no thread can be started; raise the limit of processes (ulimit -u)") from None

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [worker.pid for worker in self._workers]

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
            del result
        del item, task, future  # or they would live until the next one comes


def _end(tasks: queue.SimpleQueue, workers: list[Worker], owner: int) -> None:
    """Cancels the tasks that wait and ends the workers with their threads; a fork of the process `owner` does not."""
    if os.getpid() != owner:
        return
    with contextlib.suppress(queue.Empty):
        while item := tasks.get_nowait():
            item[1].cancel()
    for _ in workers or [None]:
        tasks.put(None)
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.wait()


def _call(task: Task) -> Any:
    return task()
