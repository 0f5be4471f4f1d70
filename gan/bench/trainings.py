"""What benchmarks that start commands of this package share: where it is, a log, and figures over several seeds."""

import os
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """The variables of this process, with which another one in any folder finds this package."""
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def started(line: Sequence[str], log: Path, processors: Iterable[int] = (), **options: Any) -> subprocess.Popen:
    """A command that runs on these processors alone (on all, if none is named), its output in a file."""
    with log.open("wb") as file:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(line, **pipes, **options)
    if processors:
        os.sched_setaffinity(process.pid, processors)  # before it has made any thread of its own
    return process


def last_words(said: str) -> str:
    """The last line of what a command said, which tells why it ended."""
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip().removeprefix("error: ") if lines else "it ended without a word"


def mean_and_deviation(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation of a sample, in words that a table has room for."""
    if not values:
        return "-"
    mean = f"{statistics.fmean(values):,.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):,.{digits}f}" if len(values) > 1 else mean
