"""Training commands as real processes on tiny networks and data, and what they leave in a run's folder."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = 96
TINY = (
    "--preset=article_corrected",
    "--batch_size=8",
    "--g_width=8",
    "--d_width=4",
    "--latent_size=8",
    "--precision=float32",
    "--convolution=direct",
    "--sample_rows=2",
    "--sample_columns=3",
)


class Start:
    """One start of the command: a process, and what it has written so far."""

    def __init__(self, server: "Server", pid: int, stdout: Path, stderr: Path):
        self.pid, self._server, self._stdout, self._stderr = pid, server, stdout, stderr
        self.code: int | None = None

    @property
    def out(self) -> str:
        return self._stdout.read_text()

    @property
    def err(self) -> str:
        return self._stderr.read_text()

    @property
    def errors(self) -> list[str]:
        """The lines by which the command failed."""
        return [line for line in self.err.splitlines() if line.startswith("error:")]

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("warning:")]

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The exit code; minus the signal's number if one ended the process."""
        if self.code is None:
            self.code = self._server.ask({"wait": self.pid})
        return self.code

    def is_running(self) -> bool:
        status = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return self.code is None and status[0] != "Z"

    def until(self, text: str) -> None:
        """Waits until standard error has `text` in it; fails if the process ends before."""
        while text not in self.err:
            if not self.is_running():
                pytest.fail(f"ended with {self.wait()} before {text!r}:\n{self.out}\n{self.err}")
            time.sleep(0.005)


class Server:
    """The process that forks the commands; see command_server.py."""

    def __init__(self, folder: Path):
        self._folder, self._count = folder, 0
        path = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", "XDG_CACHE_HOME": str(folder / "cache")}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("command_server.py"))],
            env={**os.environ, **path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, request: dict) -> int:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, *arguments: str, largest_file: int = 0, attributes: dict | None = None, **environment) -> Start:
        self._count += 1
        stdout, stderr = (self._folder / f"{self._count}.{name}" for name in ("out", "err"))
        stdout.touch()
        stderr.touch()
        request = {"arguments": arguments, "stdout": str(stdout), "stderr": str(stderr), "folder": str(self._folder)}
        request |= {"largest_file": largest_file, "attributes": attributes or {}, "environment": environment}
        return Start(self, self.ask(request), stdout, stderr)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("commands"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> Path:
    """A data set of 96 grey images of 28x28, squares of three sizes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (EXAMPLES, 28, 28), np.uint8)
    for i, image in enumerate(images):
        image[5 : 12 + 4 * (i % 3), 5 : 12 + 4 * (i % 3)] += 180
    path = tmp_path_factory.mktemp("data") / "squares.npz"
    np.savez(path, images=images, labels=np.arange(EXAMPLES) % 3)
    return path


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
