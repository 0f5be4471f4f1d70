"""The training loop of a worker that follows the chief: the same chunks on its part of each batch, and nothing else."""

from typing import NoReturn

import numpy as np

from gan.errors import Preempted, UserError
from gan.machine.signals import StopRequest
from gan.training.loop import WAIT_SECONDS
from gan.training.run import Run
from gan.training.team import ToldError, Wish, steps


def follow(run: Run) -> int:
    """Trains as the chief says, from the step that `run.training` is at; returns the last step.

    Raises `Preempted` after a signal to any worker, when the chief has saved, its own `UserError` where it cannot read
    its images, and `ToldError` where the chief ends with an error.
    """
    with StopRequest() as stop:
        try:
            return _until_told(run, stop)
        finally:
            run.batches.close()


def _until_told(run: Run, stop: StopRequest) -> int:
    """Chunk after chunk until the chief leaves."""
    run.chunk(run.step, *run.feed.nothing())  # traced and compiled while the chief does the same
    step, count, failed = run.step, 1, None
    while True:
        is_late = not (stop or failed or run.batches.is_ready(step, count, WAIT_SECONDS))
        wishes = run.team.meet(Wish(stop=bool(stop), save=stop.takes_save(), wait=is_late))
        if wishes[0].code == 0:
            return step
        if wishes[0].code > 0:
            _leave(run, wishes[0].code, step, failed)
        count = steps(wishes) or count
        if not steps(wishes):
            continue
        inputs, failed = _read(run, step, count)
        wishes = run.team.meet(Wish(failed=bool(failed)))
        if wishes[0].code > 0:
            _leave(run, wishes[0].code, step, failed)
        if any(wish.failed for wish in wishes):
            continue  # until the chief has saved
        run.chunk(step, *inputs)
        step = run.step


def _read(run: Run, step: int, count: int) -> tuple[tuple[np.ndarray, ...], UserError | None]:
    """What the next steps are given, or the error in its place."""
    try:
        return run.feed.read(step, count), None
    except UserError as error:
        return (), error


def _leave(run: Run, code: int, step: int, failed: UserError | None) -> NoReturn:
    """Ends as the chief does."""
    if failed:
        raise failed
    if code == Preempted.exit_code:
        raise Preempted(f"stopped by a signal after step {step}, which {run.team.name(0)} has saved")
    raise ToldError(f"{run.team.name(0)} ended after step {step} with exit code {code} and says why", code)
