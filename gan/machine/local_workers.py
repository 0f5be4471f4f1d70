"""Several workers on this machine: a process each, on the loopback, all started again if one is lost.

The way to try what several machines will do. Each has its part of the cores and of the GPUs. They speak to one another
on the loopback; TensorFlow's servers listen at every address of the machine all the same.
"""

import ctypes
import glob
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple

from gan.errors import LostPeerError, Preempted, UserError
from gan.machine import cluster

PROGRAM = (sys.executable, "-m", "gan.cli.train")
END_SECONDS = 10.0  # that the others may take to end when one has, and is known to have
_LOOK_SECONDS = 0.05
_LAST_LINES = 20  # of one that failed
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_PARENT_ENDED = 1  # PR_SET_PDEATHSIG of prctl(2)
_AS_TOLD = (0, LostPeerError.exit_code, Preempted.exit_code)  # codes of which the chief tells


class _Worker(NamedTuple):
    """A process, and where its errors go if they are not shown."""

    name: str
    process: subprocess.Popen
    errors: IO[bytes] | None

    @property
    def code(self) -> int | None:
        """Its exit code, negative by a signal; None while it runs."""
        return self.process.poll()


def run(count: int, restarts: int, arguments: Sequence[str], peer_seconds: float = 0.0) -> int:
    """Starts `PROGRAM` with these arguments in `count` workers; returns the exit code of all.

    What the chief writes is shown, and of the others why they failed. If one is lost, of which the others know after so
    many seconds, all are started again, at most `restarts` times. Raises `UserError` if this process is itself one of
    several workers.
    """
    if cluster.kind():
        raise UserError("--workers starts workers on this machine, and this is one of several already: leave it out")
    started: list[_Worker] = []
    with _forwarding(started) as asked:
        for left in reversed(range(restarts + 1)):
            started.clear()
            for each in _starting(count, arguments):
                started.append(each)
            for number in asked:  # those that were not there yet
                _send(started, number)
            silent = _wait(started, peer_seconds + END_SECONDS)
            if started[0].code == 0:
                return 0
            lost = [each for each in started if each.code < 0 or each.code == LostPeerError.exit_code]
            others = [each.code for each in started if each not in lost and each.code != 0]
            _tell_of_crashes([each for each in lost if each not in silent])
            if others or not lost:
                _tell(started)
                return next(iter(others), 0)
            if asked:
                return 128 + asked[0]
            first = min(lost, key=lambda each: (each.code > 0, each in silent))
            how = "lost" if first in silent or first.code > 0 else f"ended by {signal.Signals(-first.code).name}"
            again = f"starting all again; {left} more times if need be" if left else "start again to continue"
            print(f"warning: {first.name} was {how}; {again}", file=sys.stderr, flush=True)
    return LostPeerError.exit_code


@contextmanager
def _forwarding(started: list[_Worker]) -> Iterator[list[int]]:
    """Signals go to all workers that were started; those that are to end them are listed."""
    asked: list[int] = []

    def forward(number: int, frame: object) -> None:
        asked.extend([number] * (number != signal.SIGUSR1))
        _send(started, number)

    before = {number: signal.getsignal(number) for number in _FORWARDED}
    for number, handler in before.items():
        if handler != signal.SIG_IGN or number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, forward)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _send(workers: Sequence[_Worker], number: int) -> None:
    for each in workers:
        if each.code is None:
            each.process.send_signal(number)


def _starting(count: int, arguments: Sequence[str]) -> Iterator[_Worker]:
    """Starts the workers one by one, the chief first."""
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(count)]
    cores, found = sorted(os.sched_getaffinity(0)), _gpus()
    for i, address in enumerate(addresses):
        environment = {**os.environ, cluster.VARIABLE: cluster.described(addresses, i)}
        if found:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(_part(found, i, count)) or "-1"
        errors = tempfile.TemporaryFile() if i else None  # noqa: SIM115 - as long as the worker
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if i else None,
            stderr=errors,
            start_new_session=True,  # a terminal's signals come from here
            preexec_fn=_prepared(_part(cores, i, count) or cores),
        )
        yield _Worker(f"worker {i} ({address})", process, errors)


def _prepared(cores: Sequence[int]) -> Callable[[], None]:
    """What a worker does before anything else: it takes its cores, and is to end if this process does."""
    parent, library = os.getpid(), ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        library.prctl(_PARENT_ENDED, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(Preempted.exit_code)
        os.sched_setaffinity(0, cores)

    return prepare


def _wait(workers: Sequence[_Worker], seconds: float) -> list[_Worker]:
    """Waits until all have ended; once one has, the others have so long to do so. Returns those that did not."""
    deadline, silent = None, []
    while any(each.code is None for each in workers):
        time.sleep(_LOOK_SECONDS)
        if deadline is None and any(each.code is not None for each in workers):
            deadline = time.monotonic() + seconds
        if deadline and time.monotonic() > deadline:
            silent += [each for each in workers if each.code is None and each not in silent]
            for each in silent:
                each.process.kill()
    return silent


def _tell(workers: Sequence[_Worker]) -> None:
    """Shows why workers failed of whose failure the chief cannot tell."""
    for each in workers[1:]:
        if each.code not in (*_AS_TOLD, workers[0].code):
            said = _said(each)
            _show(each, [line for line in said if line.startswith("error:")] or said[-_LAST_LINES:])


def _tell_of_crashes(workers: Sequence[_Worker]) -> None:
    """Shows the last lines of workers which a signal ended that nobody sends: an abort, a bad address."""
    for each in workers:
        if each.errors and each.code < 0 and -each.code != signal.SIGKILL:
            _show(each, _said(each)[-_LAST_LINES:])


def _said(worker: _Worker) -> list[str]:
    """The lines that a worker wrote to its standard error, which is a file."""
    worker.errors.seek(0)
    return worker.errors.read().decode(errors="replace").splitlines()


def _show(worker: _Worker, lines: Sequence[str]) -> None:
    for line in lines:
        print(f"{worker.name}: {line}", file=sys.stderr, flush=True)


def _free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if (given := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in given.split(",") if name and name != "-1"]
    return [str(i) for i in range(len(glob.glob("/dev/nvidia[0-9]*")))]


def _part(things: Sequence, number: int, count: int) -> list:
    """As many of the things for each of `count` workers; none if there are fewer than workers."""
    size = len(things) // count
    return list(things[number * size : (number + 1) * size])
