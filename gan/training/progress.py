"""How far a run is: one live line on a terminal, a plain line for each report elsewhere.

tqdm could draw the live line, some 25 lines of these, but neither the plain ones nor the numbers in both: its estimate
of the time left, as smoothed by default, swings between 0.7 and 1.7 times the true one where five seconds of saving
follow every ten of steps. It also cuts the line within a word, and raises where a terminal has gone away.
"""

import math
import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TextIO

from gan.text import printable

PATIENCE_MILLISECONDS = 2000
RATE_WINDOW_SECONDS = 60.0
REDRAW_SECONDS = 0.1
CLEAR = "\r\x1b[K"
SEPARATOR = "  "


def duration(seconds: float) -> str:
    """A time span as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def number(value: float) -> str:
    """A loss in a width that hardly changes: four decimals, or an exponent from 1000 on."""
    return f"{value:.4f}" if abs(value) < 1000 or not math.isfinite(value) else f"{value:.3e}"


def rate(value: float) -> str:
    """Images a second: one decimal below 100."""
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def fields(
    step: int,
    total_steps: int | None,
    steps_per_epoch: float,
    seconds_left: float | None,
    values: Mapping[str, float],
) -> list[str]:
    """The parts of the line, the most important first; what is not known is left out, an unknown ETA is shown so."""
    done = f"{step}/{total_steps}" if total_steps else f"{step}"
    epochs = f"/{total_steps / steps_per_epoch:.2f}" if total_steps else ""
    parts = [f"step {done}", f"epoch {step / steps_per_epoch:.2f}{epochs}"]
    if "images_per_second" in values:
        parts.append(f"{rate(values['images_per_second'])} images/s")
    parts.append(f"ETA {'-:--:--' if seconds_left is None else duration(seconds_left)}")
    parts += [f"{name} {number(values[name])}" for name in ("d_loss", "g_loss") if name in values]
    return parts


def fitted(parts: list[str], width: int) -> str:
    """As many of `parts`, from the first on, as fit into `width` columns; the first is cut if it must be."""
    line = parts[0]
    for part in parts[1:]:
        if len(line) + len(SEPARATOR) + len(part) > width:
            break
        line += SEPARATOR + part
    return line[:width]


class Progress:
    """Reports a run on `stream` (standard error unless given).

    `total_steps` is None or 0 where only the clock ends the run; `seconds` is the wall-clock limit of this start, if
    it has one. The ETA follows the rate of the last minute, with all that was done in it (saving, drawing), and is
    shown from the second report on. `live` tells whether there is a live line on a terminal. A stream that breaks (a
    closed terminal) silences the reports, one that nobody reads loses some: neither holds up the training.
    """

    def __init__(
        self,
        *,
        total_steps: int | None,
        steps_per_epoch: float,
        seconds: float | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._total_steps = total_steps or None
        self._steps_per_epoch = steps_per_epoch
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._deadline = clock() + seconds if seconds else None
        self.live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._marks: deque[tuple[float, int]] = deque()  # (time, step) of the last minute
        self._values: Mapping[str, float] = {}
        self._parts: list[str] = []  # of the line
        self._drawn_at = -math.inf
        self._read = True  # as far as is known somebody reads the stream

    def update(self, step: int, values: Mapping[str, float]) -> None:
        """Reports `step` and the news that `values` has: its `images_per_second`, `d_loss` and `g_loss`."""
        self._values = values
        self._move(step)
        if self.live:
            self._draw_in_time()
        else:
            self._write(SEPARATOR.join(self._parts) + "\n")

    def advance(self, step: int) -> None:
        """Moves a live line on to `step`, as often as it comes; plain lines are for news alone."""
        if self.live:
            self._move(step)
            self._draw_in_time()

    def note(self, text: str) -> None:
        """Prints `text` on a line of its own; a live line continues below it."""
        line = printable(text)
        self._write(f"{CLEAR}{line}\n{self._live_line()}" if self.live else f"{line}\n")

    def close(self) -> None:
        """Leaves the last report of a live line standing."""
        if self.live and self._parts:
            self._write(f"{self._live_line()}\n")
            self._parts = []

    def _move(self, step: int) -> None:
        now = self._clock()
        if self._marks and step < self._marks[-1][1]:  # the run has gone back
            self._marks.clear()
        self._marks.append((now, step))
        while len(self._marks) > 2 and now - self._marks[1][0] >= RATE_WINDOW_SECONDS:
            self._marks.popleft()
        left = self._seconds_left(now)
        self._parts = fields(step, self._total_steps, self._steps_per_epoch, left, self._values)

    def _seconds_left(self, now: float) -> float | None:
        """Until the last step at the recent rate, or until the time is up, whichever comes first; None: unknown."""
        left = [] if self._deadline is None else [max(self._deadline - now, 0.0)]
        if self._total_steps:
            (first_time, first_step), (last_time, last_step) = self._marks[0], self._marks[-1]
            steps_left = max(self._total_steps - last_step, 0)
            if steps_left and last_step == first_step:
                return None
            left.append(steps_left * (last_time - first_time) / max(last_step - first_step, 1))
        return min(left, default=None)

    def _draw_in_time(self) -> None:
        """Draws the live line, unless it was drawn just before: a terminal must not slow the training down."""
        if self._clock() - self._drawn_at >= REDRAW_SECONDS:
            self._drawn_at = self._clock()
            self._write(self._live_line())

    def _live_line(self) -> str:
        """What rewrites the live line in place; nothing before the first report."""
        return CLEAR + fitted(self._parts, self._width() - 1) if self._parts else ""

    def _width(self) -> int:
        """Columns of the terminal now: it may have been resized."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _write(self, text: str) -> None:
        if not self._takes_more():
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # a closed pipe or file: nobody is watching any more
            self.live = False

    def _takes_more(self) -> bool:
        """Whether the stream can be written to at once; if it was just now it may have a moment.

        A pipe that is full, or a terminal that was halted, would hold the training up until somebody reads on.
        """
        try:
            poll = select.poll()
            poll.register(self._stream.fileno(), select.POLLOUT)
        except (OSError, ValueError):  # no file
            return True
        ready = bool(poll.poll(PATIENCE_MILLISECONDS if self._read else 0))
        self._read = ready
        return ready
