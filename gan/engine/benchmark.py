"""Timing of training steps against each other: alternating windows, medians, paired ratios.

A shared machine is noisy, so nothing is compared across time: each round runs every contestant once, and ratios are
taken within rounds.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from gan.engine.loop import Run


class Timing(NamedTuple):
    """Of one contestant: seconds a step, and the median over the rounds of the first one's seconds divided by its."""

    least: float
    median: float
    greatest: float
    speedup: float


def window(run: Run, steps: int) -> float:
    """Trains `steps` steps as the loop does, reading the data included; returns seconds a step."""
    begin = time.perf_counter()
    images, labels = run.batches.read(int(run.training.state.step.numpy()), steps)
    run.chunk(tf.constant(images), tf.constant(labels))
    run.training.state.step.numpy()  # waits for the device
    return (time.perf_counter() - begin) / steps


def alternate(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each contestant returns in each of the rounds; one round before them is for compiling and is not kept."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for i in range(rounds + 1):
        for name, contestant in contestants.items():
            measured = contestant()
            if i:
                seconds[name].append(measured)
    return seconds


def compared(seconds: Mapping[str, Sequence[float]]) -> dict[str, Timing]:
    """The timings of the contestants; the first is the reference of the ratios."""
    reference = next(iter(seconds.values()))
    return {
        name: Timing(
            min(own),
            statistics.median(own),
            max(own),
            statistics.median(r / s for r, s in zip(reference, own, strict=True)),
        )
        for name, own in seconds.items()
    }
