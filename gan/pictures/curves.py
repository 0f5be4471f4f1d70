"""Loss curves of runs as a picture: raw thin, smoothed thick, over steps below and epochs above, a panel a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan.errors import UserError
from gan.pictures.figures import blank, own_settings, write_figure
from gan.text import printable

Row = Mapping[str, Any]  # the metrics of a step by name, with the step

COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
PANELS_PER_ROW = 3
# Panels share their y axis unless one of them would be squeezed into less than this share of it.
LEAST_SHARE = 0.2


class Logged(NamedTuple):
    """A run to draw: its label and the rows of its log."""

    name: str
    rows: list[Row]


def series(rows: Sequence[Row], metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps [N] and values [N] of `metric` in the rows that have it; null (not finite) is NaN, a gap in the curve."""
    points = [(row["step"], row[metric]) for row in rows if metric in row]
    steps = np.array([step for step, _ in points], np.float64)
    return steps, np.array([np.nan if value is None else value for _, value in points], np.float64)


def smoothed(values: np.ndarray, weight: float) -> np.ndarray:
    """The debiased exponential moving average of `values` [N]: s = weight s + (1 - weight) v, over 1 - weight^n.

    Dividing by the sum of the weights so far frees it from the zero it starts at. NaN stays NaN and counts for nothing.
    """
    average, mass = 0.0, 0.0
    result = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if np.isfinite(value):
            average = weight * average + (1 - weight) * value
            mass = weight * mass + (1 - weight)
            result[i] = average / mass
    return result


@own_settings()
def write_curves(
    path: str | Path, runs: Sequence[Logged], metrics: Sequence[str], smoothing: float, title: str = ""
) -> None:
    """Writes the curves of `metrics` of `runs` as PNG to `path`.

    Raises `UserError` for a metric that a run does not have, naming those it has, and `StorageError`.
    """
    for run in runs:
        _check(run, metrics)
    columns = min(len(runs), PANELS_PER_ROW)
    rows = -(-len(runs) // columns)
    size = (7.2 if columns == 1 else 5.2 * columns, 4.3 * rows + (0.4 if title else 0.0))
    figure = blank(figsize=size, dpi=130, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(runs) :]:
        axes.set_visible(False)
    for axes, run, limits in zip(panels, runs, _limits(runs, metrics, smoothing), strict=False):
        _panel(axes, run, metrics, smoothing, limits)
    if title:
        figure.suptitle(printable(title), fontsize=13, parse_math=False)
    write_figure(path, figure)


def _check(run: Logged, metrics: Sequence[str]) -> None:
    """Raises `UserError` if the run has nothing to draw, or not these metrics."""
    names = list(dict.fromkeys(name for row in run.rows for name in row if name != "step"))
    if not names:
        raise UserError(f"{run.name} has no metrics yet; train it for a few steps first")
    if missing := [metric for metric in metrics if metric not in names]:
        raise UserError(f"{run.name} has no metric {', '.join(missing)}; --metrics can name {', '.join(names)}")


def _panel(axes, run: Logged, metrics: Sequence[str], smoothing: float, limits: tuple[float, float]) -> None:
    """Draws one run."""
    from matplotlib.ticker import MaxNLocator

    for i, metric in enumerate(metrics):
        steps, values = series(run.rows, metric)
        color = COLORS[i % len(COLORS)]
        dot = "." if np.isfinite(values).sum() == 1 else ""
        if smoothing:
            axes.plot(steps, values, color=color, linewidth=0.7, alpha=0.3)
        axes.plot(steps, smoothed(values, smoothing), color=color, linewidth=1.9, marker=dot, label=metric)
    if limits[0] < 0:
        axes.axhline(0, color="black", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1.5)
    if smoothing:
        axes.plot([], [], color="gray", linewidth=0.7, label="not smoothed")
    axes.set_ylim(limits)
    axes.set_xlim(0, 1.01 * run.rows[-1]["step"] or 1)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("step")
    axes.set_title(printable(run.name), fontsize=11, parse_math=False)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.spines[["right"]].set_visible(False)
    axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none", fontsize=9)
    _add_epochs(axes, run.rows)


def _add_epochs(axes, rows: Sequence[Row]) -> None:
    """A second x axis of epochs, if the log has them: epochs are proportional to steps."""
    last = next((row for row in reversed(rows) if row.get("epoch") and row["step"]), None)
    if last is None:
        axes.spines["top"].set_visible(False)
        return
    per_step = last["epoch"] / last["step"]
    epochs = axes.secondary_xaxis("top", functions=(lambda x: x * per_step, lambda x: x / per_step))
    epochs.set_xlabel("epoch", fontsize=9)
    epochs.tick_params(labelsize=8)


def _limits(runs: Sequence[Logged], metrics: Sequence[str], smoothing: float) -> list[tuple[float, float]]:
    """The y range of each panel: one for all, unless that would squeeze one of them."""
    ranges = [_range(run, metrics, smoothing) for run in runs]
    common = min(low for low, _ in ranges), max(high for _, high in ranges)
    share = min(high - low for low, high in ranges) / (common[1] - common[0])
    chosen = [common] * len(runs) if share >= LEAST_SHARE else ranges
    return [(low - 0.05 * (high - low), high + 0.05 * (high - low)) for low, high in chosen]


def _range(run: Logged, metrics: Sequence[str], smoothing: float) -> tuple[float, float]:
    """The values to show: all smoothed ones, and the raw ones but for single spikes (outside the 0.5-99.5 % range)."""
    shown = []
    for metric in metrics:
        values = series(run.rows, metric)[1]
        finite = values[np.isfinite(values)]
        if len(finite):
            shown += [*np.percentile(finite, (0.5, 99.5)), *smoothed(finite, smoothing)]
    low, high = (min(shown), max(shown)) if shown else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
