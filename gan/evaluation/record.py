"""What was measured of a run: evaluations.jsonl in its folder, one JSON object a line, and TensorBoard's eval/.

Several processes may add to it, a trainer among them: each waits for the other for the moment of writing. The file is
replaced as a whole, and the events in eval/ are made from it at each change.
"""

import contextlib
import fcntl
import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan.errors import UserError
from gan.metrics.suite import NEIGHBOURS, SEED
from gan.storage import event_files
from gan.storage.files import free_name, make_folder, read_bytes, write_atomically
from gan.storage.refusals import storage_errors
from gan.storage.targets import open_lock

FILE_NAME = "evaluations.jsonl"
FOLDER = "eval"
_LOCK = ".evaluations.lock"
_DIGITS = 16  # of an identity, in a key
# The order of the fields in a line, after those of the key.
_ORDER = (
    "images", "metrics", "floor", "real_samples", "floor_samples", "meaning", "time", "in_training", "score_samples",
    "degenerate",
)  # fmt: skip
_OURS = ("classifier", "random")  # features; of any others there may be several of one name

Figures = Mapping[str, float | None]  # by the name of the metric; None where it was not finite


class Key(NamedTuple):
    """What an evaluation is of; two of one key have the same values, so that the second can be spared.

    Made by `key`. Of the keys that differ in the generator alone, a run keeps the last one's evaluation.
    """

    step: int
    protocol: str
    num: int  # generated images
    features: str  # their kind
    extractor: str
    data: str
    k: int
    seed: int
    generator: str


class Evaluation(NamedTuple):
    """What was measured of a generator, or of images in files, beside the floor: the same of real images."""

    key: Key
    metrics: Figures
    floor: Figures
    real_samples: int  # images that the generated ones were compared with
    floor_samples: int
    meaning: Mapping[str, str]  # a line on each of features, sizes and floor
    time: str
    in_training: bool = False  # measured, or asked for, by the trainer
    score_samples: int = 0  # generated images that the classification accuracy score is of; 0: it has none
    images: str = ""  # path of images in files that were measured in the place of a run
    degenerate: str = ""  # what keeps the figures from meaning what they say: images that are all the same
    further: Mapping[str, Any] = MappingProxyType({})  # what another version wrote beside: kept as it is


def key(
    *, step: int, protocol: str, num: int, features: str, extractor: str, data: str, k: int, seed: int, generator: str
) -> Key:
    """The key of an evaluation from the full identities of extractor, data and generator, which it holds shortened."""
    extractor, data, generator = (identity[:_DIGITS] for identity in (extractor, data, generator))
    return Key(step, protocol, num, features, extractor, data, k, seed, generator)


def generator_identity(params: Any) -> str:
    """sha256 (hex) of a generator's parameters."""
    digest = hashlib.sha256()
    for tensor in tf.nest.flatten(params):
        digest.update(np.asarray(tensor).tobytes())
    return digest.hexdigest()


