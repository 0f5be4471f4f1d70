import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from gan.errors import Preempted
from gan.machine import signals
from gan.machine.signals import StopRequest

# Like a call into TensorFlow, the key derivation lasts for minutes and lets other threads run, but no Python handlers.
SCRIPT = """
import hashlib, sys
from gan.machine.signals import StopRequest
with StopRequest(lambda line: print(line, flush=True)) as stop:
    print("ready", bool(stop), "tensorflow" in sys.modules, flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_and_leaving_gives_the_old_handlers_back(number):
    before, told, lines = handlers(), threading.Event(), []
    with StopRequest(lambda line: (lines.append(line), told.set())) as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert told.wait(60)
        assert stop
    assert stop
    assert len(lines) == 1
    assert "second signal" in lines[0]
    assert handlers() == before


def test_without_a_signal_nothing_is_asked_and_no_thread_stays():
    threads = threading.active_count()
    for _ in range(3):
        with StopRequest() as stop:
            assert threading.active_count() == threads + 1
        assert not stop
    assert threading.active_count() == threads


@pytest.mark.parametrize(("first", "second"), [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)])
def test_the_second_signal_ends_the_process_in_the_middle_of_a_long_call(first, second):
    command = [sys.executable, "-c", SCRIPT]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready False False\n"
            process.send_signal(first)
            assert "second signal" in process.stdout.readline()
            process.send_signal(second)
            assert process.stdout.read() == ""
            assert process.wait(60) == Preempted.exit_code == 143
        finally:
            process.kill()


def test_in_another_thread_there_are_no_signals_and_nothing_breaks():
    found = []

    def run():
        with StopRequest() as stop:
            found.append(bool(stop))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [False]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2, signal.SIGXCPU])
def test_other_signals_ask_as_well_and_are_passed_over_where_they_were_ignored(number):
    told = threading.Event()
    with StopRequest(lambda line: told.set()) as stop:
        os.kill(os.getpid(), number)
        assert told.wait(60) and stop
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), number)
            assert signal.getsignal(number) == signal.SIG_IGN
        assert not stop
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_a_script_began_in_the_background_is_stopped_all_the_same(number):
    told, before = threading.Event(), signal.signal(number, signal.SIG_IGN)
    try:
        with StopRequest(lambda line: told.set()) as stop:
            os.kill(os.getpid(), number)
            assert told.wait(60) and stop
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_a_request_that_comes_twice_at_once_is_one(monkeypatch):
    """As `timeout` sends it: to the process, then to its group."""
    told, ended = threading.Event(), []
    monkeypatch.setattr(StopRequest, "_end", lambda request: ended.append(True))
    with StopRequest(lambda line: told.set()) as stop:
        os.write(stop._writer, bytes([signal.SIGTERM] * 2))  # two kills could be far apart on a busy machine
        assert told.wait(60) and stop and not ended
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended == [True]


def test_a_signal_asks_to_save_once():
    with StopRequest() as stop:
        assert not stop.takes_save()
        os.kill(os.getpid(), signal.SIGUSR1)
        while not stop.takes_save():
            pass
        assert not stop.takes_save() and not stop
        for _ in range(3):  # of the processor's time, each second: never an order
            os.kill(os.getpid(), signal.SIGXCPU)


def test_a_forked_process_leaves_signals_to_its_parent():
    with StopRequest() as stop:
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGHUP)
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert not stop


def test_a_command_is_ended_by_an_exception_once():
    numbers = (*signals.ENDING, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        signals.raise_when_ended()
        os.kill(os.getpid(), signal.SIGUSR1)
        with pytest.raises(signals.Ended) as caught:
            os.kill(os.getpid(), signal.SIGHUP)
        assert caught.value.number == signal.SIGHUP
        assert {signal.getsignal(number) for number in signals.ENDING} == {signal.SIG_DFL}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_after_a_notice_is_the_first_one():
    code = """
        import os, signal, sys, threading
        from gan.machine.signals import StopRequest
        told = threading.Semaphore(0)
        with StopRequest(lambda line: told.release()) as stop:
            stop.ask("the machine goes away")
            told.acquire()
            os.kill(os.getpid(), signal.SIGTERM)
            told.acquire()  # of the first signal: it ended nothing
            assert stop and stop.reason == "a notice (the machine goes away)"
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(60)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert done.returncode == 143, done.stderr
