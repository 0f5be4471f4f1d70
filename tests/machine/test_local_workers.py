"""Workers on one machine: what becomes of exit codes, losses and signals. They run small programs."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from gan.errors import UserError
from gan.machine import local_workers

WORKER = """
import json, os, pathlib, signal, sys, time
number = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
seen = pathlib.Path(f"start.{number}")
times = len(seen.read_text()) if seen.exists() else 0
seen.write_text("x" * (times + 1))
%s
"""


@pytest.fixture
def started(tmp_path, monkeypatch):
    """`started(program, workers=2, restarts=3)`: the exit code; each worker runs it with its number, `times`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)

    def run(program: str, workers: int = 2, restarts: int = 3) -> int:
        (tmp_path / "worker.py").write_text(WORKER % program)
        monkeypatch.setattr(local_workers, "PROGRAM", (sys.executable, "worker.py"))
        return local_workers.run(workers, restarts, ["--flag"])

    return run


def starts(number: int) -> int:
    return len(Path(f"start.{number}").read_text())


def test_all_have_a_number_an_address_and_their_cores(started, tmp_path, capfd):
    assert started("print(number, sys.argv[1:], len(os.sched_getaffinity(0)), os.environ['TF_CONFIG'])") == 0
    first, flags, cores, config = capfd.readouterr().out.split(" ", 3)
    assert (first, flags) == ("0", "['--flag']")  # the chief's lines alone are shown
    assert int(cores) == max(1, len(os.sched_getaffinity(0)) // 2)
    where = json.loads(config)["cluster"]["worker"]
    assert len(set(where)) == 2 and all(address.startswith("127.0.0.1:") for address in where)


def test_all_are_started_again_when_one_is_killed(started, capfd):
    assert started("if number and times < 2: os.kill(os.getpid(), 9)\nsys.exit(76 if times < 2 else 0)") == 0
    assert starts(0) == starts(1) == 3
    warnings = capfd.readouterr().err.splitlines()
    assert [line.split(" (")[0] for line in warnings] == ["warning: worker 1"] * 2
    assert [line.split(") ")[1] for line in warnings] == [
        "was ended by SIGKILL; starting all again; 3 more times if need be",
        "was ended by SIGKILL; starting all again; 2 more times if need be",
    ]


def test_they_are_started_again_so_often_and_no_more(started, capfd):
    assert started("sys.exit(76)", restarts=1) == 76
    assert starts(0) == starts(1) == 2
    assert capfd.readouterr().err.splitlines()[-1].endswith(") was lost; start again to continue")


def test_a_mistake_is_not_tried_again(started, capfd):
    assert started("print('error: seed', file=sys.stderr); sys.exit(2 if number else 76)") == 2
    assert starts(0) == 1
    chief, other = capfd.readouterr().err.splitlines()
    assert chief == "error: seed" and other.startswith("worker 1 (127.0.0.1:") and other.endswith("): error: seed")


def test_one_that_does_not_end_is_lost(started, monkeypatch, capfd):
    monkeypatch.setattr(local_workers, "END_SECONDS", 0.1)
    assert started("if number and not times: time.sleep(600)\nsys.exit(0 if times else 75)") == 75
    assert started("if number and times < 2: time.sleep(600)\nsys.exit(0 if times > 1 else 2)") == 2
    assert started("if number: time.sleep(600)") == 0  # the chief is done


def test_the_one_that_was_killed_is_named_and_not_those_that_wait_for_it(started, monkeypatch, capfd):
    monkeypatch.setattr(local_workers, "END_SECONDS", 0.1)
    program = "if times: sys.exit()\nif number: os.kill(os.getpid(), 9)\ntime.sleep(600)"
    assert started(program) == 0
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("warning: worker 1 (") and "was ended by SIGKILL; starting all again" in line


def test_a_signal_while_they_are_started_reaches_those_that_come_later(started, monkeypatch):
    begun = local_workers._starting

    def interrupted(*given):
        for i, each in enumerate(begun(*given)):
            yield each
            if not i:
                while not Path("ready").exists():
                    time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(local_workers, "_starting", interrupted)
    assert started("pathlib.Path('ready').touch(); time.sleep(600)") == 128 + signal.SIGTERM
    assert starts(0) == 1


def test_signals_go_to_all_and_what_they_end_is_not_started_again(started, capfd):
    program = """
if number:
    while not pathlib.Path("ready").exists(): time.sleep(0.01)
    os.kill(os.getppid(), signal.SIGTERM)
else:
    def stop(*_): print("stopped", flush=True); os._exit(143)
    signal.signal(signal.SIGTERM, stop)
    pathlib.Path("ready").touch()
time.sleep(600)
"""
    assert started(program) == 143
    assert starts(0) == starts(1) == 1 and capfd.readouterr().out == "stopped\n"
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_worker_starts_no_workers(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker"}}))
    with pytest.raises(UserError, match="this is one of several already"):
        local_workers.run(2, 0, [])
