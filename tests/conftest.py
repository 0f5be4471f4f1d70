"""What all tests share: a quiet TensorFlow on the CPU, and commands run as real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gan.machine.startup import ENVIRONMENT
from tests import browser
from tests.commands import Server

ROOT = Path(__file__).parents[1]

# Before any test module imports TensorFlow. The tests state float tolerances of the CPU; CUDA_VISIBLE_DEVICES=0
# tries them on a GPU.
for _name, _value in {**ENVIRONMENT, "CUDA_VISIBLE_DEVICES": "-1", "MPLBACKEND": "Agg"}.items():
    os.environ.setdefault(_name, _value)

# A shell that starts the tests in the background has them ignore what commands under test are to be sent.
for _number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture
def run_command(tmp_path) -> Callable[..., subprocess.CompletedProcess]:
    """A function that runs `python -m gan.cli.NAME FLAG ...` in a folder of its own, from this repository.

    Keyword arguments go to `subprocess.run`; `env` is added to the environment of the tests.
    """

    def run(name: str, *arguments: str, env: dict[str, str] | None = None, **options) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", **(env or {})}
        options = {"cwd": tmp_path, "timeout": 300, "capture_output": True, "text": True, **options}
        return subprocess.run([sys.executable, "-m", f"gan.cli.{name}", *arguments], env=environment, **options)

    return run


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("commands"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    with browser.started() as running:
        yield running


@pytest.fixture
def browser_page(chromium) -> Iterator[browser.Watched]:
    """A page of a real browser; afterwards the test fails on what the page complained of, unless it cleared it."""
    with browser.watched(chromium) as page:
        yield page
        faults = list(page.faults)
    assert faults == []
