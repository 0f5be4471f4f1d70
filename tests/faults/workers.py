"""kill -9 of one of two workers, or of both, at random moments: whoever is left says so, and all go on together.

The end is that of two replicas in one process which were left in peace.
"""

import random
import signal
import socket
import time
from pathlib import Path

from gan.machine import cluster
from tests.commands import Server, Start
from tests.faults import phases
from tests.faults.configurations import Configuration, Trainings
from tests.faults.outcomes import Outcome, tell
from tests.faults.phases import START_UP, TRAINING
from tests.tiny import differences

NAME = "two_workers"
LOST = 76
STEPS_A_KILL = 6  # all that a run does falls into these
VICTIMS = {"worker 1": (1,), "the chief": (0,), "both": (0, 1)}
_LONGEST = 15.0  # seconds that the one which is left may take to end: `--peer_seconds` and some for a busy machine
_FLAGS = ("--threads=1", "--peer_seconds=5", "--start_minutes=0.25")


def kill_workers(server: Server, folder: Path, kills: int, seed: int) -> list[Outcome]:
    """Kills a worker of one run so many times, or both, and compares its end with that of two replicas."""
    steps, moments = 2 * kills + 3 * STEPS_A_KILL, random.Random(f"{seed} {NAME}")
    trainings = Trainings(server, folder, Configuration(NAME, _FLAGS), steps)
    undisturbed, workdir = folder / "undisturbed", folder / "killed"
    process, told = trainings.start(undisturbed, flags=("--strategy=mirrored", "--logical_cpus=2"))
    assert process.wait() == 0, process.err
    marks = phases.marks(told)
    start_up = next(mark.seconds for mark in marks if mark.phase == TRAINING) - marks[0].seconds
    tell(f"{NAME}: undisturbed, {steps} steps by two replicas; seed {seed}, {kills} kills")
    outcomes = []
    for number in range(1, kills + 1):
        who = list(VICTIMS)[number % len(VICTIMS)]
        workers, told = _start(trainings, workdir, hold=_newest(workdir) + STEPS_A_KILL)
        _wait(told, moments, start_up, steps)
        for i in VICTIMS[who]:
            workers[i].send(signal.SIGKILL)
        marks = phases.marks(told)
        at, step = (marks[-1].phase, marks[-1].step) if marks else (START_UP, 0)
        wrong = _wrong(workers, VICTIMS[who])
        tell(f"{NAME}: kill {number} of {who} in {at}, step {step}" + f": {wrong}" * bool(wrong))
        _recovered(outcomes, told)
        outcomes.append(Outcome(NAME, f"{who}, {at}", wrong))
    workers, told = _start(trainings, workdir)
    codes = [each.wait() for each in workers]
    _recovered(outcomes, told)
    wrong = [f"exit codes {codes}: {workers[0].err}"] if codes != [0, 0] else differences(workdir, undisturbed, steps)
    if wrong:
        told = f"the end differs from that of two replicas left in peace: {', '.join(wrong)}"
        return [each._replace(wrong=each.wrong or told) for each in outcomes]
    tell(f"{NAME}: checkpoint, log, events, samples and evaluations equal those of two replicas")
    return outcomes


def _start(trainings: Trainings, workdir: Path, hold: int = 0) -> tuple[tuple[Start, Start], Path]:
    """Starts both workers, the chief first; the file that the chief tells its phases to."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    chief, told = trainings.start(workdir, hold, TF_CONFIG=cluster.described(addresses, 0))
    follows, _ = trainings.start(workdir.with_name("elsewhere"), TF_CONFIG=cluster.described(addresses, 1))
    return (chief, follows), told


def _wait(told: Path, moments: random.Random, start_up: float, steps: int) -> None:
    """Until a moment of the start-up, or one after a random step that the chief has trained."""
    if moments.random() < 0.25:
        time.sleep(moments.uniform(0.0, start_up))
        return
    begun, most = time.monotonic(), moments.randrange(1, STEPS_A_KILL)
    first = None
    while time.monotonic() < begun + 60:
        mark = phases.last(told)
        if mark and mark.step:
            first = first or mark.step
            if mark.step >= min(first + most - 1, steps - 1):
                break
        time.sleep(0.002)
    time.sleep(moments.uniform(0.0, 0.05))


def _wrong(workers: tuple[Start, Start], killed: tuple[int, ...]) -> str:
    """What is wrong with how those ended that were not killed; empty if nothing is."""
    for i, each in enumerate(workers):
        if i in killed:
            each.wait()
            continue
        deadline = time.monotonic() + _LONGEST + 60 * 0.25
        while each.is_running() and time.monotonic() < deadline:
            time.sleep(0.01)
        if each.is_running():
            each.send(signal.SIGKILL)
            each.wait()
            return "the one that is left did not end"
        said = [line for line in each.errors if " was lost" in line or " did not come within" in line]
        if each.wait() not in (LOST, -signal.SIGKILL) or len(said) != 1 or "Traceback" in each.err:
            return f"the one that is left ended with {each.code}: {each.err[-2000:]}"
    return ""


def _recovered(outcomes: list[Outcome], told: Path) -> None:
    """Enters how long the start after the last kill took to its first new step, if it came so far."""
    marks = phases.marks(told)
    trained = [mark.seconds for mark in marks if mark.phase == TRAINING]
    if outcomes and trained:
        outcomes[-1] = outcomes[-1]._replace(seconds=trained[0] - marks[0].seconds)


def _newest(workdir: Path) -> int:
    """The step of the newest checkpoint, 0 without one."""
    return max([int(path.name.removeprefix("step_")) for path in workdir.glob("checkpoints/step_*")], default=0)
