"""The training loop: run a chunk of steps, then do what is due; until the end, the clock or a signal."""

import numpy as np

from gan.errors import LostHelperError, Preempted, UserError
from gan.evaluation import in_training
from gan.machine.preemption import Notices
from gan.machine.signals import StopRequest
from gan.runs import checkpoint, grids
from gan.training import cadence, pace, rollbacks
from gan.training.actions import Actions
from gan.training.divergence import NotFinite
from gan.training.pace import Stopwatch
from gan.training.progress import Progress
from gan.training.run import Run
from gan.training.team import Wish, steps

WAIT_SECONDS = 1.0  # for images, before a look at whether a stop was asked for


def train(run: Run, wall_seconds: float) -> int:
    """Trains from the step that `run.training` is at; returns the last step. A complete run is left as it is.

    `wall_seconds` is the time spent on the run before this start. Raises `Preempted` after a signal, `DivergedError`
    where going back to a checkpoint does not keep the numbers finite, `StorageError`; in each case the checkpoints
    before are as they were.
    """
    if is_complete(run):
        return run.step
    try:
        last = _trained(run, wall_seconds)
    except UserError as error:
        run.team.meet(Wish(code=error.exit_code))  # the others end with it, now that all is saved that can be
        raise
    run.team.meet(Wish(code=0))
    return last


def _trained(run: Run, wall_seconds: float) -> int:
    """Trains to the end; returns the last step."""
    config = run.config
    progress = Progress(
        total_steps=cadence.total_steps(config, run.num_examples),
        steps_per_epoch=run.num_examples / cadence.images_per_step(config),
        seconds=60 * config.minutes or None,
    )
    stop = StopRequest(progress.note)
    actions = Actions(run, progress, stop, wall_seconds)
    try:
        with stop, Notices(config.preempted_when_exists, config.preempted_when_succeeds, stop.ask, progress.note):
            return _Loop(run, actions, progress, stop).to_the_end()
    finally:
        run.batches.close()
        progress.close()
        actions.close()


def is_complete(run: Run) -> bool:
    """Whether the run is at its last step or beyond, and all that it leaves is there."""
    step = run.step
    ended = _is_over(run, step) and step in checkpoint.steps(run.checkpoints) and grids.are_complete(run.samples, step)
    if not ended or not run.config.evaluate_every_steps:
        return ended
    return in_training.recorded(run.evaluating, run.folder, step, run.shown()) is not None


class _Loop:
    """One start of a run, with what it takes from chunk to chunk."""

    def __init__(self, run: Run, actions: Actions, progress: Progress, stop: StopRequest):
        self._run, self._actions, self._progress, self._stop = run, actions, progress, stop
        self._begun, self._longest = Stopwatch(), 1
        self._is_compiled = False

    def to_the_end(self) -> int:
        """Trains to the end, from a checkpoint again where a number is not finite; returns the last step."""
        while True:
            try:
                return self._onwards()
            except NotFinite as error:
                line = rollbacks.go_back(self._run, error.fault)
            self._progress.note(f"warning: {line}")
            self._actions.go_back(self._run.step)
            self._run.team.meet(Wish(spread=True))
            self._run.team.spread(self._run.training)

    def _onwards(self) -> int:
        """Chunk after chunk, each followed by what is due; returns the last step."""
        step = self._run.step
        self._actions.begin(step)
        if not self._is_finished(step):
            self._compile()
        while True:
            is_over = self._is_finished(step)
            wishes, count = self._agreed(step, is_over)
            if any(wish.save for wish in wishes):
                self._actions.save_once(step)
            if is_over or any(wish.stop for wish in wishes):
                break
            if steps(wishes):
                step = self._chunk(step, count)
        if is_over and self._actions.finish(step):
            return step
        self._actions.save(step)
        where = "".join(f" at {self._run.team.name(i)}" for i, wish in enumerate(wishes) if wish.stop and i)
        reason = self._stop.reason if self._stop else "a request"
        raise Preempted(f"stopped by {reason}{where} after step {step}; saved: start again to continue")

    def _agreed(self, step: int, is_over: bool) -> tuple[tuple[Wish, ...], int]:
        """What all workers wish before the next chunk, and its steps: up to the next at which anything is due."""
        run, stop = self._run, self._stop
        end = min(action.next_due(step) for action in self._actions.in_order)  # the grid of the last step is one
        count = min(end - step, self._longest)
        # Images are waited for here: a disk that does not answer must not keep the run from ending.
        is_late = not (stop or is_over or run.batches.is_ready(step, count, WAIT_SECONDS))
        wish = Wish(bool(stop), stop.takes_save(), is_late, steps=count, over=is_over, rollbacks=len(run.rollbacks))
        return run.team.meet(wish), count

    def _chunk(self, step: int, count: int) -> int:
        """So many steps, and what is due after them; returns the step reached."""
        run, actions = self._run, self._actions
        inputs = _read(run, actions, step, count)
        _check_others(run, actions, step)
        chunk = Stopwatch()
        ran, step = run.chunk(step, *inputs, rollbacks=len(run.rollbacks)), run.step
        self._longest = pace.longest_chunk(self._longest, chunk.seconds / count, run.chunk.most_steps)
        actions.log(ran, step)
        self._progress.advance(step)
        run.watch.trained(step)
        for action in actions.in_order:
            if action.is_due(step):
                action.run(step)
        return step

    def _compile(self) -> None:
        """Traces and compiles by a chunk of no steps, so that the person knows what takes its time."""
        if not self._is_compiled:
            self._progress.note("compiling the training step ...")
            self._run.chunk(self._run.step, *self._run.feed.nothing())
        self._is_compiled = True
        self._actions.count_speed()
        self._progress.advance(self._run.step)

    def _is_finished(self, step: int) -> bool:
        """Whether the steps, the clock or the watch end the run here."""
        minutes = self._run.config.minutes
        timed_out = minutes and self._begun.seconds >= 60 * minutes
        return bool(timed_out or _is_over(self._run, step) or self._run.watch.is_enough(step))


def _is_over(run: Run, step: int) -> bool:
    """Whether `steps` or `epochs` end the run at this step or before."""
    total = cadence.total_steps(run.config, run.num_examples)
    return bool(total) and step >= total


def _read(run: Run, actions: Actions, step: int, count: int) -> tuple[np.ndarray, ...]:
    """What the next steps are given; if their images cannot be read the run ends, but the step is saved first."""
    try:
        return run.feed.read(step, count)
    except UserError as error:
        actions.save_once(step)
        remedy = "put it back as it was when the run began, or if it was damaged then begin another run"
        if isinstance(error, LostHelperError):
            remedy = "start again to continue, with fewer --data_workers if memory is short"
        raise UserError(f"{error}; step {step} is saved: {remedy}") from None


def _check_others(run: Run, actions: Actions, step: int) -> None:
    """Ends the run if another worker cannot read its part of the next steps; the step is saved first."""
    failed = [run.team.name(i) for i, wish in enumerate(run.team.meet(Wish())) if wish.failed]
    if failed:
        actions.save_once(step)
        raise UserError(
            f"{', '.join(failed)} cannot read its images and says why; step {step} is saved: start all again to go on"
        )
