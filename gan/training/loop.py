"""The training loop: run a chunk of steps, then do what is due; until the end, the clock or a signal."""

import time

import numpy as np
import tensorflow as tf

from gan.config import Config
from gan.core.state import shown
from gan.errors import Preempted, UserError
from gan.evaluation import in_training, record
from gan.machine.signals import StopRequest
from gan.pictures import raster
from gan.runs import checkpoint, grids, workdir
from gan.runs.log import Summaries
from gan.sampling import sampler
from gan.training import cadence, divergence
from gan.training.progress import Progress
from gan.training.replicas import read
from gan.training.run import Run

_CHUNK_SECONDS = 1.0  # bounds how late a signal is noticed
_LONGEST_CHUNK = 1000
_CHUNK_BYTES = 1 << 28  # of images


def train(run: Run, wall_seconds: float) -> int:
    """Trains from the step that `run.training` is at; returns the last step. A complete run is left as it is.

    `wall_seconds` is the time spent on the run before this start. Raises `Preempted` after a signal, `DivergedError`
    when a loss is not finite, `StorageError`; in each case the checkpoints before are as they were.
    """
    if is_complete(run):
        return int(run.training.state.step.numpy())
    loop = _Loop(run, wall_seconds)
    try:
        with StopRequest(loop.tell) as stop:
            return loop.run(stop)
    finally:
        loop.close()


def is_complete(run: Run) -> bool:
    """Whether the run is at its last step or beyond, and all that it leaves is there."""
    step = int(run.training.state.step.numpy())
    total = cadence.total_steps(run.config, run.num_examples)
    saved = step in checkpoint.steps(run.folder / workdir.CHECKPOINTS)
    ended = bool(total) and step >= total and saved and grids.are_complete(run.folder / workdir.SAMPLES, step)
    if not ended or not run.config.evaluate_every_steps:
        return ended
    return in_training.recorded(run.evaluating, run.folder, step, read(shown(run.training.state))) is not None


