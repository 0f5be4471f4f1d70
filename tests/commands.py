"""Commands as real processes, started by one that has imported TensorFlow for all of them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


class Start:
    """One start of the command: a process, and what it has written so far."""

    def __init__(self, server: "Server", pid: int, stdout: Path, stderr: Path, released: Path):
        self.pid, self._server, self._stdout, self._stderr, self._released = pid, server, stdout, stderr, released
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

    def kill(self, pid: int) -> None:
        """Kills a process of this start, itself or one that it has started; one that has ended meanwhile is none."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def release(self) -> None:
        """Lets a training that is held go on."""
        self._released.touch()

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
            if not self.is_running() and text not in self.err:  # which it may have written last
                pytest.fail(f"ended with {self.wait()} before {text!r}:\n{self.out}\n{self.err}")
            time.sleep(0.005)


class Server:
    """The process that forks the commands; see command_server.py. What they write goes to files in `folder`."""

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

    def start(
        self,
        *arguments: str,
        command: str = "train",
        largest_file: int = 0,
        attributes: dict | None = None,
        before: dict | None = None,
        folder: Path | None = None,
        hold: int = 0,
        deaf: bool = False,
        **environment,
    ) -> Start:
        """Starts a command in `folder` and returns at once; `attributes` are those of modules it shall find changed,
        `before` are functions by their full names, which it calls with their arguments first.

        A training is held after the step `hold`, if it is not 0, until it gets a signal or `release()` is called; if it
        is `deaf` signals do not free it, like one in a step that lasts for ever.
        """
        self._count += 1
        stdout, stderr, released = (self._folder / f"{self._count}.{name}" for name in ("out", "err", "released"))
        stdout.touch()
        stderr.touch()
        request = {
            "command": command,
            "arguments": arguments,
            "stdout": str(stdout),
            "stderr": str(stderr),
            "folder": str(folder or self._folder),
            "hold": hold,
            "deaf": deaf,
            "released": str(released),
        }
        request |= {"largest_file": largest_file, "attributes": attributes or {}, "before": before or {}}
        request |= {"environment": environment}
        return Start(self, self.ask(request), stdout, stderr, released)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
