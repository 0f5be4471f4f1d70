"""What a time to quality came to, as lines and a table for people and as values for JSON."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from gan.bench import quality, trial
from gan.bench.lines import Line
from gan.bench.quality import Outcome, Point, Summary
from gan.bench.trainings import mean_and_deviation
from gan.bench.trial import Trial
from gan.metrics.suite import BETTER
from gan.training import cadence

Trials = Mapping[str, Sequence[Trial]]
Outcomes = Mapping[str, Sequence[Outcome]]


def heading(line: Line, minutes: float, trials: Trials) -> str:
    """What is measured, and how it is decided."""
    first = next(iter(trials.values()))[0]
    limit = "" if minutes == math.inf else f"; a training ends after {minutes:g} minutes of its own without one"
    way = {1: "at least", -1: "at most"}[BETTER[line.metric]]
    return (
        f"time to a {line.metric} of {way} {line.value:g}: {', '.join(trials)}\n"
        f"decided by the first evaluation there, of {first.config.evaluate_num:,} images{limit}\n"
        f"minutes are those of the steps alone; trainings are kept in {first.out}"
    )


def point(name: str, of: Trial, reached: Point) -> str:
    """A line on an evaluation."""
    value = "not finite" if reached.value is None else f"{reached.value:.4g}"
    return (
        f"{name}, seed {of.config.seed}: {reached.spent.seconds / 60:.2f} min, {reached.images:,} images, "
        f"{of.config.keep_best} {value}"
    )


def ended(name: str, of: Trial, outcome: Outcome) -> str:
    """A line on how a training ended."""
    if not outcome.point:
        return f"{name}, seed {of.config.seed}: {outcome.how} before its first evaluation"
    return f"{point(name, of, outcome.point)}: {outcome.how}"


def table(trials: Trials, outcomes: Outcomes) -> str:
    """A line for each contestant: means and deviations over the seeds with which it reached the line."""
    summaries = {name: quality.summary(ended) for name, ended in outcomes.items()}
    width = max([10, *map(len, summaries)]) + 2
    heads = ("reached", "minutes", "images", "kJ", "wall minutes", "times as fast")
    rows = [(name, _cells(found, _speed(outcomes, name))) for name, found in summaries.items()]
    widths = [max(len(head), *(len(cells[i]) for _, cells in rows)) + 2 for i, head in enumerate(heads)]
    return "\n".join(
        f"{name:<{width}}" + "".join(f"{cell:>{wide}}" for cell, wide in zip(cells, widths, strict=True))
        for name, cells in [("settings", heads), *rows]
    )


def as_json(line: Line, minutes: float, trials: Trials, outcomes: Outcomes) -> dict[str, Any]:
    """All of it as values; times in minutes of training where nothing else is said."""
    return {
        "metric": line.metric,
        "to": line.value,
        "better": {1: "more", -1: "less"}[BETTER[line.metric]],
        "limit_minutes": None if minutes == math.inf else minutes,
        "notes": notes(line, trials, outcomes),
        "contestants": {
            name: {
                "settings": vars(of[0].config),
                "trials": [_trial(each, ended, minutes) for each, ended in zip(of, outcomes[name], strict=True)],
                "summary": _summary(quality.summary(outcomes[name])),
                "times_as_fast": _speed(outcomes, name),
            }
            for name, of in trials.items()
        },
    }


def notes(line: Line, trials: Trials, outcomes: Outcomes) -> list[str]:
    """What a reader must know of the figures."""
    found = []
    for name, of in trials.items():
        config, summary = of[0].config, quality.summary(outcomes[name])
        every = config.evaluate_every_steps * cadence.images_per_step(config)
        found.append(f"{name}: evaluated every {every:,} images{_late(summary, every)}")
        if 0 < summary.reached < summary.trained:
            found.append(f"{name}: means of the {summary.reached} of {summary.trained} trainings that came so far")
        numerics = [facts["numerics"] for facts in map(trial.facts, of) if "numerics" in facts]
        precisions = {each["precision"] for each in numerics}
        if len(precisions) > 1:
            found.append(f"{name}: trained in {' and in '.join(sorted(precisions))}; give --precision")
    every_trial = [each for of in trials.values() for each in of]
    floors = [floor for floor in map(trial.floor, every_trial) if floor is not None]
    if floors and not quality.passes(line, floors[0]):
        found.append(f"other real images have a {line.metric} of {floors[0]:.4g}: the line is beyond them")
    versions = [version for each in every_trial for version in trial.facts(each).get("versions", [])]
    if any(version != versions[0] for version in versions):
        found.append("not all was trained by one version of the program and its libraries; --out has them")
    return found


def _late(summary: Summary, every: int) -> str:
    """How much earlier the line may have been passed: the minutes that so many images take; empty if it never was."""
    if not summary.reached:
        return ""
    minutes = every * sum(summary.minutes) / sum(summary.images)
    return f": the line may have been passed up to {minutes:.2g} minutes earlier"


def _cells(summary: Summary, speed: float | None) -> tuple[str, ...]:
    """The texts of a contestant's line."""
    return (
        f"{summary.reached} of {summary.trained}",
        mean_and_deviation(summary.minutes, 2),
        mean_and_deviation(summary.images, 0),
        mean_and_deviation([joules / 1e3 for joules in summary.joules], 1),
        mean_and_deviation(summary.wall_minutes, 2),
        "-" if speed is None else f"{speed:.2f}",
    )


def _speed(outcomes: Outcomes, name: str) -> float | None:
    return quality.speedup(next(iter(outcomes.values())), outcomes[name])


def _summary(of: Summary) -> dict[str, Any]:
    """Mean and deviation of each figure; None where there is none."""
    figures = {name: values for name, values in of._asdict().items() if isinstance(values, list)}
    return {"trained": of.trained, "reached": of.reached} | {
        name: {
            "mean": statistics.fmean(values) if values else None,
            "deviation": statistics.stdev(values) if len(values) > 1 else None,
        }
        for name, values in figures.items()
    }


def _trial(of: Trial, outcome: Outcome, minutes: float) -> dict[str, Any]:
    """A training: how it ended, where, and all that it went through up to there or to the limit."""
    kept = trial.facts(of)
    facts = {name: kept.get(name) for name in ("machine", "versions", "numerics", "diverged") if name in kept}
    curve = [_point(each) for each in quality.within(trial.points(of), 60 * minutes)]
    where = {"seed": of.config.seed, "folder": str(of.folder), "how": outcome.how, "floor": trial.floor(of)}
    return where | {"at": outcome.point and _point(outcome.point), "curve": curve} | facts


def _point(of: Point) -> dict[str, Any]:
    spent = of.spent
    times = {"minutes": spent.seconds / 60, "wall_minutes": spent.wall_seconds / 60, "joules": spent.joules}
    return {"step": spent.step, "images": of.images, "value": of.value} | times
