"""The training loop: run a chunk of steps, then do what is due; until the end, the clock or a signal."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan.config import Config
from gan.data.batches import Batches
from gan.engine import cadence, checkpoint, pictures, workdir
from gan.engine.distribute import Chunk, Training, read
from gan.engine.progress import Progress
from gan.engine.signals import StopRequest
from gan.engine.summaries import Summaries
from gan.errors import DivergedError, Preempted

_CHUNK_SECONDS = 1.0  # bounds how late a signal is noticed
_LONGEST_CHUNK = 1000


class Run(NamedTuple):
    """What the loop works on; `facts` goes into each checkpoint's manifest."""

    config: Config
    folder: Path
    batches: Batches
    num_examples: int
    training: Training
    chunk: Chunk
    sample: Callable[[Any, int, int], Any]
    facts: dict[str, Any]


def train(run: Run, wall_seconds: float) -> int:
    """Trains from the step that `run.training` is at; returns the last step.

    `wall_seconds` is the time spent on the run before this start. Raises `Preempted` after a signal, `DivergedError`
    when a loss is not finite, `StorageError`; in each case the checkpoints before are as they were.
    """
    loop = _Loop(run, wall_seconds)
    try:
        with StopRequest() as stop:
            return loop.run(stop)
    finally:
        loop.close()


