"""How long a chunk of steps is, and a clock that can be stopped."""

import contextlib
import time
from collections.abc import Callable, Iterator

CHUNK_SECONDS = 1.0  # bounds how late a signal is noticed
LONGEST_CHUNK = 1 << 14  # steps: a second of the fastest device
CHUNK_BYTES = 1 << 28  # of images that are in memory at once


def longest_chunk(before: int, step_seconds: float, most: int) -> int:
    """The most steps that the next chunk may have: as many as take about a second, and at `most` as many as it takes.

    It is at most double what it was `before`: in a chunk just run, a step took `step_seconds`, but the first ones tell
    little.
    """
    return max(1, min(2 * before, int(CHUNK_SECONDS / step_seconds), most))


class Stopwatch:
    """The seconds since it was made or its last lap ended, without those in which it stood still."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._begin = clock()
        self._stands = False

    @property
    def seconds(self) -> float:
        """What it shows."""
        return self._clock() - self._begin

    def lap(self) -> float:
        """Ends a lap: returns its seconds and begins the next one at 0."""
        now = self._clock()
        seconds, self._begin = now - self._begin, now
        return seconds

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """It stands still within the context; within another one nothing changes."""
        if self._stands:
            yield
            return
        begin, self._stands = self._clock(), True
        try:
            yield
        finally:
            self._begin, self._stands = self._begin + self._clock() - begin, False
