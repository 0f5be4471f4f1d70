"""A long run of tiny networks that saves at every step: memory, open files, threads and the time of a step stay.

The process is looked at from outside, through /proc. Whether something grows is told by the straight line through what
was seen after the first tenth: it grows if the line rises by more than the noise around it and by more than a little.
"""

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.runs import checkpoint, metrics_log
from tests.commands import Server, Start
from tests.faults.configurations import CONFIGURATIONS, Trainings
from tests.faults.outcomes import Outcome, tell

FLAGS = (
    "--save_every_steps=1",
    "--log_every_steps=1",
    "--sample_every_steps=200",
    "--evaluate_every_steps=500",
    "--keep_checkpoints=2",
    "--data_in_memory=true",
)
WARM = 0.1  # of the samples, which are of the warming up
LOOKS = 1000  # about so many samples
# What may be more at the end than at the beginning, as a share. The time by the clock is drawn but not judged: it hangs
# on what else the machine does.
TOLERATED = {"memory": 0.05, "open files": 0.0, "threads": 0.0, "processor time a step": 0.10}


class Look(NamedTuple):
    """A process at a moment: seconds since it began, steps, and what it holds."""

    seconds: float
    step: int
    memory: float  # MiB
    files: int
    threads: int
    processor: float  # seconds of it used so far


class Trend(NamedTuple):
    """A quantity over a run: its mean, how much the line through it rises to the end, the standard error of that."""

    mean: float
    rise: float
    error: float

    def grows(self, tolerated: float) -> bool:
        """Whether it rose by more than the noise and by more than the share of its mean that is tolerated."""
        return self.rise > max(3 * self.error, tolerated * abs(self.mean), 1e-9 * abs(self.mean))  # beyond rounding


def soak(server: Server, folder: Path, minutes: float, saves: int, every: float | None = None) -> list[Outcome]:
    """Trains until so many minutes or saves are over; a line for each quantity, and a picture of their courses.

    The process is looked at once in so many seconds: as given, or a thousand times.
    """
    trainings = Trainings(server, folder, CONFIGURATIONS["float32"], saves)
    workdir = folder / "soaked"
    begun = time.monotonic()
    flags = (*FLAGS, f"--minutes={minutes}")
    process, _ = trainings.start(workdir, flags=flags, before={"signal.alarm": 0})  # it may last as long as it takes
    looks = list(_watched(process, workdir, every or 60 * minutes / LOOKS, begun))
    code, last = process.wait(), checkpoint.steps(workdir / "checkpoints")[-1]
    tell(f"soaked for {(time.monotonic() - begun) / 60:.1f} minutes, {last} steps, exit code {code}")
    seen = courses(looks, workdir)
    found = [judged(name, trend(seen[name])) for name in TOLERATED]
    whole = "" if code == 0 and _log_is_whole(workdir) else f"exit code {code}: {process.err[-500:]}"
    draw(seen, folder / "soak.png")
    tell(f"the curves: {folder / 'soak.png'}")
    return [*found, Outcome("soak", f"log whole, {last} saves", whole)]


def trend(values: np.ndarray) -> Trend:
    """The line through equally spaced values [N], without those of the warming up."""
    kept = values[int(WARM * len(values)) :]
    if len(kept) < 3:
        return Trend(float(kept.mean()) if len(kept) else 0.0, 0.0, np.inf)
    at = np.linspace(-0.5, 0.5, len(kept))
    slope = float(at @ kept / (at @ at))
    around = kept - kept.mean() - slope * at
    # Neighbours resemble each other: the error is that of the means of stretches, not of single values.
    stretches = np.array([part.mean() for part in np.array_split(around, min(20, len(kept)))])
    error = float(
        stretches.std(ddof=1) / np.sqrt(np.linspace(-0.5, 0.5, len(stretches)) @ np.linspace(-0.5, 0.5, len(stretches)))
    )
    return Trend(float(kept.mean()), slope, error)


def courses(looks: list[Look], workdir: Path) -> dict[str, np.ndarray]:
    """What is watched, by name: arrays [N] over the run."""
    clock = [row["wall_seconds"] for row in metrics_log.read_metrics(workdir)]
    steps, used = np.array([look.step for look in looks]), np.array([look.processor for look in looks])
    moved = np.flatnonzero(np.diff(steps, prepend=0))  # a look that finds no new step tells nothing
    return {
        "memory": np.array([look.memory for look in looks]),
        "open files": np.array([float(look.files) for look in looks]),
        "threads": np.array([float(look.threads) for look in looks]),
        "processor time a step": np.diff(used[moved]) / np.diff(steps[moved]),
        "time a step": np.diff(np.array(clock)),
    }


def draw(found: dict[str, np.ndarray], path: Path) -> None:
    """The courses one above the other as a PNG: medians of 250 stretches."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(found), 1, figsize=(8, 8), layout="constrained")
    units = {"memory": "memory, MiB", "time a step": "a step, s", "processor time a step": "processor\na step, s"}
    for axis, (name, values) in zip(axes, found.items(), strict=True):
        if not len(values):
            continue
        shown = np.array([np.median(part) for part in np.array_split(values, min(LOOKS // 4, len(values)))])
        axis.plot(np.linspace(0, 100, len(shown)), shown, linewidth=1)
        axis.set_ylabel(units.get(name, name))
        axis.set_ylim(0, 1.2 * max(shown))
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("% of the run")
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def judged(name: str, found: Trend) -> Outcome:
    line = f"{name}: {found.mean:.4g} on average, {found.rise:+.3g} +- {found.error:.2g} from begin to end"
    grows = found.grows(TOLERATED[name])
    tell(line + (", GROWS" if grows else ""))
    return Outcome("soak", line, line if grows else "")


def _watched(process: Start, workdir: Path, every: float, begun: float):
    """Looks at the process as long as it trains."""
    while process.is_running():
        step = max(checkpoint.steps(workdir / "checkpoints"), default=0)
        look = _look(process.pid, time.monotonic() - begun, step)
        if look:
            yield look
        time.sleep(every)


def _look(pid: int, seconds: float, step: int) -> Look | None:
    """What a process holds now; None if it has just ended."""
    try:
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        files = len(os.listdir(f"/proc/{pid}/fd"))
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        return Look(seconds, step, int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"]), used)
    except (OSError, KeyError):
        return None


def _log_is_whole(workdir: Path) -> bool:
    """Whether metrics.jsonl has each step once, in order, up to the last checkpoint."""
    steps = [json.loads(line)["step"] for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return steps == list(range(1, checkpoint.steps(workdir / "checkpoints")[-1] + 1))