class _Loop:
    """The clocks and open files of a run in progress."""

    def __init__(self, run: Run, wall_seconds: float):
        config = run.config
        self._run_parts = run
        self._config = config
        self._per_step = cadence.images_per_step(config)
        self._total = cadence.total_steps(config, run.num_examples)
        self.step = int(run.training.state.step.numpy())
        self._started = self._logged_at = self._saved_at = time.monotonic()
        self._wall_before = wall_seconds
        self._logged_step = self.step
        self._chunk_limit = 1
        self._values: dict[str, float] = {}
        self._summaries = Summaries(run.folder, self.step)
        self._progress = Progress(
            total_steps=self._total,
            steps_per_epoch=run.num_examples / self._per_step,
            start_step=self.step,
            seconds=60 * config.minutes or None,
        )
        _remove_later_samples(run.folder / workdir.SAMPLES, self.step)

    def run(self, stop: StopRequest) -> int:
        """Chunk after chunk, each followed by what is due; returns the last step."""
        if self.step == 0:
            self._summaries.text(0, "config", _as_markdown(self._config))
            self._sample()
        while not (stop or self._is_finished()):
            self._run_chunk()
            if self._progress.live:
                self._progress.update(self.step, self._values)
            if cadence.is_due(self.step, self._config.log_every_steps):
                self._log()
            if self._sample_is_due():
                self._sample()
            if self._save_is_due():
                self._save()
        self._save()
        if stop:
            raise Preempted(f"stopped by a signal after step {self.step}; saved: start again to continue")
        if not self._sample_path().exists():
            self._sample()
        self._write_gif()
        return self.step

    def close(self) -> None:
        """Ends the live line and closes the log."""
        self._progress.close()
        self._summaries.close()

    def _is_finished(self) -> bool:
        minutes = (time.monotonic() - self._started) / 60
        timed_out = self._config.minutes and minutes >= self._config.minutes
        return bool(timed_out or (self._total and self.step >= self._total))

    def _run_chunk(self) -> None:
        """Runs up to the next step at which something is due, or as many steps as take about a second."""
        config = self._config
        cadences = (config.log_every_steps, config.sample_every_steps, config.save_every_steps)
        limits = (self._total, cadence.epoch_end(self.step, self._per_step, self._run_parts.num_examples))
        count = min(cadence.next_stop(self.step, cadences, limits) - self.step, self._chunk_limit)
        images, labels = self._run_parts.batches.read(self.step, count)
        begin = time.monotonic()
        self._run_parts.chunk(tf.constant(images), tf.constant(labels))
        self.step = int(self._run_parts.training.state.step.numpy())  # waits for the device
        seconds = (time.monotonic() - begin) / count
        self._chunk_limit = max(1, min(2 * self._chunk_limit, int(_CHUNK_SECONDS / seconds), _LONGEST_CHUNK))

    def _log(self) -> None:
        """Writes the means over the steps since the last log, and sets the sums back."""
        training, now = self._run_parts.training, time.monotonic()
        means = self._means()
        images = self.step * self._per_step
        rate = (self.step - self._logged_step) * self._per_step / (now - self._logged_at)
        self._values = {
            "images": images,
            "epoch": images / self._run_parts.num_examples,
            **means,
            "images_per_second": rate,
            "wall_seconds": self._wall_seconds(),
        }
        self._summaries.scalars(self.step, self._values)
        self._check_finite(means)
        for variable in tf.nest.flatten((training.totals, training.count)):
            variable.assign(tf.zeros_like(variable))
        self._logged_at, self._logged_step = now, self.step
        self._progress.update(self.step, self._values)

    def _means(self) -> dict[str, float]:
        """The mean of each metric since the last log."""
        training = self._run_parts.training
        totals, count = read(training.totals), int(training.count.numpy())
        return {name: float(total) / max(count, 1) for name, total in totals.items()}

    def _check_finite(self, means: dict[str, float]) -> None:
        """Raises `DivergedError` naming the first mean that is not a finite number."""
        for name, value in means.items():
            if not math.isfinite(value):
                folder = self._run_parts.folder / workdir.CHECKPOINTS
                saved = checkpoint.steps(folder)
                last = f"the newest checkpoint is step {saved[-1]}" if saved else "there is no checkpoint yet"
                raise DivergedError(
                    f"{name} is {value} by step {self.step}; {last}; continue from it with --override and a smaller "
                    "learning rate"
                )

    def _sample_is_due(self) -> bool:
        ends = cadence.ends_epoch(self.step, self._per_step, self._run_parts.num_examples)
        return ends or cadence.is_due(self.step, self._config.sample_every_steps)

    def _sample_path(self) -> Path:
        return self._run_parts.folder / workdir.SAMPLES / f"grid_{self.step:010d}.png"

    def _sample(self) -> None:
        """Draws the grid from fixed latents, as PNG and into the log."""
        config, run = self._config, self._run_parts
        rows, columns = config.sample_rows, config.sample_columns
        params = read(run.training.state.generator.params)
        images = np.concatenate(list(run.sample(params, config.seed, rows * columns)))
        grid = pictures.grid(images, rows, columns)
        pictures.write_png(self._sample_path(), grid, scale=2)
        self._summaries.image(self.step, "samples", grid)

    def _write_gif(self) -> None:
        """All grids so far as an animation."""
        folder = self._run_parts.folder / workdir.SAMPLES
        pictures.write_gif(folder / "progress.gif", sorted(folder.glob("grid_*.png")))

    def _save_is_due(self) -> bool:
        minutes = (time.monotonic() - self._saved_at) / 60
        by_time = self._config.save_every_minutes and minutes >= self._config.save_every_minutes
        return bool(by_time or cadence.is_due(self.step, self._config.save_every_steps))

    def _save(self) -> None:
        """Makes the log durable, then the checkpoint; a state that is not finite is never saved."""
        run = self._run_parts
        self._check_finite(self._means())
        self._summaries.flush()
        folder = run.folder / workdir.CHECKPOINTS
        facts = run.facts | {"wall_seconds": self._wall_seconds(), "images": self.step * self._per_step}
        checkpoint.save(folder, run.training, self.step, facts)
        checkpoint.prune(folder, self._config.keep_checkpoints)
        self._saved_at = time.monotonic()
        self._progress.note(f"saved step {self.step}")

    def _wall_seconds(self) -> float:
        return self._wall_before + time.monotonic() - self._started


def _remove_later_samples(folder: Path, step: int) -> None:
    """Removes grids that a killed start drew after the step it is continued from."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("grid_*.png"):
        number = path.stem.removeprefix("grid_")
        if number.isdigit() and int(number) > step:
            path.unlink()


def _as_markdown(config: Config) -> str:
    """The config as a table for TensorBoard's text page."""
    rows = [f"| {name} | {value} |" for name, value in vars(config).items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])
