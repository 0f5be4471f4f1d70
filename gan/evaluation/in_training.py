"""Evaluation while a run trains: what is measured, where it is kept, and which step is the best so far.

It reads the run's parameters and draws its numbers from addresses of its own: training is to the bit what it would be
without. An evaluation is recorded before its step can be saved, so that a run that is killed and continued finds what
it has measured up to there; what it had measured beyond is removed, measured again and decided as before.
"""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan import build
from gan.config import Config
from gan.data.source import Source
from gan.errors import UserError
from gan.evaluation import comparison, features, record
from gan.evaluation.comparison import Reference
from gan.evaluation.record import Row
from gan.machine import signals
from gan.metrics.suite import BETTER
from gan.runs import checkpoint, workdir
from gan.sampling.sampler import Sampler

_PROTOCOL = comparison.PROTOCOLS["lucic"]
_FEW = 500  # images that are looked at for labels
_SMALL = 1000  # images in a set whose parts may be too small to be measured
_OF_CLASSES = {"inception_score", "class_entropy", "smallest_class_share", "label_agreement"}
_MARK = "in_training"  # in a row: it was measured, or asked for, by the trainer, and not by bin/evaluate alone
_ALWAYS = ("protocol", "data", "k", "seed")  # the same in all evaluations of a run in training
_COMPARABLE = ("num", "features", "extractor")  # evaluations that differ here are of two kinds, each with its best


class Evaluating(NamedTuple):
    """How a run is evaluated. `kind` tells its evaluations from others of the run, as `record.KEY` names them."""

    kind: dict[str, Any]
    metric: str  # by which the best step is chosen
    reference: Callable[[object], Reference]  # made at the first call, which takes its time unless `stop` is true
    conditional: bool
    sample: Sampler


class Found(NamedTuple):
    """An evaluation, whether its step is the best so far, and a line for the person."""

    row: Row
    is_best: bool
    line: str


def check(config: Config, source: Source, folder: Path) -> None:
    """Raises `UserError` for what would end the run in `folder` at its first evaluation, and needs not be tried.

    That is a damaged file of evaluations, and, if evaluation is on, what these data and networks do not have.
    """
    record.read(folder)
    if not config.evaluate_every_steps:
        return
    kind, metric = _features(config, source), config.keep_best
    if kind == "classifier" and source.num_classes < 2:
        raise UserError(
            f"--evaluate_features=classifier needs labels of two classes or more, and {source.name} has "
            f"{source.num_classes or 'none'}; use random"
        )
    held_out = kind == "classifier" and build.held_out(config)
    if held_out and not _has_labels(held_out):
        raise UserError(f"the images held out of {source.name} have no labels; give --evaluate_features=random")
    if source.num_examples < _SMALL:
        try:
            comparison.check_sizes(build.splits(config), _PROTOCOL, config.evaluate_num)
        except UserError as error:
            raise UserError(f"{error}: add images, or give --evaluate_every_steps=0") from None
    if metric in _OF_CLASSES and kind != "classifier":
        raise UserError(f"--keep_best={metric} needs the features of a classifier, these are {kind}; choose another")
    if metric == "label_agreement" and not config.conditional:
        raise UserError(f"--keep_best={metric} needs networks that are told labels: --conditional, or choose another")


def make(config: Config, source: Source, sample: Sampler) -> Evaluating:
    """How a run of this config on this source is evaluated; nothing is opened or computed yet."""
    chosen = _features(config, source)

    made: list[Reference] = []

    def reference(stop: object) -> Reference:
        if not made:
            opened = build.splits(config)
            if chosen == "classifier":
                extractor = features.from_classifier(opened, stop=stop)
            else:
                extractor = features.from_random(opened.train.image_shape)
            made.append(comparison.prepare(opened, extractor, _PROTOCOL, config.evaluate_num, seed=comparison.SEED))
        return made[0]

    kind = {"protocol": _PROTOCOL.name, "num": config.evaluate_num, "features": chosen}
    kind |= {"data": source.fingerprint[:16], "k": comparison.NEIGHBOURS, "seed": comparison.SEED}
    return Evaluating(kind, config.keep_best, reference, config.conditional, sample)


