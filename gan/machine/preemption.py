"""Notices of preemption: a file that appears, or a command that succeeds, shortly before a machine is taken away."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 1.0  # between two looks at the file
COMMAND_SECONDS = 5.0  # between the end of the command and its next run
LIMIT_SECONDS = 10.0  # for the command
_POLL_SECONDS = 0.05
_CANNOT_RUN = (126, 127)  # exit codes of a shell


class Notices:
    """Within the context, calls `ask` with the reason once `path` exists or the shell command `command` succeeds.

    A thread looks, so that neither a slow command nor a disk that does not answer holds the training up; either of the
    two may be empty. `tell` has a line, once, for a command that cannot be run or does not end in time: that is no
    notice.
    """

    def __init__(self, path: str, command: str, ask: Callable[[str], None], tell: Callable[[str], None]):
        self._path, self._command, self._ask, self._tell = path, command, ask, tell
        self._ended, self._told = threading.Event(), False
        self._thread = threading.Thread(target=self._look, name="gan-preemption", daemon=True)

    def __enter__(self) -> "Notices":
        if self._path or self._command:
            self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(LOOK_SECONDS)  # longer only where a disk does not answer

    def _look(self) -> None:
        """The thread: until there is a notice, or the end of the context."""
        run_at = time.monotonic()
        while True:
            if self._path and os.path.lexists(self._path):
                return self._ask(f"{self._path} exists")
            if self._command and time.monotonic() >= run_at:
                if self._succeeds():
                    return self._ask(f"{self._command!r} succeeded")
                run_at = time.monotonic() + COMMAND_SECONDS
            if self._ended.wait(LOOK_SECONDS):
                return None

    def _succeeds(self) -> bool:
        """Whether the command ends with exit code 0 within its limit; the end of the context ends it."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        try:  # in a session of its own: it is no business of what signals the training, and ends with all it started
            process = subprocess.Popen(["/bin/sh", "-c", self._command], start_new_session=True, **streams)
        except OSError as error:
            self._warn(f"cannot be run ({error.strerror})")
            return False
        deadline = time.monotonic() + LIMIT_SECONDS
        while process.poll() is None:
            is_late = time.monotonic() > deadline
            if self._ended.wait(_POLL_SECONDS) or is_late:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if is_late:
                    self._warn(f"was ended after {LIMIT_SECONDS:g} seconds: that is no notice")
                return False
        if process.returncode in _CANNOT_RUN:
            self._warn(f"cannot be run by the shell (exit code {process.returncode}): that is no notice")
        return process.returncode == 0

    def _warn(self, what: str) -> None:
        if not self._told:
            self._told = True
            self._tell(f"warning: --preempted_when_succeeds={self._command!r} {what}")
