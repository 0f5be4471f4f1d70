"""Worker processes: what they return and raise, and that they end with whatever they belong to. Real processes."""

import errno
import functools
import gc
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest

from gan.data import worker, workers
from gan.data.workers import Workers
from gan.errors import LostHelperError, UserError

SECONDS = 300  # after which a test that waits has failed


def evaluated(code: str) -> functools.partial:
    """A task that evaluates an expression."""
    return functools.partial(eval, code, {})


def is_there(pid: int) -> bool:
    """Whether a process is running."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def assert_ends(*pids: int) -> None:
    begin = time.monotonic()
    while any(map(is_there, pids)):
        assert time.monotonic() < begin + SECONDS, f"{pids} are still there"
        time.sleep(0.01)


@pytest.fixture
def pool():
    made = Workers(2)
    yield made
    made.close()


def test_tasks_run_in_other_processes_and_return_their_results(pool):
    futures = [pool.submit(functools.partial(operator.mul, i, i)) for i in range(50)]
    assert [future.result(SECONDS) for future in futures] == [i * i for i in range(50)]
    seen = {pool.submit(os.getpid).result(SECONDS) for _ in range(50)}
    assert seen <= set(pool.pids) and os.getpid() not in seen


def test_without_processes_a_thread_runs_them_and_they_need_not_be_pickled():
    pool, secret = Workers(0), object()
    assert pool.submit(lambda: secret).result(SECONDS) is secret
    assert pool.submit(os.getpid).result(SECONDS) == os.getpid() and pool.count == 0
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result(SECONDS)
    pool.close()


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("(_ for _ in ()).throw(__import__('gan.errors').errors.UserError('7.png is damaged'))", UserError, "7.png is"),
        ("open('/nowhere/7.png')", FileNotFoundError, "/nowhere/7.png"),
        ("bytearray(1 << 62)", MemoryError, "^$"),
        ("1 / 0", RuntimeError, "ZeroDivisionError: division by zero"),
        ("lambda: 0", RuntimeError, "[Pp]ickle"),
    ],
)
def test_errors_come_back_to_whoever_waits_and_the_worker_goes_on(pool, code, error, words):
    with pytest.raises(error, match=words) as found:
        pool.submit(evaluated(code)).result(SECONDS)
    assert error is not FileNotFoundError or found.value.errno == errno.ENOENT
    assert {pool.submit(os.getpid).result(SECONDS) for _ in range(20)} <= set(pool.pids)


def test_a_task_that_cannot_be_sent_is_an_error_of_its_own(pool):
    with pytest.raises(Exception, match="[Pp]ickle"):
        pool.submit(lambda: 0).result(SECONDS)
    assert pool.submit(functools.partial(max, 3, 4)).result(SECONDS) == 4


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "was killed, as the system does when memory runs out"), (signal.SIGSEGV, "by signal 11")],
)
def test_a_worker_that_is_lost_is_told_of(pool, number, words):
    with pytest.raises(LostHelperError, match=f"a process that decodes images .*{words}"):
        pool.submit(functools.partial(signal.raise_signal, number)).result(SECONDS)


def test_a_worker_killed_between_tasks_is_told_of():
    pool = Workers(1)
    os.kill(*pool.pids, signal.SIGKILL)
    with pytest.raises(LostHelperError, match="was killed"):
        pool.submit(os.getpid).result(SECONDS)
    pool.close()


def test_workers_know_no_tensorflow_and_no_signal_that_a_terminal_sends(pool):
    names = "gan.data.batches", "gan.data.folders.folder"
    code = f"[__import__(name) for name in {names}] and sorted(__import__('sys').modules)"
    loaded = pool.submit(evaluated(code)).result(SECONDS)
    assert set(names) <= set(loaded) and not {"tensorflow", "keras", "tensorflow_datasets"} & set(loaded)
    for pid in pool.pids:
        assert os.getsid(pid) != os.getsid(0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
    assert {pool.submit(os.getpid).result(SECONDS) for _ in range(20)} <= set(pool.pids)


def test_what_workers_print_is_no_output_of_the_command(pool, capfd):
    assert pool.submit(functools.partial(os.write, 1, b"noise\n")).result(SECONDS) == 6
    assert pool.submit(evaluated("__import__('warnings').warn('noise')")).result(SECONDS) is None
    assert capfd.readouterr() == ("", "")


def test_closing_ends_the_processes_and_cancels_what_waits(pool):
    running = [pool.submit(functools.partial(time.sleep, 1000)) for _ in range(2)]
    waiting = pool.submit(os.getpid)
    while not all(future.running() for future in running):
        time.sleep(0.01)
    pool.close()
    assert_ends(*pool.pids)
    with pytest.raises(CancelledError):
        waiting.result(SECONDS)
    for future in running:
        with pytest.raises(LostHelperError):
            future.result(SECONDS)
    pool.close()


def test_workers_end_with_the_object_that_they_belong_to():
    pool = Workers(2)
    found = pool.pids
    assert pool.submit(os.getpid).result(SECONDS) in found
    del pool
    gc.collect()
    assert_ends(*found)


SCRIPT = """
import os, sys, time
from gan.data.workers import Workers
print("begun", flush=True)
pool = Workers(2)
pool.submit(os.getpid).result()
print(*pool.pids, flush=True)
{end}
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("raise SystemExit(3)", 3),
        ("1 / 0", 1),
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), 9)", -9),
        ("os.kill(os.getpid(), 15)", -15),
        ("pool.submit(__import__('functools').partial(time.sleep, 2)); time.sleep(0.2); os.kill(os.getpid(), 9)", -9),
    ],
    ids=["end", "exit", "exception", "at once", "kill -9", "terminated", "kill -9 while they work"],
)
def test_workers_end_with_their_parent_however_that_ends(tmp_path, end, code):
    """Also of a script without a main guard, which runs once."""
    (tmp_path / "script.py").write_text(SCRIPT.format(end=end))
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    begun, found = done.stdout.splitlines()
    assert begun == "begun" and "Error" not in done.stderr.replace("ZeroDivisionError", "")
    assert_ends(*map(int, found.split()))


