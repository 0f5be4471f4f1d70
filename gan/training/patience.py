"""Patience with a storage that refuses a write: the training pauses and tries again, for a time."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gan.errors import StorageError
from gan.runs.lock import LOCK, words_of
from gan.silence import no_native_words
from gan.storage.refusals import storage_errors
from gan.training.progress import duration

RETRY_SECONDS = 5
WARN_SECONDS = 60.0
T = TypeVar("T")
Pause = Callable[[], contextlib.AbstractContextManager]


class Patience:
    """`patience(write)` calls `write`, which may be repeated, until the storage takes it; returns what it returns.

    It raises the last `StorageError` once it has tried for so many minutes, and at once from then on. Once `stop` is
    true it waits for nothing: it tries one time more. `tell` has a line for the person when the pause begins, in every
    minute of it and when it ends; meanwhile the context that `pause` makes is entered. Nothing is written where the
    run's folder is gone or another trainer has it: no other run shall begin in its place.
    """

    def __init__(
        self,
        folder: Path,
        minutes: float,
        stop: object,
        tell: Callable[[str], None],
        pause: Pause = contextlib.nullcontext,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._folder, self._seconds, self._stop, self._tell = folder, 60 * minutes, stop, tell
        self._pause, self._clock, self._sleep = pause, clock, sleep
        self._is_over = not minutes

    def __call__(self, write: Callable[[], T]) -> T:
        try:
            return self._tried(write)
        except StorageError as error:
            if self._is_over or self._stop:
                raise
            with self._pause():
                return self._repeated(write, error)

    def _repeated(self, write: Callable[[], T], error: StorageError) -> T:
        """What `write` returns when it is done at last; `error` is what it raised at first."""
        begun, warned = self._clock(), -WARN_SECONDS
        while (waited := self._clock() - begun) < self._seconds:
            if waited - warned >= WARN_SECONDS:
                warned = waited
                self._tell(f"warning: {_without_remedy(error)}; training pauses and goes on when this works again")
            self._wait()
            try:
                with no_native_words():
                    done = self._tried(write)
            except StorageError as again:
                error = again
                if self._stop:
                    raise
                continue
            self._tell(f"the storage works again, after {duration(self._clock() - begun)}: going on")
            return done
        self._is_over = True
        raise StorageError(f"{error} (tried for {self._seconds / 60:g} minutes)") from error

    def _tried(self, write: Callable[[], T]) -> T:
        check_folder(self._folder)
        return write()

    def _wait(self) -> None:
        """Some seconds, or until a stop was asked for."""
        for _ in range(RETRY_SECONDS):
            if self._stop:
                return
            self._sleep(1.0)


def check_folder(folder: Path) -> None:
    """Raises `StorageError` if the folder of a run that this process trains is not there, or another's by now."""
    with storage_errors(folder):
        try:
            os.stat(folder)
        except FileNotFoundError:
            raise StorageError(f"{folder} is not there any more; put it back in its place and start again") from None
        try:
            holder = (folder / LOCK).read_text(errors="replace").strip()
        except FileNotFoundError:
            return
    if holder and holder != words_of(os.getpid()):
        raise StorageError(f"{folder} is held by another trainer by now, {holder}; use another --workdir")


def _without_remedy(error: StorageError) -> str:
    """What is wrong; the remedy is for a run that has ended."""
    text = str(error)
    return text.rpartition("; ")[0] or text
