"""Evaluation while a run trains: what is measured, where it is kept, and which step is the best so far.

It reads the run's parameters and draws its numbers from addresses of its own: training is to the bit what it would be
without. An evaluation is recorded before its step can be saved, so that a run that is killed and continued finds what
it has measured up to there; what it had measured beyond is removed, measured again and decided as before.
"""

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan import build
from gan.data.source import Source
from gan.errors import UserError
from gan.evaluation import comparison, features, record
from gan.evaluation.comparison import Reference
from gan.evaluation.record import Evaluation, Key
from gan.machine import signals
from gan.metrics import suite
from gan.runs import checkpoint, workdir
from gan.sampling.sampler import Sampler
from gan.settings import Config

_PROTOCOL = comparison.PROTOCOLS["lucic"]
_FEW = 500  # images that are looked at for labels
_SMALL = 1000  # images in a set whose parts may be too small to be measured


class Evaluating(NamedTuple):
    """How a run is evaluated."""

    num: int  # generated images
    features: str
    data: str  # what names the data that it is trained on and measured against
    metric: str  # by which the best step is chosen
    reference: Callable[[object], Reference]  # made at the first call, which takes its time unless `stop` is true
    conditional: bool
    sample: Sampler


class Kind(NamedTuple):
    """What two evaluations of a run in training must have in common for one to be better than the other."""

    num: int
    features: str
    extractor: str


class Outcome(NamedTuple):
    """An evaluation, whether its step is the best so far, and a line for the person."""

    evaluation: Evaluation
    is_best: bool
    line: str


def check(config: Config, source: Source, folder: Path) -> None:
    """Raises `UserError` for what would end the run in `folder` at its first evaluation, and needs not be tried.

    That is a damaged file of evaluations, and, if evaluation is on, what these data and networks do not have.
    """
    record.read(folder)
    unseen = build.held_out(config, source) if config.test_dataset else None  # if it cannot be used, now is the time
    if not config.evaluate_every_steps:
        return
    wanted, metric = _wanted_features(config, source), config.keep_best
    if wanted == "classifier" and source.num_classes < 2:
        raise UserError(
            f"--evaluate_features=classifier needs labels of two classes or more, and {source.name} has "
            f"{source.num_classes or 'none'}; use random"
        )
    held_out = wanted == "classifier" and (unseen or build.held_out(config, source))
    if held_out and not _has_labels(held_out):
        raise UserError(f"the images held out of {source.name} have no labels; give --evaluate_features=random")
    if source.num_examples < _SMALL:
        try:
            comparison.check_sizes(build.splits(config), _PROTOCOL, config.evaluate_num)
        except UserError as error:
            raise UserError(f"{error}: add images, or give --evaluate_every_steps=0") from None
    if "probabilities" in suite.INPUTS[metric] and wanted != "classifier":
        raise UserError(f"--keep_best={metric} needs the features of a classifier, these are {wanted}; choose another")
    if "labels" in suite.INPUTS[metric] and not config.conditional:
        raise UserError(f"--keep_best={metric} needs networks that are told labels: --conditional, or choose another")


def make(config: Config, source: Source, sample: Sampler) -> Evaluating:
    """How a run of this config on this source is evaluated; nothing is computed yet."""
    wanted = _wanted_features(config, source)
    made: list[Reference] = []

    def reference(stop: object) -> Reference:
        if not made:
            splits = build.splits(config)
            if wanted == "classifier":
                extractor = features.from_classifier(splits, stop=stop)
            else:
                extractor = features.from_random(splits.train.image_shape)
            made.append(comparison.prepare(splits, extractor, _PROTOCOL, config.evaluate_num))
        return made[0]

    data = build.data_identity(config, source)
    return Evaluating(config.evaluate_num, wanted, data, config.keep_best, reference, config.conditional, sample)


def recorded(evaluating: Evaluating, folder: Path, step: int, params: Any) -> Evaluation | None:
    """The evaluation of the generator with `params` at `step` that the run in `folder` has already, if it has one."""
    wanted = _key(evaluating, step, record.generator_identity(params))
    there = record.read(folder)
    return next((each for each in there if each.key._replace(extractor=wanted.extractor) == wanted), None)


