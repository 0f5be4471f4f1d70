"""Rivals: the same training step in other frameworks, each in a process that waits while others are measured.

Their programs and their side of the talk are in `gan.bench.programs`; `gan.bench.twins` says which computes what.
"""

import contextlib
import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from gan.bench import trainings
from gan.bench.trainings import ROOT
from gan.errors import UserError

_START_SECONDS = 600.0  # at least: on a busy machine a framework takes minutes to import


class Rival:
    """The process of one rival, as a context manager that ends it. Raises `UserError` if it cannot be had."""

    def __init__(self, name: str, line: Sequence[str], limit_seconds: float):
        """`line` starts a program that talks as `programs.serving` does; a window longer than the limit ends it.

        So does a start that is longer, and than some minutes.
        """
        self.name = name
        self.facts: dict[str, Any] = {}
        self.peak_bytes = 0
        self._limit_seconds = limit_seconds
        self._unread = b""
        self._gave_up = False
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - held as long as the process
        environment = trainings.environment() | {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}  # shared with this process
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._complaints}
        try:
            self._process = subprocess.Popen(line, env=environment, cwd=ROOT, bufsize=0, **pipes)
        except OSError as error:
            raise UserError(f"--against={name}: {line[0]} cannot be started: {error.strerror}") from None

    def __enter__(self) -> "Rival":
        limit = max(_START_SECONDS, self._limit_seconds)
        kind, rest = self._answer(limit) or ("error", f"it did not start within {limit:g} s; is the machine too busy?")
        if kind != "ready":
            self.close()
            raise UserError(f"--against={self.name}: {rest}")
        self.facts = json.loads(rest)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def run(self, steps: int, what: str = "") -> float | None:
        """Seconds a step over so many steps; None, from now on, if they take longer than the limit.

        `what` is for a program that has to be told of what. Raises `UserError` if the process ends by itself.
        """
        if self._gave_up:
            return None
        with contextlib.suppress(BrokenPipeError):  # it has ended: there will be no answer
            self._process.stdin.write(f"run {steps} {what}".rstrip().encode() + b"\n")
        answer = self._answer(self._limit_seconds)
        if answer is None:
            self._gave_up = True
            self.close()
            return None
        kind, rest = answer
        if kind != "seconds":
            raise UserError(f"--against={self.name}: {rest}")
        seconds, self.peak_bytes = float(rest.split()[0]), int(rest.split()[1])
        return seconds / steps

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._complaints.close()

    def _answer(self, limit_seconds: float) -> tuple[str, str] | None:
        """The first word of the next line and the rest of it; None if none comes in time."""
        deadline = time.monotonic() + limit_seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                remaining = None if limit_seconds == float("inf") else max(0.0, deadline - time.monotonic())
                if not selector.select(remaining):
                    return None
                more = os.read(self._process.stdout.fileno(), 1 << 16)
                if not more:
                    return "error", self._last_words()
                self._unread += more
        answer, _, self._unread = self._unread.partition(b"\n")
        kind, _, rest = answer.decode(errors="replace").partition(" ")
        return kind, rest

    def _last_words(self) -> str:
        """Why the process ended, as far as it said so."""
        self._complaints.seek(0)
        lines = [line for line in self._complaints.read().decode(errors="replace").splitlines() if line.strip()]
        return f"the rival ended with code {self._process.wait()}: {lines[-1].strip() if lines else 'no message'}"
