"""What a run costs besides its steps: the batch, a line of the log, a checkpoint, the start, memory."""

import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gan.errors import UserError
from gan.training import session
from gan.training.actions import Actions
from gan.training.chunks import Line
from gan.training.progress import Progress
from gan.training.run import Run

_REPEATS = 5
_FIRST_STEP_SECONDS = 900.0


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
                    lambda i: actions.log([Line(step + i + 1, means)], step + i + 1), _REPEATS
                ),
                "saving a checkpoint": _median(lambda i: actions.save(step + i), _REPEATS),
                "restoring a checkpoint": _median(lambda i: session.restore(elsewhere), _REPEATS),
            }
        finally:
            actions.close()


def peak_bytes() -> int:
    """The most memory that this process has had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def first_step(flags: Sequence[str]) -> dict[str, float]:
    """Of a fresh process with these flags: seconds from TensorFlow's import to its first step's end, peak memory.

    The process is `bin/bench --first_step`, which prints them. Raises `UserError` with its last words if it fails.
    """
    command = [sys.executable, "-m", "gan.cli.bench", "--first_step", *flags]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_FIRST_STEP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"the first step was not done within {_FIRST_STEP_SECONDS:.0f} s; try without --host") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"the process that times the first step failed: {last.removeprefix('error: ')}")
    return json.loads(done.stdout.splitlines()[-1])


def _median(action: Callable[[int], object], repeats: int) -> float:
    """Median seconds of the action, called with 0, 1, ...; the first call is not counted."""
    seconds = []
    for i in range(repeats + 1):
        begin = time.perf_counter()
        action(i)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[1:])
