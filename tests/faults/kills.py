"""kill -9 at random moments of a run, again and again: it ends as if it had not been.

A kill aims at a phase, or at any moment: it strikes after a random part of the time that the phase takes. What it hit
is what the process had told last. From time to time another command works on the run's folder, and is killed as well or
has to succeed.
"""

import random
import re
import signal
import statistics
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.commands import Server, Start
from tests.faults import phases
from tests.faults.configurations import Configuration, Trainings, itself
from tests.faults.outcomes import Outcome, tell
from tests.faults.phases import ANIMATION, START_UP, TRAINING, Mark
from tests.tiny import differences

STEPS_A_KILL = 6  # all that a run does falls into these
ANY = "any moment"
# How often a training surely comes to a phase in so many steps; those that it is in from the start have no number.
TIMES = {"saving": 3, "log": 6, "evaluating": 1, TRAINING: 6, "sampling": 2, ANIMATION: 1}
AIMS = (ANY, START_UP, "saving", "log", "evaluating", TRAINING, "sampling")
_OF_DATA = re.compile(r"warning: \d+ (pairs? of )?images")
COMPANIONS = {
    "sample": ("--num=50", "--step={step}", "--out={out}/samples.npz"),
    "export": ("--out={out}/models",),
    "evaluate": ("--features=random", "--num=30", "--cas=false", "--out={out}/evaluation.json"),
}


class Hit(NamedTuple):
    """A kill: the phase that it struck, and the last step that the run had told to be saved."""

    phase: str
    saved: int


def kill_often(server: Server, folder: Path, configuration: Configuration, kills: int, seed: int) -> list[Outcome]:
    """Kills one run of the configuration so many times, and compares its end with that of a run left in peace."""
    steps = 4 * kills + 3 * STEPS_A_KILL
    trainings = Trainings(server, folder, configuration, steps)
    undisturbed = folder / "undisturbed"
    durations = _durations(phases.marks(trainings.finish(undisturbed)))
    tell(f"{configuration.name}: undisturbed, {steps} steps; seed {seed}, {kills} kills")
    moments = random.Random(f"{seed} {configuration.name}")
    victim = _Victim(trainings, durations, moments)
    aims: list[str] = []
    while len(aims) < kills:  # each once, then each again in another order
        aims += moments.sample(AIMS, len(AIMS))
    for number, aim in enumerate([*aims[: kills - 1], ANIMATION], start=1):
        victim.kill(aim, number)
    victim.finish()
    wrong = differences(victim.workdir, undisturbed, steps) if not any(each.wrong for each in victim.outcomes) else []
    wrong += [path.name for path in victim.workdir.rglob("*") if path.name.startswith(("temporary_", "damaged_"))]
    if wrong:  # whichever kill did it
        told = f"the end differs from that of the undisturbed run: {', '.join(wrong)}"
        return [each._replace(wrong=each.wrong or told) for each in victim.outcomes]
    tell(f"{configuration.name}: checkpoint, log, events, samples and evaluations equal those undisturbed")
    return victim.outcomes


class _Victim:
    """A run that is killed and started again; `outcomes` has a line for each kill once the start after it is over."""

    def __init__(self, trainings: Trainings, durations: dict[str, float], moments: random.Random):
        self.workdir = trainings.folder / "killed"
        self.outcomes: list[Outcome] = []
        self._trainings, self._durations, self._moments = trainings, durations, moments
        self._last: Hit | None = None

    def kill(self, aim: str, number: int) -> None:
        """Starts it and kills it at a moment of this kind."""
        trainings, newest = self._trainings, _newest(self.workdir)
        hold = 0 if aim == ANIMATION else min(newest + STEPS_A_KILL, trainings.steps - 1)
        process, told = trainings.start(self.workdir, hold, kill=self._asked(aim))
        beside = _companion(trainings, self.workdir, number) if number % 4 == 0 and newest else None
        self._strike(process, told, aim, hold)
        self._recovered(process, told)
        saved = max(self._last.saved if self._last else 0, _told_saved(process))
        marks = phases.marks(told)
        self._last = Hit(marks[-1].phase if marks else START_UP, saved)
        step = max([mark.step for mark in marks], default=0)
        tell(f"{trainings.configuration.name}: kill {number} in {self._last.phase}, step {step}, aimed at {aim}")
        if beside:
            wrong = _end_beside(*beside, self._moments.random() < 0.5)
            self.outcomes.append(Outcome(trainings.configuration.name, f"bin/{beside[0]} beside", wrong))

    def finish(self) -> None:
        """Starts it a last time and lets it come to its end."""
        process, told = self._trainings.start(self.workdir)
        process.wait()
        self._recovered(process, told)

    def _recovered(self, process: Start, told: Path) -> None:
        """Tells how the last kill was survived by the start after it, which may have been killed early."""
        if self._last:
            wrong = _wrong(process, self._last.saved)
            outcome = Outcome(self._trainings.configuration.name, self._last.phase, wrong, _seconds(told))
            self.outcomes.append(outcome)

    def _asked(self, aim: str) -> dict:
        """What a training is asked to be killed at, if the aim is a phase of it alone."""
        if aim in (ANY, START_UP) or self._trainings.configuration.victims is not itself:
            return {}
        seconds = self._moments.uniform(0.0, self._durations.get(aim, 0.0))
        return {"phase": aim, "time": self._moments.randrange(TIMES[aim]), "seconds": seconds}

    def _strike(self, process: Start, told: Path, aim: str, hold: int) -> None:
        """Kills the process, or waits until that has happened; one that came to its hold before is killed there."""
        if aim in (ANY, START_UP):
            time.sleep(self._moments.uniform(0.0, self._durations[START_UP] * (2 if aim == ANY else 1)))
        while aim not in (ANY, START_UP) and process.is_running():
            mark = phases.last(told)
            if hold and mark and mark.phase == TRAINING and mark.step >= hold:
                break
            time.sleep(0.005)
        for pid in self._trainings.configuration.victims(self._moments, process.pid):
            process.kill(pid)
        process.wait()


