"""A training that was asked for ends with whoever asked, at whatever moment that one goes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gan import config as configs
from gan.bench import asker, trainings, trial
from gan.bench.lines import Line
from gan.bench.trial import Trial
from gan.cli import bench, command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def killed(monkeypatch):
    """The signals that were sent, and to whom."""
    found = []
    monkeypatch.setattr(os, "kill", lambda *sent: found.append(sent))
    return found


def test_it_asks_to_stop_when_the_asker_is_the_parent_no_more(monkeypatch, killed):
    parents = [7, 7, 1]
    monkeypatch.setattr(os, "getppid", lambda: parents.pop(0))
    waited = []
    asker.watch(7, lambda seconds: waited.append(list(killed)))
    assert waited == [[], []] and killed == [(os.getpid(), signal.SIGTERM)]


def test_an_asker_that_was_gone_at_the_first_look_counts(killed):
    """Its training has another parent from its first moment on."""
    asker.watch(os.getppid() + 1, lambda seconds: pytest.fail("it waits"))
    assert killed == [(os.getpid(), signal.SIGTERM)]


@pytest.mark.parametrize("number", [None, ""])
def test_a_training_that_a_person_starts_has_no_asker(monkeypatch, killed, number):
    monkeypatch.delenv(asker.VARIABLE, raising=False)
    if number is not None:
        monkeypatch.setenv(asker.VARIABLE, number)
    monkeypatch.setattr(asker, "watch", lambda number: killed.append(number))
    asker.end_with_it()
    assert killed == []


def test_a_trial_is_told_who_asks(monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(trainings, "started", lambda line, log, env, **options: told.append(env[asker.VARIABLE]))
    line = Line("recall", 0.5)
    trial.started(Trial(trial.config_of(configs.make("modern"), line, 0, 96, 100), tmp_path), line, 60.0)
    assert told == [str(os.getpid())]


def test_the_command_looks_before_it_imports_tensorflow(monkeypatch):
    """The import alone may take longer than the asker lives."""
    order = []
    monkeypatch.setattr(asker, "end_with_it", lambda: order.append("looks"))
    monkeypatch.setattr(bench.startup, "import_tensorflow", lambda: order.append("imports"))
    from gan.jobs import trial as job

    monkeypatch.setattr(job, "run", lambda request: order.append("trains"))
    bench._train(object())
    assert order == ["looks", "imports", "trains"]


def test_a_process_whose_asker_dies_while_it_starts_ends():
    """By the command's own handlers of signals: with the code of SIGTERM, whatever it is waiting for."""
    child = (
        "import sys, time\n"
        "from gan.bench import asker\n"
        "from gan.cli import command\n"
        "asker._LOOK_SECONDS = 0.01\n"
        "def main(): asker.end_with_it(); print('up', flush=True); time.sleep(600)\n"
        "code = command.run(main, ['x'])\n"
        "print(code, flush=True)\n"
    )
    parent = (
        "import os, subprocess, sys\n"
        "from gan.bench import asker\n"
        "subprocess.Popen([sys.executable, '-c', sys.argv[1]], env={**os.environ, **asker.named()})\n"
        "sys.stdin.read()\n"
    )
    line = [sys.executable, "-c", parent, child]
    with subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "up\n"
        process.kill()
        assert json.loads(process.stdout.read()) == command.BY_SIGNAL + signal.SIGTERM
