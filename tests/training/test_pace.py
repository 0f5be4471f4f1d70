"""How long a chunk is, and a clock that can be stopped."""

import pytest

from gan.training import pace


@pytest.mark.parametrize(
    ("before", "step_seconds", "most", "longest"),
    [
        (1, 0.001, 1000, 2),  # the first step tells little
        (8, 0.001, 1000, 16),
        (512, 0.003, 1000, 333),
        (512, 0.3, 1000, 3),
        (4, 7.0, 1000, 1),
        (800, 1e-5, 1000, 1000),
        (800, 1e-5, 10**6, 1600),
        (800, 1e-5, 7, 7),
    ],
)
def test_a_chunk_takes_a_second_and_at_most_doubles(before, step_seconds, most, longest):
    assert pace.longest_chunk(before, step_seconds, most) == longest


def test_a_fast_device_soon_has_a_second_of_steps_in_a_chunk():
    """Of 10,000 steps a second, with 2 ms that the host takes for each call."""
    sizes = [1]
    while len(sizes) < 16:
        sizes.append(pace.longest_chunk(sizes[-1], (0.002 + 1e-4 * sizes[-1]) / sizes[-1], pace.LONGEST_CHUNK))
    assert sizes[:14] == [2**i for i in range(14)] and 9900 < sizes[14] <= sizes[15] < 10_000


def test_a_stopwatch_does_not_count_the_time_in_which_it_is_stopped():
    now = 5.0
    watch = pace.Stopwatch(lambda: now)
    assert watch.seconds == 0.0
    now += 2.0
    with watch.stopped():
        now += 100.0
    now += 1.0
    assert watch.seconds == watch.lap() == 3.0
    now += 4.0
    assert watch.seconds == 4.0


def test_a_stopwatch_goes_on_after_a_failure():
    now = 0.0
    watch = pace.Stopwatch(lambda: now)
    with pytest.raises(OSError), watch.stopped():
        now += 100.0
        raise OSError
    now += 1.0
    assert watch.seconds == 1.0
