"""How long a training takes to a quality: the points that it went through, and which of them decides.

A line is passed by the first evaluation at or beyond it. Whatever was measured later, or after more than the limit of
minutes, plays no part; nor does an evaluation out of turn, such as at the end by a lower limit. So the same training
answers for any line and any limit, and alike whatever it was asked first.
"""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from gan.bench.lines import Line
from gan.metrics.suite import BETTER

REACHED, OUT_OF_TIME, DIVERGED = "reached", "out of time", "diverged"


class Spent(NamedTuple):
    """What a training took up to a step: seconds and joules of its steps alone, and all seconds by the clock.

    `joules` is None where the machine does not tell.
    """

    step: int
    seconds: float
    joules: float | None
    wall_seconds: float


class Point(NamedTuple):
    """A value of the metric, what it took, and the real images seen; the value is None where it was not finite."""

    spent: Spent
    images: int
    value: float | None


class Outcome(NamedTuple):
    """How a training ended, and the point that it ended with, if it came to any."""

    how: str  # one of the words above
    point: Point | None


class Summary(NamedTuple):
    """Of one contestant's trainings that reached the line, in the order of their seeds."""

    trained: int
    reached: int
    minutes: list[float]
    images: list[int]
    joules: list[float]  # empty where not every one has them
    wall_minutes: list[float]


def passes(line: Line, value: float | None) -> bool:
    """Whether a value is at the line or beyond it."""
    way = BETTER[line.metric]
    return value is not None and way * value >= way * line.value


def within(points: Sequence[Point], limit_seconds: float) -> list[Point]:
    """The points up to so many seconds of training."""
    return [point for point in points if point.spent.seconds <= limit_seconds]


def outcome(
    points: Sequence[Point], seconds: float, line: Line, limit_seconds: float, diverged: bool = False
) -> Outcome | None:
    """How a training of so many seconds, with these points, ended; None if it has to go on."""
    counted = within(points, limit_seconds)
    for point in counted:
        if passes(line, point.value):
            return Outcome(REACHED, point)
    last = counted[-1] if counted else None
    if seconds >= limit_seconds:
        return Outcome(OUT_OF_TIME, last)
    return Outcome(DIVERGED, last) if diverged else None


def summary(outcomes: Sequence[Outcome]) -> Summary:
    """Of the outcomes of a contestant, one a seed."""
    points = [ended.point for ended in outcomes if ended.how == REACHED]
    joules = [point.spent.joules for point in points]
    return Summary(
        trained=len(outcomes),
        reached=len(points),
        minutes=[point.spent.seconds / 60 for point in points],
        images=[point.images for point in points],
        joules=[] if None in joules else joules,
        wall_minutes=[point.spent.wall_seconds / 60 for point in points],
    )


def speedup(first: Sequence[Outcome], other: Sequence[Outcome]) -> float | None:
    """How many times as fast as the first the other was: the median over the seeds with which both reached the line."""
    ratios = [
        one.point.spent.seconds / two.point.spent.seconds
        for one, two in zip(first, other, strict=False)
        if one.how == two.how == REACHED
    ]
    return statistics.median(ratios) if ratios else None
