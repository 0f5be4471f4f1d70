import itertools
import math
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
            assert cadence.next_epoch_end(step, per_step, num_examples) == later[0]


def test_epochs_of_a_long_run_are_exact():
    per_step, num_examples = 128 * 3, 1_281_167
    for epoch in (1, 10**6, 10**9):
        last = -(-epoch * num_examples // per_step)
        assert cadence.next_epoch_end(last - 1, per_step, num_examples) == last
        assert cadence.next_epoch_end(last, per_step, num_examples) > last + 1


@pytest.mark.parametrize(
    ("settings", "period"),
    [
        ({"gamma": 1.0, "penalty_every_steps": 8}, 8),
        ({"gamma": 0.0}, 1),
        ({"gamma": 1.0, "penalty_every_steps": 8, "d_steps": 4}, 2),
        ({"gamma": 1.0, "penalty_every_steps": 8, "d_steps": 5}, 8),
        ({"gamma": 1.0, "penalty_every_steps": 1, "d_steps": 5}, 1),
    ],
)
def test_any_window_of_a_period_has_as_many_penalties(settings, period):
    chosen = config.make("modern", **settings)
    assert cadence.period(chosen) == period
    updates, every = period * chosen.d_steps, chosen.penalty_every_steps
    counts = [sum(update % every == 0 for update in range(first, first + updates)) for first in range(40)]
    assert len(set(counts)) == 1 or not chosen.gamma


@pytest.mark.parametrize("every", [1, 2, 7, 10, 25])
def test_what_happens_every_so_often_is_next_at_the_next_multiple(every):
    for step in range(60):
        assert cadence.next_multiple(step, every) == next(s for s in itertools.count(step + 1) if s % every == 0)


def test_what_is_off_never_happens():
    assert {cadence.next_multiple(step, 0) for step in range(31)} == {math.inf}


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


@pytest.mark.parametrize("sample_every_steps", [0, 1, 6])
@pytest.mark.parametrize(("steps", "num_examples"), [(31, 40), (30, 40), (31, 1000), (0, 40)])
def test_grids_are_drawn_by_the_cadence_and_at_the_end_of_epochs_and_of_the_run(
    sample_every_steps, steps, num_examples
):
    made = config.make("article", steps=steps, epochs=0, minutes=1, batch_size=3, sample_every_steps=sample_every_steps)
    drawn = [s for s in range(1, 80) if cadence.next_sample(made, s - 1, num_examples) == s]
    epochs = [epochs_completed(s, 3, num_examples) for s in range(80)]
    assert drawn == [
        s
        for s in range(1, 80)
        if epochs[s] > epochs[s - 1] or s == steps or (sample_every_steps and s % sample_every_steps == 0)
    ]
    for step in range(79):
        later = [s for s in drawn if s > step]
        assert not later or cadence.next_sample(made, step, num_examples) == later[0]
