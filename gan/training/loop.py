"""The training loop: run a chunk of steps, then do what is due; until the end, the clock or a signal."""

import numpy as np

from gan.errors import LostHelperError, Preempted, UserError
from gan.evaluation import in_training
from gan.machine.signals import StopRequest
from gan.runs import checkpoint, grids
from gan.training import cadence, pace
from gan.training.actions import Actions
from gan.training.pace import Stopwatch
from gan.training.progress import Progress
from gan.training.run import Run
from gan.training.team import Wish, steps

WAIT_SECONDS = 1.0  # for images, before a look at whether a stop was asked for


def train(run: Run, wall_seconds: float) -> int:
    """Trains from the step that `run.training` is at; returns the last step. A complete run is left as it is.

    `wall_seconds` is the time spent on the run before this start. Raises `Preempted` after a signal, `DivergedError`
    when a loss is not finite, `StorageError`; in each case the checkpoints before are as they were.
    """
    if is_complete(run):
        return run.step
    progress = Progress(
        total_steps=cadence.total_steps(run.config, run.num_examples),
        steps_per_epoch=run.num_examples / cadence.images_per_step(run.config),
        seconds=60 * run.config.minutes or None,
    )
    stop = StopRequest(progress.note)
    actions = Actions(run, progress, stop, wall_seconds)
    try:
        with stop:
            last = _until_the_end(run, actions, progress, stop)
        run.team.meet(Wish(code=0))
        return last
    except UserError as error:
        run.team.meet(Wish(code=error.exit_code))  # the others end with it, now that all is saved that can be
        raise
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


def _until_the_end(run: Run, actions: Actions, progress: Progress, stop: StopRequest) -> int:
    """Chunk after chunk, each followed by what is due; returns the last step."""
    begun, step, longest = Stopwatch(), run.step, 1

    def is_finished() -> bool:
        timed_out = run.config.minutes and begun.seconds >= 60 * run.config.minutes
        return bool(timed_out or _is_over(run, step) or run.watch.is_enough(step))

    actions.begin(step)
    if not is_finished():
        _compile(run, actions, progress)
    while True:
        is_over = is_finished()
        end = min(action.next_due(step) for action in actions.in_order)  # the grid of the last step is one of them
        count = min(end - step, longest)
        # A disk that does not answer must not keep the run from ending.
        is_late = not (stop or is_over or run.batches.is_ready(step, count, WAIT_SECONDS))
        wish = Wish(stop=bool(stop), save=stop.takes_save(), wait=is_late, steps=count, over=is_over)
        wishes = run.team.meet(wish)
        if any(each.save for each in wishes):
            actions.save_once(step)
        if is_over or any(each.stop for each in wishes):
            break
        if not steps(wishes):
            continue
        inputs = _read(run, actions, step, count)
        _check_others(run, actions, step)
        chunk = Stopwatch()
        lines, step = run.chunk(step, *inputs), run.step
        longest = pace.longest_chunk(longest, chunk.seconds / count, run.chunk.most_steps)
        actions.log(lines, step)
        progress.advance(step)
        run.watch.trained(step)
        for action in actions.in_order:
            if action.is_due(step):
                action.run(step)
    if is_over and actions.finish(step):
        return step
    actions.save(step)
    where = "".join(f"at {run.team.name(i)} " for i, each in enumerate(wishes) if each.stop and i)
    raise Preempted(f"stopped by a signal {where}after step {step}; saved: start again to continue")


def _is_over(run: Run, step: int) -> bool:
    """Whether `steps` or `epochs` end the run at this step or before."""
    total = cadence.total_steps(run.config, run.num_examples)
    return bool(total) and step >= total


def _compile(run: Run, actions: Actions, progress: Progress) -> None:
    """Traces and compiles by a chunk of no steps, so that the person knows what takes its time."""
    progress.note("compiling the training step ...")
    run.chunk(run.step, *run.feed.nothing())
    actions.count_speed()
    progress.advance(run.step)


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
