import itertools
from fractions import Fraction

import pytest

from gan import config
from gan.training import cadence

SIZES = [(1, 1), (3, 10), (10, 10), (5, 10), (7, 10), (10, 7), (25, 10), (128, 1000), (64, 129)]


def epochs_completed(step, per_step, num_examples):
    """Counted image by image."""
    return sum(image % num_examples == num_examples - 1 for image in range(step * per_step))


@pytest.mark.parametrize(("per_step", "num_examples"), SIZES)
def test_epochs_end_where_counting_images_ends_them(per_step, num_examples):
    completed = [epochs_completed(step, per_step, num_examples) for step in range(60)]
    for step in range(40):
        later = [s for s in range(step + 1, 60) if completed[s] > completed[step]]
        if later:
            assert cadence.epoch_end(step, per_step, num_examples) == later[0]
        assert cadence.ends_epoch(step, per_step, num_examples) == (step > 0 and completed[step] > completed[step - 1])


def test_epochs_of_a_long_run_are_exact():
    per_step, num_examples = 128 * 3, 1_281_167
    for epoch in (1, 10**6, 10**9):
        last = -(-epoch * num_examples // per_step)
        assert cadence.epoch_end(last - 1, per_step, num_examples) == last
        assert cadence.ends_epoch(last, per_step, num_examples)
        assert not cadence.ends_epoch(last + 1, per_step, num_examples)


@pytest.mark.parametrize("cadences", [(1,), (10, 0, 0), (10, 25, 0), (7, 5, 3)])
@pytest.mark.parametrize("limits", [(0,), (23,), (0, 31), (12, 8)])
def test_the_next_stop_is_the_first_step_at_which_something_happens(cadences, limits):
    for step in range(60):
        expected = next(
            s for s in itertools.count(step + 1) if any(e and s % e == 0 for e in cadences) or (s in limits and s)
        )
        assert cadence.next_stop(step, cadences, limits) == expected


def test_stopping_at_every_next_stop_misses_nothing():
    cadences, total, per_step, num_examples = (10, 25, 0), 103, 3, 40
    stops, step = [], 0
    while step < total:
        step = cadence.next_stop(step, cadences, (total, cadence.epoch_end(step, per_step, num_examples)))
        stops.append(step)
    due = [
        s
        for s in range(1, total + 1)
        if cadence.is_due(s, 10) or cadence.is_due(s, 25) or cadence.ends_epoch(s, per_step, num_examples) or s == total
    ]
    assert stops == due


def test_something_due_every_so_often_is_never_due_at_the_start_or_if_off():
    assert [step for step in range(31) if cadence.is_due(step, 10)] == [10, 20, 30]
    assert not any(cadence.is_due(step, 0) for step in range(31))


@pytest.mark.parametrize(
    ("steps", "epochs", "batch", "draws", "num_examples", "expected"),
    [
        (100, 0, 8, 1, 50, 100),
        (0, 2, 10, 1, 50, 10),
        (0, 1, 8, 1, 50, 7),  # the last step completes the epoch and begins the next
        (0, 1, 8, 2, 50, 4),
        (5, 1, 8, 1, 50, 5),
        (9, 1, 8, 1, 50, 7),
        (0, 0.5, 10, 1, 100, 5),
        (0, 50, 128, 1, 60_000, 23_438),
    ],
)
def test_the_run_ends_by_steps_or_epochs_whichever_comes_first(steps, epochs, batch, draws, num_examples, expected):
    made = config.make("article", steps=steps, epochs=epochs, batch_size=batch, d_steps=draws)
    assert cadence.images_per_step(made) == batch * draws
    assert cadence.total_steps(made, num_examples) == expected


def test_without_steps_and_epochs_only_the_clock_ends_the_run():
    assert cadence.total_steps(config.make("article", epochs=0, minutes=1), 50) == 0


def test_whole_epochs_take_the_least_steps_that_complete_them():
    for epochs, batch, num_examples in itertools.product((1, 2, 3, 7), (1, 3, 8, 60), (1, 7, 50)):
        made = config.make("article", epochs=epochs, batch_size=batch)
        needed = Fraction(epochs * num_examples, batch)
        total = cadence.total_steps(made, num_examples)
        assert total - 1 < needed <= total


def test_a_run_stops_wherever_something_is_due():
    made = config.make(
        "article", steps=31, epochs=0, batch_size=3, log_every_steps=10, sample_every_steps=6, evaluate_every_steps=4,
        save_every_steps=9,
    )  # fmt: skip
    num_examples, stops = 40, [0]
    while stops[-1] < 31:
        stops.append(cadence.chunk_end(made, stops[-1], num_examples))
    epochs = {s for s in range(1, 32) if cadence.ends_epoch(s, 3, num_examples)}
    assert set(stops) == {0, 31} | epochs | {s for s in range(1, 32) if not (s % 10 and s % 6 and s % 4 and s % 9)}
    drawn = [s for s in range(1, 32) if cadence.sample_is_due(made, s, num_examples)]
    assert set(drawn) == {31} | epochs | set(range(6, 32, 6))
