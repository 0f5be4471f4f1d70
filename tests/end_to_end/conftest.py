"""Training commands as real processes on tiny networks and data, and what they leave in a run's folder."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import Start
from tests.tiny import TINY, write_squares


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> Path:
    """A data set of 96 grey images of 28x28, squares of three sizes."""
    return write_squares(tmp_path_factory.mktemp("data") / "squares.npz")


@pytest.fixture(scope="session")
def start(server, archive) -> Callable[..., Start]:
    """`start(workdir, flag, ...)` begins or continues a tiny run and returns at once."""

    def begin(workdir: Path, *flags: str, **options) -> Start:
        return server.start(*TINY, f"--dataset=npz:{archive}", f"--workdir={workdir}", *flags, **options)

    return begin


@pytest.fixture(scope="session")
def finish(start) -> Callable[..., Start]:
    """Like `start`, but waits for the end and expects the exit code `code`."""

    def run(workdir: Path, *flags: str, code: int = 0, **options) -> Start:
        begun = start(workdir, *flags, **options)
        assert begun.wait() == code, f"{begun.out}\n{begun.err}"
        assert "Traceback" not in begun.err
        return begun

    return run


@pytest.fixture(scope="session")
def command_line(server, archive) -> Callable[..., list[str]]:
    """The arguments that `start` gives to the command."""
    return lambda workdir, *flags: [*TINY, f"--dataset=npz:{archive}", f"--workdir={workdir}", *flags]


@pytest.fixture(scope="session")
def content() -> Callable[[Path], dict[str, str]]:
    """The sha256 of every file of a folder but the lock, by its path in it."""

    def hashes(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return hashes
