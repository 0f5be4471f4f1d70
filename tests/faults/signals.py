"""The signals that a run listens to, in every phase: it ends saved with the documented code, or saves and goes on."""

import random
import re
import signal
from pathlib import Path

from tests import tiny
from tests.commands import Server, Start
from tests.faults import phases
from tests.faults.configurations import CONFIGURATIONS, Trainings
from tests.faults.outcomes import Outcome, tell

STEPS = 8
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SAVING = signal.SIGUSR1
SAVED_AND_STOPPED, INTERRUPTED = 143, 130
EARLY = 0.3  # seconds after the begin of a start-up at most


def send_signals(
    server: Server, folder: Path, seed: int, numbers: tuple[int, ...] = (*STOPPING, SAVING), at: tuple = phases.PHASES
) -> list[Outcome]:
    """Sends each signal once in each phase; the run then goes on to the bits of one that got none."""
    trainings = Trainings(server, folder, CONFIGURATIONS["float32"], STEPS)
    undisturbed, moments, found = folder / "undisturbed", random.Random(seed), []
    trainings.finish(undisturbed)
    for number in map(signal.Signals, numbers):
        for phase in at:
            run = folder / f"{number.name} in {phase}"
            process, told = trainings.start(run, kill=_asked(number, phase, moments))
            process.wait()
            wrong = _wrong(process, number, phase)
            again, _ = trainings.start(run)
            if not wrong and again.wait():
                wrong = f"the start after it: {again.code} {again.err}"
            wrong = wrong or ", ".join(tiny.differences(run, undisturbed, STEPS))
            tell(f"{number.name} in {phase}: exit code {process.code}; {wrong or 'then as undisturbed'}")
            found.append(Outcome(f"{number.name}", phase, wrong))
    return found


def _asked(number: signal.Signals, phase: str, moments: random.Random) -> dict:
    """What the process is asked for: the signal soon after it comes to the phase."""
    longest = EARLY if phase == phases.START_UP else 0.002
    return {"phase": phase, "time": 0, "seconds": moments.uniform(0.0, longest), "signal": int(number)}


def _wrong(process: Start, number: signal.Signals, phase: str) -> str:
    """What is wrong with the way in which a run ended that got a signal."""
    if "Traceback" in process.err or process.errors:
        return process.err
    if number == SAVING:
        return "" if process.code == 0 else f"exit code {process.code}"
    allowed = {SAVED_AND_STOPPED}
    if phase == phases.START_UP:
        allowed |= {128 + number, INTERRUPTED if number == signal.SIGINT else 128 + number}
    if phase in (phases.ANIMATION, phases.START_UP):
        allowed.add(0)  # it came when all was done, or where TensorFlow or the launcher still had the signal
    if process.code not in allowed:
        return f"exit code {process.code}: {process.err}"
    told = re.search(r"stopped by a signal after step (\d+); saved", process.err)
    return "" if told or process.code != SAVED_AND_STOPPED or phase == phases.START_UP else process.err
