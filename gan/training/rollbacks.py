"""Back to the newest checkpoint when a number is not finite, and on from there with other random numbers.

Each rollback is kept in the facts of every later checkpoint, and their number names the random numbers of the steps
after it. So the way that a run took can be taken again: one that is killed before its next save comes to the same
rollbacks, and one that is killed later knows of them.
"""

from gan.core import loss_scale
from gan.errors import DivergedError
from gan.runs import checkpoint, exactness, workdir
from gan.training import cadence, replicas, session
from gan.training.divergence import Fault
from gan.training.run import ROLLBACKS, Run

_REMEDY = "with --override and a smaller learning rate"


def go_back(run: Run, fault: Fault) -> str:
    """Puts the newest good checkpoint into the run's variables and notes that; returns a line for the person.

    Raises `DivergedError` if there is none, or if the run went back to it as often as it may.
    """
    most = run.config.max_rollbacks
    if not checkpoint.steps(run.checkpoints):
        raise _ended(fault, f"there is no checkpoint yet: start again {_REMEDY}")
    before = list(run.rollbacks)
    to, passed_over = _restore(run)
    times = sum(rollback["to"] == to for rollback in before)
    if times >= most:
        vain = f", after {times} rollbacks to step {to} without another save" if times else ""
        raise _ended(fault, f"continue from the newest checkpoint, step {to}, {_REMEDY}", vain)
    run.facts[ROLLBACKS] = [*before, {"to": to, "at": fault.step, "what": fault.what}]
    if passed_over or not cadence.is_saved(run.config, to):
        breach = exactness.Breach(to, "it went back to a checkpoint that an undisturbed run does not go back to")
        known, new = run.facts.get(exactness.FACT, []), exactness.as_json([breach])
        run.facts[exactness.FACT] = [*known, *(each for each in new if each not in known)]
    count = f"rollback {times + 1} of {most} to it"
    return f"{fault.what} at step {fault.step}: back to step {to} ({count}) and on with other random numbers"


def record(run: Run) -> None:
    """Writes the last rollback into the history of config.json, once; raises `StorageError` and `UserError`."""
    number, last = len(run.rollbacks), run.rollbacks[-1]
    line = f"rollback {number} to step {last['to']}: {last['what']} at step {last['at']}"
    workdir.add_to_history(run.folder, line, last["to"], run.facts.get(exactness.FACT, []))


def _restore(run: Run) -> tuple[int, bool]:
    """Restores the newest good checkpoint as a start would; its step, and whether a damaged one was passed over."""
    scales = {name: run.training.state.extra[name] for name in loss_scale.NAMES if name in run.training.state.extra}
    for scale in scales.values():  # a checkpoint of another precision has none
        replicas.assign(scale, loss_scale.initial())
    restored = session.restore(run)
    return restored.step, bool(restored.skipped)


def _ended(fault: Fault, remedy: str, vain: str = "") -> DivergedError:
    return DivergedError(f"diverged: {fault.what} at step {fault.step}{vain}; {remedy}")
