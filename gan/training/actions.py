"""What a run does between its chunks: it logs, draws samples, is evaluated and saved.

The log does not end a chunk: its lines are read at the end of that in which they are due.
"""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from gan.errors import StorageError, UserError
from gan.evaluation import in_training, record
from gan.pictures import raster
from gan.runs import checkpoint, grids
from gan.runs.log import Summaries
from gan.sampling import sampler
from gan.settings import Config
from gan.training import cadence, chunks, divergence, rollbacks
from gan.training.chunks import Line, Ran
from gan.training.pace import Stopwatch
from gan.training.patience import Patience
from gan.training.progress import Progress
from gan.training.replicas import Training
from gan.training.run import Run


class Action(NamedTuple):
    """Something that follows certain steps: `next_due(step)` is the first such step after `step`, `run(step)` does it.

    A chunk ends at the least step at which anything is due, so that nothing is passed over.
    """

    next_due: Callable[[int], float]
    run: Callable[[int], object]

    def is_due(self, step: int) -> bool:
        """Whether it follows step number `step`, from 1 on."""
        return self.next_due(step - 1) == step


class Actions:
    """All that follows the steps of a run, `in_order`, with the open files and the clocks that it takes.

    `wall_seconds` is the time spent on the run before this start; once `stop` is true nothing is measured any more.
    """

    def __init__(self, run: Run, progress: Progress, stop: object = False, wall_seconds: float = 0.0):
        config = run.config
        self._evaluating = Action(partial(cadence.next_multiple, every=config.evaluate_every_steps), self.evaluate)
        self.in_order = (
            Action(lambda step: cadence.next_sample(config, step, run.num_examples), self.sample),
            self._evaluating,
            Action(self._next_save, self.save_once),
        )
        self._run, self._progress, self._stop = run, progress, stop
        self._images_per_step = cadence.images_per_step(config)
        self._wall_before = wall_seconds
        self._since_start, self._since_log, self._since_save = Stopwatch(), Stopwatch(), Stopwatch()
        pause = self._since_log.stopped
        self._patience = Patience(run.folder, config.storage_minutes, stop, progress.note, pause)
        self._open(run.step)

    def _open(self, step: int) -> None:
        """Opens the log at the step that the run is at, and removes whatever it had left beyond."""
        run = self._run
        self._timed_step = step
        self._evaluated_step: int | None = None
        self._saved_step = step if step in checkpoint.steps(run.checkpoints) else None
        grids.remove_later(run.samples, step)
        record.remove_later(run.folder, step)
        self._summaries = Summaries(run.folder, step)  # the last, since it stays open

    def go_back(self, step: int) -> None:
        """Forgets all beyond the step that the run has gone back to, as a start from there would, and notes it."""
        with contextlib.suppress(StorageError):  # what it may lose is removed
            self._summaries.close()
        self._patience(partial(rollbacks.record, self._run))
        self._patience(partial(self._open, step))
        self._since_save.lap()

    def begin(self, step: int) -> None:
        """What comes before the first chunk of this start."""
        if step == 0:
            text = _as_markdown(self._run.config)
            self._patience(partial(self._summaries.text, 0, "config", text))
            self.sample(0)
        elif self._evaluating.is_due(step):
            self.evaluate(step)  # the step was saved without, if a signal came

    def count_speed(self) -> None:
        """Lets images per second count from now on."""
        self._since_log.lap()

    def log(self, ran: Ran, step: int) -> None:
        """Writes the lines that were due up to `step`; their speed is that since lines were last written.

        So they have the time at which they would have been written one by one. Raises `NotFinite` at a fault, once the
        line that it falls into is written.
        """
        by_sums = (divergence.in_metrics(line.step, line.means) for line in ran.lines)  # of finite numbers, perhaps
        fault = ran.fault or next(filter(None, by_sums), None)
        lines = [line for line in ran.lines if not fault or line.step < fault.step + self._run.config.log_every_steps]
        if lines:
            self._write(lines, step)
        divergence.check(fault)

    def _write(self, lines: Sequence[Line], step: int) -> None:
        run, now = self._run, self._wall_seconds()
        step_seconds = self._since_log.lap() / (step - self._timed_step)
        rows = {}
        for line in lines:
            images = line.step * self._images_per_step
            rows[line.step] = {
                "images": images,
                "epoch": images / run.num_examples,
                **line.means,
                "images_per_second": self._images_per_step / step_seconds,
                "wall_seconds": now - (step - line.step) * step_seconds,
            }
        self._patience(lambda: [self._summaries.scalars(at, values) for at, values in rows.items()])
        for at, values in rows.items():
            self._progress.update(at, values)
        self._timed_step = step

    def sample(self, step: int) -> None:
        """Draws the grid from fixed latents, as PNG and into the log."""
        run = self._run
        rows, columns, labels = sampler.grid_plan(run.config, run.classes)
        images = np.concatenate(list(run.sample(run.shown(), run.config.seed, rows * columns, labels)))
        grid = raster.grid(images, rows, columns)
        self._patience(partial(raster.write_png, grids.path(run.samples, step), grid, scale=raster.GRID_SCALE))
        self._patience(partial(self._summaries.image, step, "samples", grid))

    def evaluate(self, step: int) -> bool:
        """Measures samples and saves the step if they are the best so far; whether no signal cut that short.

        Its time does not count in images per second.
        """
        with self._since_log.stopped():
            outcome = self._outcome(step)
        if outcome:
            self._evaluated_step = step
            self._progress.note(outcome.line)
            if outcome.is_best:
                self.save_once(step)
        return bool(outcome)

    def save(self, step: int) -> None:
        """Makes the log durable, then the checkpoint; a state or a loss that is not finite is never saved."""
        run = self._run
        divergence.check(divergence.in_metrics(step, _means(run.training)))
        divergence.check_state(run.training.state, step)
        self._patience(self._summaries.flush)
        facts = run.facts | {"wall_seconds": self._wall_seconds(), "images": step * self._images_per_step}
        self._patience(partial(checkpoint.save, run.checkpoints, run.training, step, facts))
        self._patience(partial(self._prune, step))
        self._since_save.lap()
        self._saved_step = step
        self._progress.note(f"saved step {step}")

    def _prune(self, step: int) -> None:
        """Removes the checkpoints that are to be kept no longer once that of `step` is there."""
        run = self._run
        best = in_training.best(run.evaluating, run.folder, step).values()
        checkpoint.prune(run.checkpoints, run.config.keep_checkpoints, {evaluation.key.step for evaluation in best})

    def save_once(self, step: int) -> None:
        """Saves the step unless it is saved."""
        if self._saved_step != step:
            self.save(step)

    def finish(self, step: int) -> bool:
        """Draws, evaluates and saves the last step and makes the animation; whether no signal cut that short."""
        if not grids.path(self._run.samples, step).exists():
            self.sample(step)  # before it is saved: what a checkpoint has passed is never made up for
        if self._run.config.evaluate_every_steps and self._evaluated_step != step and not self.evaluate(step):
            return False
        self.save_once(step)
        self._patience(partial(grids.animate, self._run.samples))
        return True

    def close(self) -> None:
        """Closes the log."""
        self._summaries.close()

    def _outcome(self, step: int) -> in_training.Outcome | None:
        """The evaluation of a step; None after a signal. If it fails, the run ends, but the step is saved first."""
        run = self._run
        divergence.check_state(run.training.state, step)
        if self._evaluated_step is None:
            self._progress.close()  # what is prepared once may have something to tell
            self._progress.note(f"evaluating {run.config.evaluate_num:,} images of step {step} ...")
        try:
            return in_training.evaluate(run.evaluating, run.folder, step, run.shown(), self._stop, self._patience)
        except UserError:
            self.save(step)
            raise

    def _next_save(self, step: int) -> float:
        """By the cadence, and as soon as the minutes have passed."""
        minutes = self._run.config.save_every_minutes
        if minutes and self._since_save.seconds >= 60 * minutes:
            return step + 1
        return cadence.next_multiple(step, self._run.config.save_every_steps)

    def _wall_seconds(self) -> float:
        return self._wall_before + self._since_start.seconds


def _means(training: Training) -> dict[str, float]:
    """The mean of each metric since the last line of the log."""
    totals = [total.numpy() for total in training.totals.values()]
    return chunks.means(training.totals, np.array(totals), training.count.numpy())


def _as_markdown(config: Config) -> str:
    """The config as a table for TensorBoard's text page."""
    rows = [f"| {name} | {value} |" for name, value in vars(config).items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])
