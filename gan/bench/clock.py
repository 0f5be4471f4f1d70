"""The clock of a training that is measured to a quality: what its steps take, and when it is good enough.

It runs while steps are computed and their images are read, and stands still while the run compiles, logs, draws
samples, is evaluated and saved. It goes into each checkpoint: what a run loses when it is killed does not count. What
it shows after each evaluation is kept beside the run, a JSON object a line.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gan.bench.energy import Meter
from gan.bench.quality import Spent
from gan.storage.files import read_bytes, write_atomically
from gan.storage.refusals import storage_errors

FACT = "clock"  # its name among the facts of a checkpoint


class Clock:
    """The watch of a run (`gan.training.watch`) that is evaluated every so many steps."""

    def __init__(
        self,
        path: Path,
        before: Spent,
        every: int,
        is_enough: Callable[[Spent], bool],
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Goes on from what it showed `before`; what is kept in `path` beyond that step is removed.

        `is_enough` is asked after each chunk, when all that follows it is done. Raises `StorageError`.
        """
        self.facts: dict[str, Any] = {}  # what it shows, always the same object: for the facts of checkpoints
        self._path, self._every, self._is_enough, self._now = path, every, is_enough, clock
        self._meter, self._begun = meter or Meter(), clock()
        self._spent, self._wall_before = before, before.wall_seconds
        self._since: tuple[float, float | None] | None = None  # what it began to run at
        self._is_over: bool | None = None  # None: not asked since it stood still
        self._will_compile = True
        self._show()
        rows = [row for row in rows_of(path) if row.step <= before.step]
        self._kept = {row.step for row in rows}
        with storage_errors(path):
            write_atomically(path, b"".join(map(_line, rows)))

    def trained(self, step: int) -> None:
        """It stands still."""
        (begun, before), taken = self._since, self._meter.joules()
        joules = None if None in (self._spent.joules, before, taken) else self._spent.joules + taken - before
        self._spent = self._spent._replace(step=step, seconds=self._spent.seconds + self._now() - begun, joules=joules)
        self._since = self._is_over = None
        self._show()

    def is_enough(self, step: int) -> bool:
        """Whether this step was good enough, or late enough; it runs from here on."""
        if self._is_over is None:
            self._show()
            self._is_over = self._is_enough(self._spent)
            if step and (self._is_over or step % self._every == 0):
                self._keep()
        if self._will_compile:
            self._will_compile = False
        elif self._since is None:
            self._since = self._now(), self._meter.joules()
        return self._is_over

    def _show(self) -> None:
        self._spent = self._spent._replace(wall_seconds=self._wall_before + self._now() - self._begun)
        self.facts.update(self._spent._asdict())

    def _keep(self) -> None:
        """Adds what it shows to the file."""
        if self._spent.step not in self._kept:
            self._kept.add(self._spent.step)
            with storage_errors(self._path), self._path.open("ab") as file:
                file.write(_line(self._spent))


def beginning(facts: Mapping[str, Any], step: int) -> Spent:
    """What the clock of a run showed when its checkpoint of `step` was saved with these facts; nothing without any."""
    kept = facts.get(FACT, {"seconds": 0.0, "joules": 0.0, "wall_seconds": 0.0})
    return Spent(**{**kept, "step": step})


def rows_of(path: Path) -> list[Spent]:
    """What a clock has kept, in order; a line that is being written, or was torn by a kill, is left out."""
    try:
        lines = read_bytes(path).splitlines()
    except FileNotFoundError:
        return []
    rows = []
    for line in lines:
        try:
            rows.append(Spent(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return sorted(rows, key=lambda row: row.step)


def _line(spent: Spent) -> bytes:
    return json.dumps(spent._asdict()).encode() + b"\n"