def _wrong(process: Start, saved: int) -> str:
    """What is wrong with a start after a kill, when `saved` was saved; empty if nothing is."""
    if "Traceback" in process.err or process.errors or process.code not in (0, -signal.SIGKILL):
        return f"exit code {process.code}: {process.err}"
    if warnings := [line for line in process.warnings if not _OF_DATA.match(line)]:
        return "; ".join(warnings)
    continued = re.search(r"continuing after step (\d+)", process.out)
    if continued and int(continued[1]) < saved:
        return f"step {saved} was saved, it continued after {continued[1]}"
    if not continued and saved and "compiling the training step" in process.err:
        return f"step {saved} was saved, it began anew"
    return ""


def _told_saved(process: Start) -> int:
    return max([int(step) for step in re.findall(r"saved step (\d+)\n", process.err)], default=0)


def _newest(workdir: Path) -> int:
    """The step of the newest checkpoint, 0 without one."""
    names = [path.name.removeprefix("step_") for path in workdir.glob("checkpoints/step_*")]
    return max(map(int, names), default=0)


def _seconds(told: Path) -> float | None:
    """From the start of the command to its first new step; None if it was killed before."""
    marks = phases.marks(told)
    trained = [mark.seconds for mark in marks if mark.phase == TRAINING]
    return trained[0] - marks[0].seconds if trained else None


def _durations(marks: list[Mark]) -> dict[str, float]:
    """How long each phase lasts in seconds, the median of a run."""
    spans: dict[str, list[float]] = {}
    for mark, following in zip(marks, marks[1:], strict=False):
        spans.setdefault(mark.phase, []).append(following.seconds - mark.seconds)
    found = {phase: statistics.median(each) for phase, each in spans.items()}
    return found | {START_UP: next(m.seconds for m in marks if m.phase == TRAINING) - marks[0].seconds}


def _companion(trainings: Trainings, workdir: Path, number: int) -> tuple[str, Start, Path]:
    """Starts another command on the folder of the run: its name, its process and the folder that it writes to."""
    name = list(COMPANIONS)[number // 4 % len(COMPANIONS)]
    out = trainings.folder / f"{number}.beside"
    flags = [flag.format(out=out, step=_newest(workdir)) for flag in COMPANIONS[name]]
    return name, trainings.beside(name, workdir, *flags), out


def _end_beside(name: str, process: Start, out: Path, killed: bool) -> str:
    """Kills the other command, or lets it end; what is wrong with what it has written."""
    if killed:
        process.send(signal.SIGKILL)
    code = process.wait()
    if code not in (0, -signal.SIGKILL):
        return f"bin/{name}: exit code {code}: {process.err}"
    whole = [_is_whole(path) for path in out.rglob("*") if path.is_file() and not path.name.startswith(".")]
    if not all(whole) or (code == 0 and not whole):
        return f"bin/{name}, {code}: {sorted(path.name for path in out.rglob('*'))}"
    return ""


def _is_whole(path: Path) -> bool:
    """Whether a file of results can be read to its end."""
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive, np.load(path) as arrays:
            return archive.testzip() is None and len(arrays["images"]) == 50
    return path.stat().st_size > 0
