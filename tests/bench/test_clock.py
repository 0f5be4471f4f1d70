"""The clock: when it runs, what it keeps, and what is left of it after a kill."""

import pytest

from gan.bench import clock
from gan.bench.clock import Clock
from gan.bench.quality import Spent

EVERY = 10


class Times:
    """Seconds and joules that pass when they are told to."""

    def __init__(self):
        self.seconds, self.energy = 1000.0, 0.0

    def __call__(self):
        return self.seconds

    def joules(self):
        return self.energy

    def passes(self, seconds):
        self.seconds += seconds
        self.energy = None if self.energy is None else self.energy + 2 * seconds


def begun(path, times, before=None, enough=lambda spent: False):
    return Clock(path, before or clock.beginning({}, 0), EVERY, enough, times, times)


def train(watch, times, step, seconds, meanwhile=0.0):
    """A chunk that ends with `step`, and what follows it; whether that is the end."""
    times.passes(seconds)
    watch.trained(step)
    times.passes(meanwhile)
    return watch.is_enough(step)


def test_it_runs_for_the_steps_alone(tmp_path):
    times = Times()
    watch = begun(tmp_path / "clock.jsonl", times)
    watch.is_enough(0)
    times.passes(7.0)  # the step is compiled
    watch.is_enough(0)
    times.passes(0.25)
    watch.is_enough(0)  # images that are waited for belong to the steps
    train(watch, times, 5, 1.0, meanwhile=30.0)
    train(watch, times, 10, 2.0, meanwhile=50.0)
    watch.is_enough(10)
    train(watch, times, 20, 4.0)
    assert watch.facts == {"step": 20, "seconds": 7.25, "joules": 14.5, "wall_seconds": 7.0 + 7.25 + 80.0}
    assert clock.rows_of(tmp_path / "clock.jsonl") == [
        Spent(10, 3.25, 6.5, 7.0 + 3.25 + 80.0),  # by the clock on the wall its evaluation is over
        Spent(20, 7.25, 14.5, 7.0 + 7.25 + 80.0),
    ]


def test_it_ends_the_run_when_it_is_enough_and_keeps_that_step_too(tmp_path):
    times, asked = Times(), []

    def enough(spent):
        asked.append((spent.step, spent.seconds))
        return spent.seconds >= 3.0

    watch = begun(tmp_path / "clock.jsonl", times, enough=enough)
    watch.is_enough(0), watch.is_enough(0)
    assert [train(watch, times, step, 1.0) for step in (4, 8, 12)] == [False, False, True]
    assert watch.is_enough(12)
    assert asked == [(0, 0.0), (4, 1.0), (8, 2.0), (12, 3.0)]  # once after each chunk
    assert [row.step for row in clock.rows_of(tmp_path / "clock.jsonl")] == [12]


def test_a_run_that_goes_on_has_what_its_checkpoint_had(tmp_path):
    times, path = Times(), tmp_path / "clock.jsonl"
    watch = begun(path, times)
    watch.is_enough(0), watch.is_enough(0)
    train(watch, times, 10, 1.0)
    facts = {clock.FACT: dict(watch.facts), "images": 320}
    train(watch, times, 20, 5.0)
    with path.open("ab") as file:
        file.write(b'{"step": 30, "sec')  # killed while it wrote
    again = begun(path, times, clock.beginning(facts, 10))
    assert [row.step for row in clock.rows_of(path)] == [10]
    times.passes(3.0)
    again.is_enough(10), again.is_enough(10)
    train(again, times, 20, 2.0)
    assert clock.rows_of(path) == [Spent(10, 1.0, 2.0, 1.0), Spent(20, 3.0, 6.0, 6.0)]


def test_the_evaluation_that_a_stop_cut_short_is_kept_when_the_run_goes_on(tmp_path):
    times, path = Times(), tmp_path / "clock.jsonl"
    watch = begun(path, times, Spent(20, 8.0, 16.0, 9.0))
    watch.is_enough(20)
    assert clock.rows_of(path) == [Spent(20, 8.0, 16.0, 9.0)]


def test_where_the_machine_does_not_tell_joules_there_are_none(tmp_path):
    times = Times()
    watch = begun(tmp_path / "clock.jsonl", times, Spent(10, 1.0, 2.0, 1.0))
    times.energy = None
    watch.is_enough(10), watch.is_enough(10)
    train(watch, times, 20, 1.0)
    times.energy = 5.0  # what was missed stays missing
    train(watch, times, 30, 1.0)
    assert [row.joules for row in clock.rows_of(tmp_path / "clock.jsonl")] == [2.0, None, None]


def test_a_run_without_a_clock_in_its_checkpoint_begins_at_nothing():
    assert clock.beginning({"wall_seconds": 7.0}, 40) == Spent(40, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("content", [b"", b"garbage\n[1]\n{}\n"])
def test_what_is_no_row_is_passed_over(tmp_path, content):
    path = tmp_path / "clock.jsonl"
    assert clock.rows_of(path) == []
    path.write_bytes(content)
    assert clock.rows_of(path) == []
