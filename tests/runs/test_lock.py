"""The lock of a run's folder: told of, let go of, not inherited."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from gan.errors import BusyError
from gan.runs import lock

HOLDER = textwrap.dedent("""
    import os, pathlib, sys
    from gan.runs import lock
    with lock.Lock(pathlib.Path(sys.argv[1])):
        trainer = os.getpid()
        if sys.argv[2] == "plain" or not os.fork():
            print(trainer, os.getpid(), flush=True)
        sys.stdin.read()
""")


def holder(path, mode):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, [int(word) for word in process.stdout.readline().split()]


def test_a_second_trainer_is_told_who_holds_the_folder(tmp_path):
    process, (pid, _) = holder(tmp_path / "run", "plain")
    try:
        with pytest.raises(BusyError) as caught, lock.Lock(tmp_path / "run"):
            pass
        text = str(caught.value)
        assert caught.value.exit_code == 75 and "\n" not in text
        assert f"PID {pid} on {os.uname().nodename}" in text and str(tmp_path / "run") in text
    finally:
        process.kill()
        process.wait()
    with (
        lock.Lock(tmp_path / "run"),
        pytest.raises(BusyError, match=f"PID {os.getpid()} "),
        lock.Lock(tmp_path / "run"),
    ):
        pass
    with lock.Lock(tmp_path / "run"):
        pass


def test_a_forked_child_does_not_hold_the_folder_after_its_parent_was_killed(tmp_path):
    process, (_, child) = holder(tmp_path / "run", "fork")
    try:
        process.kill()
        process.wait()
        os.kill(child, 0)
        with lock.Lock(tmp_path / "run"):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_started_program_does_not_inherit_the_lock(tmp_path):
    listing = "import os; print([os.path.realpath(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')])"
    with lock.Lock(tmp_path):
        command = [sys.executable, "-c", listing]
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, close_fds=False).stdout
    assert "/dev/null" in output or "pipe" in output
    assert ".lock" not in output


def test_a_forked_child_that_ends_leaves_the_lock_to_its_parent(tmp_path):
    with lock.Lock(tmp_path):
        child = os.fork()
        if not child:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        with pytest.raises(BusyError), lock.Lock(tmp_path):
            pass
