"""The training loop of a worker that follows the chief: the same chunks on its part of each batch, and nothing else."""

import sys
from typing import NoReturn

import numpy as np

from gan.errors import Preempted, UserError
from gan.machine.preemption import Notices
from gan.machine.signals import StopRequest
from gan.training.loop import WAIT_SECONDS
from gan.training.run import Run
from gan.training.team import ToldError, Wish, steps


def follow(run: Run) -> int:
    """Trains as the chief says, from the step that `run.training` is at; returns the last step.

    Raises `Preempted` after a signal to any worker, when the chief has saved, its own `UserError` where it cannot read
    its images, and `ToldError` where the chief ends with an error.
    """
    config, stop = run.config, StopRequest(_tell)
    with stop, Notices(config.preempted_when_exists, config.preempted_when_succeeds, stop.ask, _tell):
        try:
            return _until_told(run, stop)
        finally:
            run.batches.close()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _until_told(run: Run, stop: StopRequest) -> int:
    """Chunk after chunk until the chief leaves."""
    run.chunk(run.step, *run.feed.nothing())  # traced and compiled while the chief does the same
    step, count, failed = run.step, 1, None
    while True:
        is_late = not (stop or failed or run.batches.is_ready(step, count, WAIT_SECONDS))
        wishes = run.team.meet(Wish(bool(stop), stop.takes_save(), is_late))
        chief, count = wishes[0], steps(wishes) or count
        if steps(wishes):
            inputs, failed = _read(run, step, count)
            others = run.team.meet(Wish(failed=bool(failed)))
            if not (others[0].spread or others[0].code >= 0 or any(wish.failed for wish in others)):
                run.chunk(step, *inputs, rollbacks=chief.rollbacks)
                step = run.step
                continue
            chief = others[0]
        if chief.spread:
            run.team.spread(run.training)
            step = run.step
        if chief.code > 0:
            _leave(run, chief.code, step, failed)
        if chief.code == 0:
            return step


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
        raise Preempted(f"stopped after step {step}, which {run.team.name(0)} has saved")
    raise ToldError(f"{run.team.name(0)} ended after step {step} with exit code {code} and says why", code)
