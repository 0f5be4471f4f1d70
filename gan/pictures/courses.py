"""How a metric went over the minutes of several trainings, as a picture, with the line that they were to pass."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.pictures.curves import COLORS
from gan.pictures.figures import blank, own_settings, write_figure
from gan.text import printable

_DECADE = 10.0  # values that reach so far apart are shown on a logarithmic scale


class Course(NamedTuple):
    """A training: the name that it shares with those of other seeds, and (minutes, value) of each evaluation.

    A value is None where it was not finite: a gap.
    """

    name: str
    points: Sequence[tuple[float, float | None]]


@own_settings()
def write_courses(path: str | Path, courses: Sequence[Course], metric: str, line: float, title: str = "") -> None:
    """Writes the courses as PNG, those of one name in one color; raises `StorageError`."""
    figure = blank(figsize=(7.2, 4.6), dpi=130, layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(course.name for course in courses))
    for course in courses:
        color = COLORS[names.index(course.name) % len(COLORS)]
        minutes = [at for at, _ in course.points]
        values = [np.nan if value is None else value for _, value in course.points]
        axes.plot(minutes, values, color=color, linewidth=1.4, marker="o", markersize=3, alpha=0.85)
    for i, name in enumerate(names):
        axes.plot([], [], color=COLORS[i % len(COLORS)], linewidth=1.9, label=printable(name))
    axes.axhline(line, color="black", linewidth=0.9, linestyle=(0, (4, 3)), label=f"{line:g}")
    if is_logarithmic([value for course in courses for _, value in course.points], line):
        axes.set_yscale("log")
    axes.set_xlim(left=0)
    axes.set_xlabel("minutes of training")
    axes.set_ylabel(metric)
    if title:
        axes.set_title(printable(title), fontsize=11, parse_math=False)
    axes.grid(color="#e4e4e4", linewidth=0.6, which="both")
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)
    for text in axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none", fontsize=9).get_texts():
        text.set_parse_math(False)
    write_figure(path, figure)


def is_logarithmic(values: Sequence[float | None], line: float) -> bool:
    """Whether values and line are positive and so far apart that the small ones could not be told from each other."""
    there = [value for value in (*values, line) if value is not None and math.isfinite(value)]
    return min(there) > 0 and max(there) > _DECADE * min(there)
