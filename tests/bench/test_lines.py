"""Lines: what can be asked for, and what cannot be reached."""

import math

import pytest

from gan.bench import lines
from gan.bench.lines import Line
from gan.errors import UserError
from gan.metrics.suite import KEEP_BEST


def test_every_metric_that_is_measured_in_training_can_be_a_line():
    assert set(lines.METRICS) == set(KEEP_BEST)
    assert {lines.parsed(f"{metric}:1").metric for metric in KEEP_BEST} == set(KEEP_BEST)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("frechet_distance:2.0", Line("frechet_distance", 2.0)),
        (" kernel_distance : -0.01", Line("kernel_distance", -0.01)),
        ("recall:1", Line("recall", 1.0)),
        ("density:1.1", Line("density", 1.1)),
    ],
)
def test_a_line_is_a_metric_and_a_value(text, line):
    assert lines.parsed(text) == line
    assert lines.parsed(str(line)) == line


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fid:2", "fid is no metric that is measured here; name one of frechet_distance, "),
        ("classification_accuracy_score:0.8", "is no metric"),
        ("kernel_distance_stderr:1", "is no metric"),
        (":2", "nothing is no metric"),
        ("frechet_distance", "must be a metric and a number, such as --to=frechet_distance:2.0"),
        ("frechet_distance:", "must be a metric and a number"),
        ("frechet_distance:low", "must be a metric and a number"),
        ("frechet_distance:nan", "must be a metric and a number"),
        ("precision:inf", "must be a metric and a number"),
        ("frechet_distance:-1", "cannot be reached: frechet_distance is never below 0"),
        ("recall:1.01", "cannot be reached: recall is from 0 to 1"),
        ("inception_score:0.5", "cannot be reached: inception_score is never below 1"),
    ],
)
def test_what_is_no_line_is_told(text, why):
    with pytest.raises(UserError) as caught:
        lines.parsed(text)
    assert str(caught.value).startswith(f"--to={text}") and why in str(caught.value)


@pytest.mark.parametrize(
    ("line", "classes"),
    [
        (Line("class_entropy", math.log(10)), 10),
        (Line("inception_score", 10.0), 10),
        (Line("smallest_class_share", 0.1), 10),
        (Line("frechet_distance", 1e6), 0),
    ],
)
def test_classes_bound_what_can_be_reached(line, classes):
    lines.check_classes(line, classes)
    if classes:
        with pytest.raises(UserError, match=f"--to={line.metric}:.* cannot be reached: of 10 classes"):
            lines.check_classes(line._replace(value=line.value * 1.001), classes)
