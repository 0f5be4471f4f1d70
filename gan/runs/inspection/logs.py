"""The log of a run: metrics.jsonl whole and without gaps, and TensorBoard's events equal to it."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan.errors import UserError
from gan.runs import log, metrics_log
from gan.runs.inspection import cadences
from gan.runs.inspection.parts import Part, Problem, Scope, listed
from gan.storage import event_files
from gan.storage.refusals import storage_errors

_CADENCE = "log_every_steps"

Rows = dict[int, Mapping[str, Any]]  # by step, up to that of the scope


class Metrics(NamedTuple):
    """The part on metrics.jsonl, and its rows."""

    part: Part
    rows: Rows


def metrics(scope: Scope) -> Metrics:
    """Looks at metrics.jsonl."""
    path = scope.folder / metrics_log.FILE_NAME
    with storage_errors(path):
        lines = metrics_log.lines(path) if path.exists() else []
    problems = _torn(lines, scope)
    steps = [row["step"] for _, row in lines if row is not None]
    if wrong := {after for before, after in zip(steps, steps[1:], strict=False) if after <= before}:
        problems.append(Problem(f"metrics.jsonl has {listed(wrong)} twice or out of order", lost=True))
    if missing := set(cadences.due(scope, _CADENCE)) - set(steps):
        problems.append(Problem(f"metrics.jsonl lacks {listed(missing)}", lost=True))
    rows = {row["step"]: row for _, row in lines if row is not None and row["step"] <= scope.step}
    beyond = len(steps) - len(rows)
    text = f"{len(rows):,} lines up to step {scope.step}" + f", {beyond:,} beyond" * (beyond > 0 and not wrong)
    return Metrics(Part(metrics_log.FILE_NAME, text, tuple(problems)), rows)


def _torn(lines: list[tuple[bytes, Any]], scope: Scope) -> list[Problem]:
    """Lines that are none; the last may be being written."""
    broken = [number for number, (line, row) in enumerate(lines, start=1) if row is None and line.strip()]
    problems = []
    if inner := [number for number in broken if number < len(lines)]:
        problems.append(Problem(f"metrics.jsonl is damaged in line {inner[0]}", lost=True))
    if lines and lines[-1][0] and not scope.at_work:
        problems.append(Problem("metrics.jsonl ends in a torn line", lost=False))
    return problems


def events(scope: Scope, rows: Rows, drawn: Collection[int]) -> Part:
    """Looks at the event files of the training, which must tell what `rows` tell, and have the grids `drawn`."""
    folder = scope.folder / log.FOLDER
    count, problems, found = _read(folder, scope)
    for tag, steps in found.twice.items():
        problems.append(Problem(f"train/ has {tag} of {listed(steps)} twice", lost=True))
    there = {step for steps in found.scalars.values() for step in steps}
    if missing := rows.keys() - there:
        problems.append(Problem(f"train/ lacks {listed(missing)}, which metrics.jsonl has", lost=True))
    if surplus := there - rows.keys():
        problems.append(Problem(f"train/ has {listed(surplus)}, which metrics.jsonl lacks", lost=True))
    if missing := set(drawn) - found.pictures:
        problems.append(Problem(f"train/ lacks the grid of {listed(missing)}", lost=True))
    if other := _first_difference(found.scalars, rows):
        problems.append(Problem(other, lost=True))
    text = f"{count} event file{'s' * (count != 1)}, scalars of {len(there):,} steps, {len(found.pictures)} pictures"
    return Part(f"{log.FOLDER}/", text, tuple(problems))


def readable(scope: Scope, name: str) -> Part:
    """Looks at the event files in a folder of this name alone."""
    count, problems, _ = _read(scope.folder / name, scope)
    return Part(f"{name}/", f"{count} event file{'s' * (count != 1)}", tuple(problems))


class _Told(NamedTuple):
    """What the events of a folder tell up to a step: scalars by tag and step, steps with a grid, what comes twice."""

    scalars: dict[str, dict[int, float]]
    pictures: set[int]
    twice: dict[str, set[int]]


def _read(folder: Path, scope: Scope) -> tuple[int, list[Problem], _Told]:
    """The number of event files in a folder, what is wrong with each, and what they tell."""
    problems: list[Problem] = []
    told = _Told({}, set(), {})
    paths = sorted(folder.glob(f"{event_files.PREFIX}*"))
    for path in paths:
        try:
            content = event_files.read(path)
        except UserError as error:
            if path.exists():  # else the trainer has begun another meanwhile
                problems.append(Problem(str(error), lost=True))
            continue
        if content.altered:
            problems.append(Problem(f"{folder.name}/{path.name} was altered: a checksum is wrong", lost=True))
        if content.rest and not scope.at_work:
            problems.append(Problem(f"{folder.name}/{path.name} ends in a torn record", lost=False))
        for event in content.events:
            if event.step <= scope.step:
                _enter(event, told)
    return len(paths), problems, told


def _enter(event: event_files.Event, told: _Told) -> None:
    """Enters what an event tells."""
    for value in event.summary.value:
        plugin = value.metadata.plugin_data.plugin_name
        if plugin == "images":
            told.pictures.add(event.step)
        elif plugin == "scalars":
            steps = told.scalars.setdefault(value.tag, {})
            if event.step in steps:
                told.twice.setdefault(value.tag, set()).add(event.step)
            steps[event.step] = _number(value.tensor)


def _number(tensor: Any) -> float:
    """The float32 [] in a tensor of an event."""
    if tensor.float_val:
        return tensor.float_val[0]
    return float(np.frombuffer(tensor.tensor_content, "<f4")[0]) if len(tensor.tensor_content) == 4 else math.nan


def _first_difference(scalars: Mapping[str, Mapping[int, float]], rows: Rows) -> str:
    """A line on a value that events and rows have otherwise; empty if there is none."""
    for step in sorted({step for values in scalars.values() for step in values} & rows.keys()):
        here = {tag: values[step] for tag, values in scalars.items() if step in values}
        for tag in sorted(here.keys() | rows[step].keys() - {"step"}):
            value, expected = here.get(tag), rows[step].get(tag, "none")
            if value is None or not _is_same(value, expected):
                return f"train/ has another {tag} at step {step} than metrics.jsonl: {value}, not {expected}"
    return ""


def _is_same(value: float, expected: Any) -> bool:
    """Whether an event's float32 is the number of a line, where null stands for what is not finite."""
    if expected is None:
        return not math.isfinite(value)
    return isinstance(expected, int | float) and value == np.float32(expected)
