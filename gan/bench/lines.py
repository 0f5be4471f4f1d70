"""The line that a time to quality is measured to: a metric and its value. Neither TensorFlow nor NumPy here."""

import math
from typing import NamedTuple

from gan.errors import UserError
from gan.settings import fields

METRICS = fields()["keep_best"].metadata["choices"]  # those that are measured while a run trains, with a direction
_LEAST = {"kernel_distance": -math.inf, "inception_score": 1.0}  # of the others 0
_SHARES = ("precision", "recall", "coverage", "smallest_class_share", "label_agreement")


class Line(NamedTuple):
    """A value of a metric: it is passed by one that is at least as good."""

    metric: str
    value: float

    def __str__(self) -> str:
        return f"{self.metric}:{self.value:g}"


def parsed(text: str) -> Line:
    """The line that `metric:value` names; raises `UserError` for a metric or a value that there is not."""
    metric, colon, number = (part.strip() for part in text.partition(":"))
    if metric not in METRICS:
        raise UserError(
            f"--to={text}: {metric or 'nothing'} is no metric that is measured here; name one of {', '.join(METRICS)}"
        )
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    least, most = _range(metric)
    if not colon or not math.isfinite(value):
        raise UserError(f"--to={text} must be a metric and a number, such as --to=frechet_distance:2.0")
    if not least <= value <= most:
        raise UserError(f"--to={text} cannot be reached: {metric} {_words(least, most)}")
    return Line(metric, value)


def check_classes(line: Line, num_classes: int) -> None:
    """Raises `UserError` if no images of so many classes, evenly shared out, would reach the line."""
    most = {
        "inception_score": float(num_classes),
        "class_entropy": math.log(num_classes) if num_classes else 0.0,
        "smallest_class_share": 1.0 / max(num_classes, 1),
    }.get(line.metric, math.inf)
    if line.value > most:
        raise UserError(f"--to={line} cannot be reached: of {num_classes} classes {line.metric} is at most {most:.4g}")


def _range(metric: str) -> tuple[float, float]:
    """The least and the greatest value that a metric can have, of whatever images."""
    return _LEAST.get(metric, 0.0), 1.0 if metric in _SHARES else math.inf


def _words(least: float, most: float) -> str:
    return f"is from {least:g} to {most:g}" if math.isfinite(most) else f"is never below {least:g}"