@pytest.mark.parametrize("possible", [0, 1])
def test_where_processes_cannot_be_started_fewer_do_or_a_thread(monkeypatch, possible):
    started, begin = [], subprocess.Popen

    def limited(*arguments, **options):
        if len(started) == possible:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return started.append(0) or begin(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", limited)
    notes = []
    pool = Workers(3, notes.append)
    assert pool.count == possible and (pool.submit(os.getpid).result(SECONDS) == os.getpid()) == (not possible)
    assert notes == [
        f"{possible} of 3 processes to decode images could be started (Resource temporarily unavailable); "
        f"{'they do all of it' if possible else 'this one decodes them itself, which is slower'}"
    ]
    pool.close()


@pytest.mark.parametrize(
    ("affinity", "quota", "count"),
    [(4, "max 100000", 4), (4, "150000 100000", 2), (4, "10000 100000", 1), (64, "", 16), (2, "800000 100000", 2)],
)
def test_as_many_as_there_are_cores_for_this_process(monkeypatch, tmp_path, affinity, quota, count):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)))
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(workers, "QUOTA", tmp_path / "cpu.max")
    assert workers.auto_count() == count


class Counted:
    """Says how often it was pickled, and multiplies."""

    pickled = 0

    def __call__(self, *factors):
        return self.pickled * functools.reduce(operator.mul, factors)

    def __getstate__(self):
        Counted.pickled += 1
        return {"pickled": 1}


def test_what_is_shared_goes_once_to_each_worker_that_needs_it():
    Counted.pickled = 0
    task, pool = worker.shared(Counted()), Workers(1)
    assert [pool.submit(task(i, 2)).result(SECONDS) for i in range(9)] == [2 * i for i in range(9)]
    assert Counted.pickled == 1
    other = worker.shared(functools.partial(max, 5))
    assert [pool.submit(other(i)).result(SECONDS) for i in (4, 6)] == [5, 6]
    pool.close()
    pool = Workers(0)
    assert pool.submit(other(7)).result(SECONDS) == 7
    pool.close()


def test_results_come_in_the_order_of_their_tasks_and_no_more_are_begun_than_wanted(pool):
    asked = []

    def tasks():
        for i in range(20):
            asked.append(i)
            yield functools.partial(operator.mul, i, 10)

    results = pool.in_order(tasks(), ahead=3)
    assert next(results) == 0 and asked == [0, 1, 2, 3]
    assert list(results) == [10 * i for i in range(1, 20)]
    assert list(pool.in_order([], ahead=3)) == []


@pytest.mark.parametrize("size", [0, 5, 1 << 20])
@pytest.mark.parametrize("room", [worker.AREA_BYTES, 1 << 19])
def test_arrays_come_back_as_they_were_and_are_the_callers_own(monkeypatch, size, room):
    """Whether there is room for them in the common memory or not, and whatever comes after them."""
    monkeypatch.setattr(worker, "AREA_BYTES", room)
    pool = Workers(1)
    code = f"""(lambda np: (np.arange({size}).astype(np.uint8), np.asfortranarray(np.ones((2, 3))), np.arange(9)[::2],
        [np.full(3, 7, np.int32)], "words"))(__import__("numpy"))"""
    first, _ = (pool.submit(evaluated(" ".join(code.split()))).result(SECONDS) for _ in range(2))
    pool.submit(evaluated("__import__('numpy').full(1 << 18, 99)")).result(SECONDS)
    expected = (np.arange(size).astype(np.uint8), np.ones((2, 3)), np.arange(0, 9, 2), [np.full(3, 7, np.int32)])
    for found, wanted in zip((*first[:3], *first[3]), (*expected[:3], *expected[3]), strict=True):
        assert found.dtype == wanted.dtype and np.array_equal(found, wanted) and found.flags.writeable
    assert first[4] == "words"
    pool.close()


def test_a_fork_that_ends_leaves_the_workers_to_their_parent(pool):
    found = pool.submit(os.getpid).result(SECONDS)
    if (child := os.fork()) == 0:
        pool.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert is_there(found) and pool.submit(os.getpid).result(SECONDS) in pool.pids


def test_where_no_thread_can_be_started_it_is_one_line_and_no_process_stays(monkeypatch):
    started, begin = [], worker._started
    monkeypatch.setattr(worker, "_started", lambda *given: started.append(begin(*given)) or started[-1])
    monkeypatch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("can't start")))
    with pytest.raises(LostHelperError, match="ulimit -u"):
        Workers(2)
    assert_ends(*(process.pid for process in started))
