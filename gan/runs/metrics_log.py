"""metrics.jsonl: the scalars of a run for people and scripts, one JSON object a line, `step` first.

The JSON is strict: a number that is not finite (a diverged loss) is written as null. No TensorFlow here, so that
programs that only read the log start at once.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan.errors import UserError
from gan.storage.files import read_bytes, write_atomically

FILE_NAME = "metrics.jsonl"
_LARGEST = 2**1000  # of a number: more would not fit into a float

Row = dict[str, Any]


def encode(step: int, values: Mapping[str, float]) -> bytes:
    """The line of the log, with its line end, for `values` by name at `step`."""
    row = {"step": int(step), **{name: _number(value) for name, value in values.items()}}
    return json.dumps(row, allow_nan=False).encode() + b"\n"


def read_metrics(workdir: str | Path) -> list[Row]:
    """The rows of a run's log in order; a last line that is being written, or was torn by a kill, is left out.

    Raises `UserError` if there is no log, or a line within it is not a JSON object with a step.
    """
    path = Path(workdir) / FILE_NAME
    try:
        lines = read_bytes(path).split(b"\n")
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}; --workdir must be the folder of a run that has begun"
        ) from error
    rows = [_sound(_decode(line)) for line in lines]
    for number, (line, row) in enumerate(zip(lines[:-1], rows, strict=False), start=1):
        if row is None and line.strip():
            raise UserError(f"{path} is damaged in line {number}; remove that line")
    return [row for row in rows if row is not None]


def lines(path: Path) -> list[tuple[bytes, Row | None]]:
    """Each line of a log with its row, None where that is torn or empty; the last one is what follows the last end."""
    return [(line, _sound(_decode(line))) for line in read_bytes(path).split(b"\n")]


def truncate(path: Path, step: int) -> None:
    """Removes from the log what a run restored at `step` will write again: rows beyond `step`, and torn lines.

    At step 0 everything goes. A log with nothing to remove is not touched, a missing one is not made; otherwise it is
    replaced atomically. Raises `StorageError`.
    """
    data = read_bytes(path) if path.exists() else b""
    kept = b"".join(line + b"\n" for line in data.split(b"\n") if _within(_decode(line), step))
    if kept != data:
        write_atomically(path, kept)


def _within(row: Row | None, step: int) -> bool:
    """Whether a run restored at `step` keeps `row`."""
    return row is not None and step > 0 and row["step"] <= step


def _decode(line: bytes) -> Row | None:
    """The row of a line, None if it is torn or empty."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # bad JSON and bad UTF-8 alike
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None


def _sound(row: Row | None) -> Row | None:
    """The row if it has nothing but numbers, and null in the place of some."""
    if row is None or row["step"] < 0:
        return None
    return row if all(value is None or _is_number(value) for value in row.values()) else None


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < _LARGEST)


def _number(value: float) -> int | float | None:
    """`value` (a Python, NumPy or eager TensorFlow number) for strict JSON."""
    if isinstance(value, int):
        return value
    value = float(value)
    return value if math.isfinite(value) else None
