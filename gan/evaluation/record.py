"""What was measured of a run: evaluations.jsonl in its folder, one JSON object a line, and TensorBoard's eval/.

Several processes may add to it, a trainer among them: each waits for the other for the moment of writing. The file is
replaced as a whole, and the events in eval/ are made from it at each change.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from gan.errors import UserError
from gan.evaluation import comparison
from gan.storage import event_files
from gan.storage.files import write_atomically
from gan.storage.refusals import storage_errors

FILE_NAME = "evaluations.jsonl"
FOLDER = "eval"
_LOCK = ".evaluations.lock"
# What makes two evaluations the same one; of those of one step only the last generator's is kept.
_WHAT = ("step", "protocol", "num", "features", "extractor", "data", "k", "seed")
KEY = (*_WHAT, "generator")
_OURS = ("classifier", "random")  # features; of any others there may be several of one name

Row = dict[str, Any]


def read(workdir: Path) -> list[Row]:
    """The evaluations of a run by step; empty where there are none. Raises `UserError` if the file is damaged."""
    path = Path(workdir) / FILE_NAME
    with storage_errors(path):
        lines = path.read_bytes().splitlines() if path.exists() else []
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            key(row), _tags(row, _group(row))  # both must be there
            rows.append(row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path} is damaged in line {number}; remove that line") from error
    return rows


def key(row: Mapping[str, Any]) -> tuple:
    """What an evaluation is of; two of one key have the same values, so that the second can be spared."""
    return tuple(row[name] for name in KEY)


def record(workdir: Path, row: Row) -> None:
    """Adds an evaluation, in the place of one of the same kind at its step, and shows all in TensorBoard.

    Of the same generator, what had been measured then and was not now is kept. `row` holds what `KEY` names, `metrics`
    and `floor` (numbers by name), and anything else JSON can hold. Raises `StorageError`, and `UserError` if the file
    there is damaged.
    """
    workdir = Path(workdir)
    with _locked(workdir):
        there = read(workdir)
        kept = [old for old in there if _what(old) != _what(row)]
        new = _finite(row)
        for old in there:
            if key(old) == key(row):
                new = old | new | {part: old[part] | new[part] for part in ("metrics", "floor")}
        _write(workdir, sorted([*kept, new], key=lambda each: each["step"]))


def remove_later(workdir: Path, step: int) -> None:
    """Removes the evaluations beyond `step`, where a run goes on that may take another way now.

    Raises `StorageError`, and `UserError` if the file is damaged.
    """
    workdir = Path(workdir)
    if any(row["step"] > step for row in read(workdir)):
        with _locked(workdir):
            _write(workdir, [row for row in read(workdir) if row["step"] <= step])


def _group(row: Mapping[str, Any]) -> str:
    """PROTOCOL-NUM-FEATURES, the first part of an evaluation's tags in TensorBoard.

    What is not as in the evaluations of a training is in it, too: k, seed, which model of yours.
    """
    group = f"{row['protocol']}-{row['num']}-{row['features']}"
    for part, usual in (("k", comparison.NEIGHBOURS), ("seed", comparison.SEED)):
        group += f"-{part}{row[part]}" if row[part] != usual else ""
    return group if row["features"] in _OURS else f"{group}-{row['extractor'][:6]}"


def _tags(row: Mapping[str, Any], group: str) -> dict[str, float]:
    """The scalars of an evaluation by their tags: GROUP/METRIC, and the floor beside."""
    scalars = {f"{group}/{name}": value for name, value in row["metrics"].items()}
    scalars |= {f"{group}-floor/{name}": value for name, value in row["floor"].items()}
    return {tag: value for tag, value in scalars.items() if value is not None}


def _what(row: Mapping[str, Any]) -> tuple:
    return tuple(row[name] for name in _WHAT)


def _write(workdir: Path, rows: list[Row]) -> None:
    """Replaces all evaluations by `rows`."""
    text = "".join(json.dumps(each, allow_nan=False) + "\n" for each in rows)
    write_atomically(workdir / FILE_NAME, text)
    _show(workdir / FOLDER, rows)


def _show(folder: Path, rows: list[Row]) -> None:
    """Writes the events of all rows into a new file, and removes those before.

    Figures of two data sets or of two extractors make two curves, though both are called a classifier.
    """
    groups = [_group(row) for row in rows]
    measures: dict[str, set] = {}
    for row, group in zip(rows, groups, strict=True):
        measures.setdefault(group, set()).add((row["extractor"], row["data"]))
    with storage_errors(folder):
        folder.mkdir(exist_ok=True)
    events = event_files.EventFile(folder, step=0)
    try:
        value = tf.compat.v1.Summary.Value
        metadata = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"}, data_class="DATA_CLASS_SCALAR")
        for row, group in zip(rows, groups, strict=True):
            if len(measures[group]) > 1:
                group += f"-{row['extractor'][:6]}-{row['data'][:6]}"
            values = [
                value(tag=tag, tensor=tf.make_tensor_proto(float(number), tf.float32), metadata=metadata)
                for tag, number in _tags(row, group).items()
            ]
            summary = tf.compat.v1.Summary(value=values)
            events.write(event_files.Event(step=row["step"], wall_time=time.time(), summary=summary))
    finally:
        events.close()


@contextlib.contextmanager
def _locked(workdir: Path) -> Iterator[None]:
    """Holds the evaluations of a run for this process."""
    path = workdir / _LOCK
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _finite(value: Any) -> Any:
    """`value` for strict JSON: what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, float) and value - value != 0:
        return None
    return value
