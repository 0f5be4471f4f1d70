"""What a run costs besides its steps: the batch, a line of the log, a checkpoint, the start, memory."""

import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gan.bench import resident, trainings
from gan.errors import UserError
from gan.training import session
from gan.training.actions import Actions
from gan.training.chunks import Line, Ran
from gan.training.progress import Progress
from gan.training.run import Run

_REPEATS = 5
_START_SECONDS = 900.0


def measure(run: Run) -> dict[str, float]:
    """Median seconds of what the loop does between chunks, by its own functions; files go to a temporary folder."""
    batch, step = run.config.batch_size, run.step
    means = dict.fromkeys(run.training.totals, 0.0)
    with tempfile.TemporaryDirectory(prefix="gan-bench-") as name:
        elsewhere = run._replace(folder=Path(name))
        actions = Actions(elsewhere, Progress(total_steps=None, steps_per_epoch=1.0, stream=io.StringIO()))
        try:
            return {
                f"input batch of {batch}": _median(lambda i: run.feed.read(step + i, 1), 10 * _REPEATS),
                "a line of the log": _median(
                    lambda i: actions.log(Ran([Line(step + i + 1, means)], None), step + i + 1), _REPEATS
                ),
                "saving a checkpoint": _median(lambda i: actions.save(step + i), _REPEATS),
                "restoring a checkpoint": _median(lambda i: session.restore(elsewhere), _REPEATS),
            }
        finally:
            actions.close()


def start(flags: Sequence[str]) -> dict[str, float]:
    """Of `bin/train` with these flags: seconds from its start to the line of its first step, peak memory in bytes.

    It trains for three steps in a temporary folder. Raises `UserError` with its last words if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="gan-bench-") as name:
        short = ["--steps=3", "--log_every_steps=1", f"--workdir={name}/run"]
        command = [sys.executable, "-m", "gan.cli.train", *flags, *short]
        begin, first, last, peak = time.perf_counter(), None, "no message", 0
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
        process = subprocess.Popen(command, env=trainings.environment(), **pipes)
        with process, _killed_after(process, _START_SECONDS):
            for line in process.stdout:
                if first is None and line.startswith("step 1/"):
                    first = time.perf_counter()
                last, peak = line.strip() or last, max(peak, resident.peak_bytes(process.pid))
    if time.perf_counter() - begin >= _START_SECONDS:
        raise UserError(f"three steps were not done within {_START_SECONDS:.0f} s; try without --host")
    if process.returncode or first is None:
        raise UserError(f"the training that times the start failed: {last.removeprefix('error: ')}")
    return {"first_step_seconds": first - begin, "peak_bytes": peak}


@contextlib.contextmanager
def _killed_after(process: subprocess.Popen, seconds: float) -> Iterator[None]:
    """Kills the process if it still runs after so many seconds."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _median(action: Callable[[int], object], repeats: int) -> float:
    """Median seconds of the action, called with 0, 1, ...; the first call is not counted."""
    seconds = []
    for i in range(repeats + 1):
        begin = time.perf_counter()
        action(i)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[1:])