class _Loop:
    """The clocks and open files of a run in progress."""

    def __init__(self, run: Run, wall_seconds: float):
        config = run.config
        self._run_parts = run
        self._config = config
        self.step = int(run.training.state.step.numpy())
        self._per_step = cadence.images_per_step(config)
        self._total = cadence.total_steps(config, run.num_examples)
        self._started = self._logged_at = self._saved_at = time.monotonic()
        self._wall_before = wall_seconds
        self._logged_step = self.step
        self._checkpoints = run.folder / workdir.CHECKPOINTS
        self._saved_step = self.step if self.step in checkpoint.steps(self._checkpoints) else None
        self._evaluated_step: int | None = None
        self._chunk_limit = 1
        self._values: dict[str, float] = {}
        self._summaries = Summaries(run.folder, self.step)
        self._progress = Progress(
            total_steps=self._total,
            steps_per_epoch=run.num_examples / self._per_step,
            start_step=self.step,
            seconds=60 * config.minutes or None,
        )
        self._samples = run.folder / workdir.SAMPLES
        grids.remove_later(self._samples, self.step)
        record.remove_later(run.folder, self.step)

    def run(self, stop: StopRequest) -> int:
        """Chunk after chunk, each followed by what is due; returns the last step."""
        if self.step == 0:
            self._summaries.text(0, "config", _as_markdown(self._config))
            self._sample()
        elif cadence.is_due(self.step, self._config.evaluate_every_steps):
            self._evaluate(stop)  # the step was saved without, if a signal came
        if not self._is_finished():
            self._compile()
        while not (stop or self._is_finished()):
            self._run_chunk()
            if cadence.is_due(self.step, self._config.log_every_steps):
                self._log()
            elif self._progress.live:
                self._progress.update(self.step, self._values)
            if cadence.sample_is_due(self._config, self.step, self._run_parts.num_examples):
                self._sample()
            if cadence.is_due(self.step, self._config.evaluate_every_steps):
                self._evaluate(stop)
            if self._save_is_due() and self._saved_step != self.step:
                self._save()
        if self._is_finished() and self._finish(stop):
            return self.step
        self._save()
        raise Preempted(f"stopped by a signal after step {self.step}; saved: start again to continue")

    def tell(self, line: str) -> None:
        """Prints a line for the person above the live one."""
        self._progress.note(line)

    def close(self) -> None:
        """Ends the live line and closes the log."""
        self._progress.close()
        self._summaries.close()

    def _is_finished(self) -> bool:
        minutes = (time.monotonic() - self._started) / 60
        timed_out = self._config.minutes and minutes >= self._config.minutes
        return bool(timed_out or (self._total and self.step >= self._total))

    def _compile(self) -> None:
        """Traces and compiles by a chunk of no steps, so that the person knows what takes its time."""
        self._progress.note("compiling the training step ...")
        shape = [0, self._per_step, *self._run_parts.batches.source.image_shape]
        self._run_parts.chunk(tf.zeros(shape, tf.uint8), tf.zeros(shape[:2], tf.int32))
        self._logged_at = time.monotonic()
        if self._progress.live:
            self._progress.update(self.step, {})

    def _run_chunk(self) -> None:
        """Runs up to the next step at which something is due, or as many steps as take about a second."""
        run = self._run_parts
        count = min(cadence.chunk_end(self._config, self.step, run.num_examples) - self.step, self._chunk_limit)
        images, labels = self._read(count)
        begin = time.monotonic()
        run.chunk(tf.constant(images), tf.constant(labels))
        self.step = int(run.training.state.step.numpy())  # waits for the device
        seconds = (time.monotonic() - begin) / count
        longest = min(_LONGEST_CHUNK, _CHUNK_BYTES // (images.nbytes // count))
        self._chunk_limit = max(1, min(2 * self._chunk_limit, int(_CHUNK_SECONDS / seconds), longest))

    def _read(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The images and labels of the next steps; if they cannot be read the run ends, but the step is saved first."""
        try:
            return self._run_parts.batches.read(self.step, count)
        except UserError as error:
            if self._saved_step != self.step:
                self._save()
            remedy = "put it back as it was when the run began, or if it was damaged then begin another run"
            raise UserError(f"{error}; step {self.step} is saved: {remedy}") from None

    def _finish(self, stop: StopRequest) -> bool:
        """Draws, evaluates and saves the last step and makes the animation; whether no signal cut that short."""
        if not grids.path(self._samples, self.step).exists():
            self._sample()  # before it is saved: what a checkpoint has passed is never made up for
        if self._config.evaluate_every_steps and self._evaluated_step != self.step and not self._evaluate(stop):
            return False
        if self._saved_step != self.step:
            self._save()
        grids.animate(self._samples)
        return True

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
        divergence.check_means(means, self.step, self._checkpoints)
        for variable in tf.nest.flatten((training.totals, training.count)):
            variable.assign(tf.zeros_like(variable))
        self._logged_at, self._logged_step = now, self.step
        self._progress.update(self.step, self._values)

    def _means(self) -> dict[str, float]:
        """The mean of each metric since the last log."""
        training = self._run_parts.training
        totals, count = read(training.totals), int(training.count.numpy())
        return {name: float(total) / max(count, 1) for name, total in totals.items()}

    def _sample(self) -> None:
        """Draws the grid from fixed latents, as PNG and into the log."""
        config, run = self._config, self._run_parts
        rows, columns, labels = sampler.grid_plan(config, run.batches.source.num_classes)
        params = read(shown(run.training.state))
        images = np.concatenate(list(run.sample(params, config.seed, rows * columns, labels)))
        grid = raster.grid(images, rows, columns)
        raster.write_png(grids.path(self._samples, self.step), grid, scale=2)
        self._summaries.image(self.step, "samples", grid)

    def _evaluate(self, stop: StopRequest) -> bool:
        """Measures samples and saves the step if they are the best so far; whether no signal cut that short.

        Its time does not count in images per second. If it fails, the run ends, but the step is saved first.
        """
        run, begin = self._run_parts, time.monotonic()
        divergence.check_state(run.training.state, self.step, self._checkpoints)
        if self._evaluated_step is None:
            self._progress.close()  # what is prepared once may have something to tell
            self.tell(f"evaluating {self._config.evaluate_num:,} images of step {self.step} ...")
        try:
            found = in_training.evaluate(run.evaluating, run.folder, self.step, read(shown(run.training.state)), stop)
        except UserError:
            self._save()
            raise
        self._logged_at += time.monotonic() - begin
        if found:
            self._evaluated_step = self.step
            self.tell(found.line)
            if found.is_best and self._saved_step != self.step:
                self._save()
        return bool(found)

    def _save_is_due(self) -> bool:
        minutes = (time.monotonic() - self._saved_at) / 60
        by_time = self._config.save_every_minutes and minutes >= self._config.save_every_minutes
        return bool(by_time or cadence.is_due(self.step, self._config.save_every_steps))

    def _save(self) -> None:
        """Makes the log durable, then the checkpoint; a state that is not finite is never saved."""
        run = self._run_parts
        divergence.check_means(self._means(), self.step, self._checkpoints)
        divergence.check_state(run.training.state, self.step, self._checkpoints)
        self._summaries.flush()
        facts = run.facts | {"wall_seconds": self._wall_seconds(), "images": self.step * self._per_step}
        checkpoint.save(self._checkpoints, run.training, self.step, facts)
        best = in_training.best(run.evaluating, run.folder, self.step).values()
        checkpoint.prune(self._checkpoints, self._config.keep_checkpoints, {evaluation.key.step for evaluation in best})
        self._saved_at, self._saved_step = time.monotonic(), self.step
        self._progress.note(f"saved step {self.step}")

    def _wall_seconds(self) -> float:
        return self._wall_before + time.monotonic() - self._started


def _as_markdown(config: Config) -> str:
    """The config as a table for TensorBoard's text page."""
    rows = [f"| {name} | {value} |" for name, value in vars(config).items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])
