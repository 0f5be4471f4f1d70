"""Timing of training steps against each other: alternating windows, medians, paired ratios.

A shared machine is noisy, so nothing is compared across time: each round runs every contestant once, and ratios are
taken within rounds.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from gan.training.run import Run

INPUT, CHUNK = "benchmark_input", "benchmark_chunk"  # what the profiler calls the two parts of a window

Contestant = Callable[[int], float | None]  # steps -> seconds a step; None: it gave up


class Spread(NamedTuple):
    """The least, the median and the greatest of some numbers."""

    least: float
    median: float
    greatest: float


class Timing(NamedTuple):
    """Of one contestant: seconds a step, its number of windows, and the first contestant's seconds over its own.

    `speedup` is taken within rounds: above 1 the contestant is faster than the first.
    """

    seconds: Spread
    windows: int
    speedup: Spread


def window(run: Run, steps: int) -> float:
    """Trains `steps` steps as the loop does, reading the data included; returns seconds a step.

    What is read ahead meanwhile for as many further steps belongs to it: otherwise it would take the next one's time.
    """
    begin, step = time.perf_counter(), run.step
    with tf.profiler.experimental.Trace(INPUT):
        inputs = run.feed.read(step, steps)
    with tf.profiler.experimental.Trace(CHUNK):
        for done in range(0, steps, run.chunk.most_steps):
            part = slice(done, done + run.chunk.most_steps)
            run.chunk(step + done, *(array[part] for array in inputs))  # waits for the device
    run.batches.wait()
    return (time.perf_counter() - begin) / steps


def alternate(
    contestants: Mapping[str, Contestant],
    rounds: int,
    steps: int,
    limit_seconds: float = float("inf"),
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds a step of each contestant in each round of windows of `steps` steps, after one step that is not kept.

    A contestant whose next window would take it beyond `limit_seconds`, its first step included, takes part in no
    further round; one window it has at least, unless it gives up itself.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    spent = dict.fromkeys(contestants, 0.0)
    present = list(contestants)
    for i in range(rounds + 1):
        for name in tuple(present):
            begin = clock()
            measured = contestants[name](steps if i else 1)
            spent[name] += (last := clock() - begin)
            if measured is None or (i and spent[name] + last > limit_seconds):
                present.remove(name)
            if i and measured is not None:
                seconds[name].append(measured)
    return seconds


def compared(seconds: Mapping[str, Sequence[float]]) -> dict[str, Timing]:
    """The timings of the contestants that have any; ratios are to the first one, which must have some.

    A contestant that left has fewer windows; they are those of the first rounds.
    """
    first = next(iter(seconds.values()))
    return {
        name: Timing(spread(own), len(own), spread([theirs / mine for theirs, mine in zip(first, own, strict=False)]))
        for name, own in seconds.items()
        if own
    }


def spread(numbers: Sequence[float]) -> Spread:
    """The spread of at least one number."""
    return Spread(min(numbers), statistics.median(numbers), max(numbers))