def evaluate(
    evaluating: Evaluating,
    folder: Path,
    step: int,
    params: Any,
    stop: object = False,
    keeping: Callable[[Callable[[], None]], None] = lambda write: write(),
) -> Outcome | None:
    """The evaluation of the generator with `params` after `step`, measured and recorded unless it was before.

    None once `stop` is true: nothing is recorded then. `keeping` calls the function that records it, more than once if
    the storage refuses. Raises `UserError` where the reference cannot be made.
    """
    evaluation = recorded(evaluating, folder, step, params) or _measured(evaluating, step, params, stop)
    if evaluation is None:
        return None
    if not evaluation.in_training:
        evaluation = evaluation._replace(in_training=True)
        keeping(partial(record.add, folder, evaluation))
    before = best(evaluating, folder, step - 1).get(kind_of(evaluation.key))
    is_best = _is_better(evaluation, before, evaluating.metric)
    return Outcome(evaluation, is_best, _line(evaluating.metric, folder, evaluation, is_best, before))


def best(evaluating: Evaluating, folder: Path, last_step: int) -> dict[Kind, Evaluation]:
    """The trainer's best evaluation up to `last_step` whose checkpoint is there, of equal ones the first, by its kind.

    There may be several kinds: the settings may have been others before, and a classifier that another machine has
    trained is another one.
    """
    own = _of_any_kind(_key(evaluating))
    there = {step for step in checkpoint.steps(folder / workdir.CHECKPOINTS) if step <= last_step}
    found: dict[Kind, Evaluation] = {}
    for evaluation in record.read(folder):
        kind = kind_of(evaluation.key)
        counts = evaluation.in_training and evaluation.key.step in there and _of_any_kind(evaluation.key) == own
        if counts and _is_better(evaluation, found.get(kind), evaluating.metric):
            found[kind] = evaluation
    return found


def kind_of(key: Key) -> Kind:
    """The kind of the evaluation with this key."""
    return Kind(key.num, key.features, key.extractor)


def _key(evaluating: Evaluating, step: int = 0, generator: str = "") -> Key:
    """The key of the run's evaluation of a generator but for the extractor, which is known only once it is made."""
    return record.key(
        step=step,
        protocol=_PROTOCOL.name,
        num=evaluating.num,
        features=evaluating.features,
        extractor="",
        data=evaluating.data,
        k=suite.NEIGHBOURS,
        seed=suite.SEED,
        generator=generator,
    )


def _of_any_kind(key: Key) -> Key:
    """What is the same in all evaluations of a run in training, of whatever kind, step and generator."""
    return key._replace(step=0, generator="", num=0, features="", extractor="")


def _has_labels(source: Source) -> bool:
    """Whether any of a few hundred images has a label."""
    return bool(np.any(source.read(comparison.chosen(source, _FEW))[1] >= 0))


def _wanted_features(config: Config, source: Source) -> str:
    """The features that the config asks for, of these data."""
    if config.evaluate_features != "auto":
        return config.evaluate_features
    return "classifier" if source.num_classes > 1 else "random"


def _measured(evaluating: Evaluating, step: int, params: Any, stop: object) -> Evaluation | None:
    """A new evaluation; None once `stop` is true."""
    if stop:
        return None
    try:
        reference = evaluating.reference(stop)
        labels = comparison.wanted_labels(reference.splits.train, reference.num) if evaluating.conditional else None
        batches = signals.until(stop, evaluating.sample(params, reference.seed, reference.num, labels))
        measured = comparison.measure(reference, batches, labels)
    except signals.Stopped:
        return None
    key = comparison.key(reference, step, record.generator_identity(params))
    return comparison.evaluated(reference, key, measured)


def _is_better(evaluation: Evaluation, other: Evaluation | None, metric: str) -> bool:
    """Whether an evaluation has a value of the metric, and a better one than the other, if there is one, has."""
    value, way = evaluation.metrics.get(metric), suite.BETTER[metric]
    if value is None or other is None:
        return value is not None
    if bool(evaluation.degenerate) != bool(other.degenerate):  # copies of one image may have the best of figures
        return not evaluation.degenerate
    return way * value > way * other.metrics[metric]


def _line(metric: str, folder: Path, evaluation: Evaluation, is_best: bool, before: Evaluation | None) -> str:
    """What a person should know of an evaluation, and of the best one before."""
    key = evaluation.key
    value, floor = (_number(figures.get(metric)) for figures in (evaluation.metrics, evaluation.floor))
    text = f"step {key.step}: {metric} {value}, floor {floor} ({key.num:,} images, {key.features} features)"
    text += f"; DEGENERATE: {evaluation.degenerate}" if evaluation.degenerate else ""
    if is_best:
        text, step = f"{text}; the best so far", key.step
    elif before:
        text, step = f"{text}; the best so far was {_number(before.metrics[metric])}", before.key.step
    else:
        return text
    return f"{text}: bin/sample --workdir={shlex.quote(str(folder))} --step={step}"


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4g}"
