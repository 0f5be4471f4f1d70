"""Notices of preemption, by a file and by a command, with the time between looks made short."""

import os
import threading
import time

import pytest

from gan.machine import preemption
from gan.machine.preemption import Notices
from gan.machine.signals import StopRequest


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name in ("LOOK_SECONDS", "COMMAND_SECONDS"):
        monkeypatch.setattr(preemption, name, 0.01)


class Asked:
    """What is asked and told, and a moment to wait for."""

    def __init__(self):
        self.why, self.said, self.heard = [], [], threading.Event()

    def ask(self, why):
        self.why.append(why)
        self.heard.set()

    def tell(self, line):
        self.said.append(line)
        self.heard.set()


def until(condition):
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came")


def test_a_file_that_appears_is_a_notice_once(tmp_path):
    asked, path = Asked(), tmp_path / "notice"
    with Notices(str(path), "", asked.ask, asked.tell) as notices:
        assert not asked.heard.wait(0.1)
        path.touch()
        assert asked.heard.wait(60)
        until(lambda: not notices._thread.is_alive())
    assert asked.why == [f"{path} exists"] and asked.said == []


def test_a_command_that_succeeds_is_a_notice_and_runs_until_it_does(tmp_path):
    asked, runs = Asked(), tmp_path / "runs"
    with Notices("", f"echo >> {runs}; test $(wc -l < {runs}) = 3", asked.ask, asked.tell):
        assert asked.heard.wait(60)
    assert asked.why == [f"'echo >> {runs}; test $(wc -l < {runs}) = 3' succeeded"] and asked.said == []
    assert len(runs.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("command", "line"), [("no-such-command-here", "cannot be run by the shell (exit code 127)"), ("false", "")]
)
def test_a_command_that_fails_is_none_and_one_that_cannot_run_is_told_of_once(tmp_path, command, line):
    asked, runs = Asked(), tmp_path / "runs"
    command = f"echo >> {runs}; {command}"
    with Notices("", command, asked.ask, asked.tell):
        until(lambda: runs.exists() and len(runs.read_text().splitlines()) > 3)
    assert asked.why == []
    assert asked.said == ([f"warning: --preempted_when_succeeds={command!r} {line}: that is no notice"] if line else [])


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]  # noqa: SIM115


@pytest.mark.parametrize("limit", [0.1, 1000.0], ids=["its limit", "the end of the context"])
def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(preemption, "LIMIT_SECONDS", limit)
    asked, pids = Asked(), tmp_path / "pids"
    command = f"sleep 600 & echo $! >> {pids}; wait"
    with Notices("", command, asked.ask, asked.tell) as notices:
        until(lambda: pids.exists() and pids.read_text().endswith("\n"))
        if limit < 1:
            assert asked.heard.wait(60)
    until(lambda: not notices._thread.is_alive())
    for pid in pids.read_text().split():
        until(lambda pid=int(pid): not running(pid))
    late = f"warning: --preempted_when_succeeds={command!r} was ended after 0.1 seconds: that is no notice"
    assert asked.why == [] and asked.said == ([late] if limit < 1 else [])


def test_nothing_to_look_at_starts_no_thread():
    before = threading.active_count()
    with Notices("", "", print, print):
        assert threading.active_count() == before


def test_a_notice_asks_for_a_stop_and_says_why():
    said, told = [], threading.Event()
    stop = StopRequest(lambda line: (said.append(line), told.set()))
    stop.ask("/x exists")
    stop.ask("'true' succeeded")
    assert stop and told.wait(60)
    assert stop.reason == "a notice (/x exists)"
    assert said == ["/x exists: stopping after the steps under way, then saving"]
