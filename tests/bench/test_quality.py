"""Which evaluation decides, how a training ended, and what several came to."""

import math

import pytest

from gan.bench import quality
from gan.bench.lines import Line
from gan.bench.quality import DIVERGED, OUT_OF_TIME, REACHED, Outcome, Point, Spent

DISTANCE, RECALL = Line("frechet_distance", 2.0), Line("recall", 0.7)


def course(*values, joules=None):
    """A point each minute, with 100 images between them and two minutes by the clock."""
    return [
        Point(Spent(i, 60.0 * i, joules and joules * i, 120.0 * i), 100 * i, value)
        for i, value in enumerate(values, start=1)
    ]


@pytest.mark.parametrize(
    ("line", "value", "does"),
    [
        (DISTANCE, 2.0, True),
        (DISTANCE, 1.9, True),
        (DISTANCE, 2.1, False),
        (DISTANCE, None, False),
        (RECALL, 0.7, True),
        (RECALL, 0.8, True),
        (RECALL, 0.6, False),
    ],
)
def test_a_line_is_passed_at_it_or_beyond_it_in_the_direction_of_the_metric(line, value, does):
    assert quality.passes(line, value) is does


def test_the_first_point_beyond_the_line_decides():
    points = course(9.0, None, 1.5, 3.0, 1.0)
    assert quality.outcome(points, 300.0, DISTANCE, 1e9) == Outcome(REACHED, points[2])
    assert quality.outcome(points, 300.0, DISTANCE._replace(value=1.2), 1e9) == Outcome(REACHED, points[4])
    assert quality.outcome(points[:2], 120.0, DISTANCE, 1e9) is None
    assert quality.outcome([], 0.0, DISTANCE, 1e9) is None
    assert quality.outcome(points[:2], 120.0, DISTANCE, math.inf) is None


def test_what_comes_after_the_limit_plays_no_part():
    points = course(9.0, 8.0, 7.0, 1.0)
    assert quality.outcome(points, 240.0, DISTANCE, 120.0) == Outcome(OUT_OF_TIME, points[1])
    assert quality.outcome(points, 240.0, DISTANCE, 179.0) == Outcome(OUT_OF_TIME, points[1])
    assert quality.outcome(points, 240.0, DISTANCE, 239.0) == Outcome(OUT_OF_TIME, points[2])
    assert quality.outcome(points, 240.0, DISTANCE, 240.0) == Outcome(REACHED, points[3])
    assert quality.outcome(points[:3], 180.0, DISTANCE, 181.0) is None
    assert quality.outcome(points[:3], 181.0, DISTANCE, 181.0) == Outcome(OUT_OF_TIME, points[2])


def test_a_line_that_is_passed_after_the_limit_alone_is_not_reached():
    points = [Point(Spent(1, 50.0, None, 50.0), 100, 5.0), Point(Spent(2, 200.0, None, 200.0), 200, 1.0)]
    assert quality.outcome(points, 200.0, DISTANCE, 60.0) == Outcome(OUT_OF_TIME, points[0])
    assert quality.outcome(points, 200.0, DISTANCE, 40.0) == Outcome(OUT_OF_TIME, None)
    assert quality.within(points, 60.0) == points[:1]


def test_a_training_that_diverged_has_ended_unless_it_was_good_enough_before():
    assert quality.outcome([], 0.0, DISTANCE, 600.0, diverged=True) == Outcome(DIVERGED, None)
    points = course(9.0, 1.0)
    assert quality.outcome(points[:1], 60.0, DISTANCE, 600.0, diverged=True) == Outcome(DIVERGED, points[0])
    assert quality.outcome(points, 120.0, DISTANCE, 600.0, diverged=True) == Outcome(REACHED, points[1])


def test_a_summary_is_of_those_that_came_so_far():
    points = course(9.0, 1.0, joules=50.0)
    found = quality.summary([Outcome(REACHED, points[1]), Outcome(OUT_OF_TIME, points[0]), Outcome(REACHED, points[0])])
    assert found == (3, 2, [2.0, 1.0], [200, 100], [100.0, 50.0], [4.0, 2.0])
    assert quality.summary([Outcome(REACHED, points[1]), Outcome(REACHED, course(1.0)[0])]).joules == []


def test_speeds_are_compared_seed_by_seed():
    points = course(1.0, 1.0, 1.0, 1.0)
    first = [Outcome(REACHED, points[i]) for i in (3, 2, 1)]
    other = [Outcome(REACHED, points[0]), Outcome(OUT_OF_TIME, points[3]), Outcome(REACHED, points[3])]
    assert quality.speedup(first, first) == 1.0
    assert quality.speedup(first, other) == pytest.approx((4.0 + 0.5) / 2)
    assert quality.speedup(first, other[1:2]) is None