def recorded(parts: Evaluating, folder: Path, step: int, params: Any) -> Row | None:
    """The evaluation of the generator with `params` at `step` that the run in `folder` has already, if it has one."""
    own = parts.kind | {"step": step, "generator": comparison.generator_identity(params)[:16]}
    return next((row for row in record.read(folder) if _fits(row, own)), None)


def evaluate(parts: Evaluating, folder: Path, step: int, params: Any, stop: object = False) -> Found | None:
    """The evaluation of the generator with `params` after `step`, measured and recorded unless it was before.

    None once `stop` is true: nothing is recorded then. Raises `UserError` where the reference cannot be made.
    """
    row = recorded(parts, folder, step, params) or _measured(parts, step, params, stop)
    if row is None:
        return None
    if not row.get(_MARK):
        row = row | {_MARK: True}
        record.record(folder, row)
    before = best(parts, folder, step - 1).get(kind_of(row))
    value = row["metrics"].get(parts.metric)
    is_best = value is not None and (before is None or _rank(row, parts.metric) > _rank(before, parts.metric))
    return Found(row, is_best, _line(parts.metric, folder, row, row if is_best else before))


def best(parts: Evaluating, folder: Path, last_step: int) -> dict[tuple, Row]:
    """The trainer's best evaluation up to `last_step` whose checkpoint is there, of equal ones the first, by `kind_of`.

    There may be several kinds: the settings may have been others before, and a classifier that another machine has
    trained is another one.
    """
    always = {name: parts.kind[name] for name in _ALWAYS}
    there = {step for step in checkpoint.steps(folder / workdir.CHECKPOINTS) if step <= last_step}
    found: dict[tuple, Row] = {}
    for row in record.read(folder):
        measured = row.get(_MARK) and row["metrics"].get(parts.metric) is not None
        if measured and row["step"] in there and _fits(row, always):
            before = found.get(kind_of(row))
            if before is None or _rank(row, parts.metric) > _rank(before, parts.metric):
                found[kind_of(row)] = row
    return found


def kind_of(row: Row) -> tuple:
    """What two evaluations in training must have in common for one to be better than the other."""
    return tuple(row[name] for name in _COMPARABLE)


def _has_labels(source: Source) -> bool:
    """Whether any of a few hundred images has a label."""
    return bool(np.any(source.read(comparison.chosen(source, _FEW))[1] >= 0))


def _features(config: Config, source: Source) -> str:
    """The features that the config asks for, of these data."""
    if config.evaluate_features != "auto":
        return config.evaluate_features
    return "classifier" if source.num_classes > 1 else "random"


def _measured(parts: Evaluating, step: int, params: Any, stop: object) -> Row | None:
    """A new evaluation; None once `stop` is true."""
    if stop:
        return None
    try:
        reference = parts.reference(stop)
        labels = comparison.wanted_labels(reference.splits.train, reference.num) if parts.conditional else None
        batches = signals.until(stop, parts.sample(params, comparison.SEED, reference.num, labels))
        values = comparison.measure(reference, batches, labels)
    except signals.Stopped:
        return None
    named = comparison.key(reference, step, comparison.generator_identity(params))
    return comparison.row(reference, named, values)


def _fits(row: Row, kind: Mapping[str, Any]) -> bool:
    return all(row[name] == value for name, value in kind.items())


def _rank(row: Row, metric: str) -> float:
    """The value of the metric, turned so that more is better."""
    return BETTER[metric] * row["metrics"][metric]


def _line(metric: str, folder: Path, row: Row, best_row: Row | None) -> str:
    """What a person should know of an evaluation."""
    value, floor = (row[where].get(metric) for where in ("metrics", "floor"))
    text = f"step {row['step']}: {metric} {_number(value)}, floor {_number(floor)} "
    text += f"({row['num']:,} images, {row['features']} features)"
    if best_row is None:
        return text
    if best_row is row:
        text += "; the best so far"
    else:
        text += f"; the best so far was {_number(best_row['metrics'][metric])}"
    return f"{text}: bin/sample --workdir={shlex.quote(str(folder))} --step={best_row['step']}"


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4g}"