def finite(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """`values` for an evaluation, None in the place of what is not finite: strict JSON has no number for it."""
    return {name: value if value is not None and math.isfinite(value) else None for name, value in values.items()}


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as a flat object for JSON: the names of its key first, and what it does not have is left out."""
    fields, absent = evaluation._asdict(), Evaluation._field_defaults
    there = {name: fields[name] for name in _ORDER if name not in absent or fields[name] != absent[name]}
    return {**evaluation.key._asdict(), **there, **evaluation.further}


def from_json(row: Mapping[str, Any]) -> Evaluation:
    """The evaluation that `to_json` made `row` of; raises `ValueError`, `KeyError` or `TypeError` for a damaged one."""
    left = dict(row)
    return Evaluation(
        Key(*(_taken(left, name, kind) for name, kind in Key.__annotations__.items())),
        metrics=_taken_figures(left, "metrics"),
        floor=_taken_figures(left, "floor"),
        real_samples=_taken(left, "real_samples", int),
        floor_samples=_taken(left, "floor_samples", int),
        meaning=_taken(left, "meaning", dict),
        time=_taken(left, "time", str),
        in_training=_taken(left, "in_training", bool, False),
        score_samples=_taken(left, "score_samples", int, 0),
        images=_taken(left, "images", str, ""),
        degenerate=_taken(left, "degenerate", str, ""),
        further=left,
    )


def read(workdir: Path) -> list[Evaluation]:
    """The evaluations of a run by step; empty where there are none. Raises `UserError` if the file is damaged."""
    evaluations = _read(Path(workdir) / FILE_NAME)
    if None in evaluations:
        number = evaluations.index(None) + 1
        raise UserError(f"{Path(workdir) / FILE_NAME} is damaged in line {number}; remove that line")
    return evaluations


def mend(workdir: Path) -> Path | None:
    """Takes damaged lines out of the evaluations; the path of a copy as it was, None if there are none such.

    Raises `StorageError`.
    """
    path = Path(workdir) / FILE_NAME
    if None not in _read(path):
        return None
    with _locked(path.parent):
        kept = free_name(path)
        write_atomically(kept, read_bytes(path))
        _write(path.parent, [evaluation for evaluation in _read(path) if evaluation])
    return kept


def _read(path: Path) -> list[Evaluation | None]:
    """The evaluation in each line of a file, None where it is damaged."""
    with storage_errors(path):
        lines = read_bytes(path).splitlines() if path.exists() else []
    return [_parsed(line) for line in lines]


def _parsed(line: bytes) -> Evaluation | None:
    try:
        return from_json(json.loads(line))
    except (ValueError, KeyError, TypeError, OverflowError, AttributeError, RecursionError):
        return None


def add(workdir: Path, evaluation: Evaluation) -> None:
    """Adds an evaluation, in the place of one whose key differs in the generator at most; shows all in TensorBoard.

    Of the same generator, what had been measured then and was not now is kept. Raises `StorageError`, and `UserError`
    if the file there is damaged.
    """
    workdir = Path(workdir)
    with _locked(workdir):
        there = read(workdir)
        kept = [old for old in there if _of_any_generator(old.key) != _of_any_generator(evaluation.key)]
        for old in there:
            if old.key == evaluation.key:
                evaluation = _joined(old, evaluation)
        _write(workdir, sorted([*kept, evaluation], key=lambda each: each.key.step))


def remove_later(workdir: Path, step: int) -> None:
    """Removes the evaluations beyond `step`, where a run goes on that may take another way now.

    Raises `StorageError`, and `UserError` if the file is damaged.
    """
    workdir = Path(workdir)
    if any(evaluation.key.step > step for evaluation in read(workdir)):
        with _locked(workdir):
            _write(workdir, [evaluation for evaluation in read(workdir) if evaluation.key.step <= step])


def _taken(row: dict[str, Any], name: str, kind: type, *default: Any) -> Any:
    """What `row` held by the name and holds no more; raises `KeyError`, and `TypeError` unless it is of the kind."""
    value = row.pop(name, *default)
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {kind.__name__}; it is {value!r}")
    return value


def _taken_figures(row: dict[str, Any], name: str) -> Figures:
    """The same, of numbers by name; raises `TypeError` for others."""
    return finite(_taken(row, name, dict))


def _of_any_generator(named: Key) -> Key:
    return named._replace(generator="")


def _joined(old: Evaluation, new: Evaluation) -> Evaluation:
    """The new evaluation of a generator, with what only the old one has."""
    return new._replace(
        metrics={**old.metrics, **new.metrics},
        floor={**old.floor, **new.floor},
        in_training=old.in_training or new.in_training,
        score_samples=new.score_samples or old.score_samples,
        images=new.images or old.images,
        further={**old.further, **new.further},
    )


def _group(named: Key) -> str:
    """PROTOCOL-NUM-FEATURES, the first part of an evaluation's tags in TensorBoard.

    What is not as in the evaluations of a training is in it, too: k, seed, which model of yours.
    """
    group = f"{named.protocol}-{named.num}-{named.features}"
    group += f"-k{named.k}" * (named.k != NEIGHBOURS) + f"-seed{named.seed}" * (named.seed != SEED)
    return group if named.features in _OURS else f"{group}-{named.extractor[:6]}"


def _tags(evaluation: Evaluation, group: str) -> dict[str, float]:
    """The scalars of an evaluation by their tags: GROUP/METRIC, and the floor beside."""
    scalars = {f"{group}/{name}": value for name, value in evaluation.metrics.items()}
    scalars |= {f"{group}-floor/{name}": value for name, value in evaluation.floor.items()}
    return {tag: value for tag, value in scalars.items() if value is not None}


def _write(workdir: Path, evaluations: list[Evaluation]) -> None:
    """Replaces all evaluations by these."""
    text = "".join(json.dumps(to_json(evaluation), allow_nan=False) + "\n" for evaluation in evaluations)
    write_atomically(workdir / FILE_NAME, text)
    _show(workdir / FOLDER, evaluations)


def _show(folder: Path, evaluations: list[Evaluation]) -> None:
    """Writes the events of all evaluations into a new file, and removes those before.

    Figures of two data sets or of two extractors make two curves, though both are called a classifier.
    """
    groups = [_group(evaluation.key) for evaluation in evaluations]
    measures: dict[str, set] = {}
    for evaluation, group in zip(evaluations, groups, strict=True):
        measures.setdefault(group, set()).add((evaluation.key.extractor, evaluation.key.data))
    with storage_errors(folder):
        make_folder(folder)
    events = event_files.EventFile(folder, step=0)
    try:
        for evaluation, group in zip(evaluations, groups, strict=True):
            if len(measures[group]) > 1:
                group += f"-{evaluation.key.extractor[:6]}-{evaluation.key.data[:6]}"
            summary = _summary(_tags(evaluation, group))
            events.write(event_files.Event(step=evaluation.key.step, wall_time=time.time(), summary=summary))
    finally:
        events.close()


def _summary(scalars: Mapping[str, float]) -> event_files.Summary:
    """Scalars by their tags, as TensorBoard reads them."""
    metadata = event_files.SummaryMetadata(plugin_data={"plugin_name": "scalars"}, data_class="DATA_CLASS_SCALAR")
    summary = event_files.Summary()
    for tag, number in scalars.items():
        summary.value.add(tag=tag, tensor=tf.make_tensor_proto(float(number), tf.float32), metadata=metadata)
    return summary


@contextlib.contextmanager
def _locked(workdir: Path) -> Iterator[None]:
    """Holds the evaluations of a run for this process."""
    path = workdir / _LOCK
    with storage_errors(path):
        descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
