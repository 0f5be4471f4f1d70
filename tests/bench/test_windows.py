"""Timings: alternation, the first step that is not kept, the time limit, medians and paired ratios."""

from types import SimpleNamespace

import numpy as np

from gan.bench import windows


def test_contestants_alternate_and_one_first_step_is_not_kept():
    calls = []

    def contestant(name):
        return lambda steps: calls.append((name, steps)) or float(len(calls))

    seconds = windows.alternate({"a": contestant("a"), "b": contestant("b")}, rounds=3, steps=2)
    assert calls == [("a", 1), ("b", 1)] + [("a", 2), ("b", 2)] * 3
    assert seconds == {"a": [3.0, 5.0, 7.0], "b": [4.0, 6.0, 8.0]}


def test_a_slow_contestant_has_fewer_windows_and_one_that_gives_up_has_none():
    now = 0.0

    def contestant(seconds):
        def run(steps):
            nonlocal now
            now += seconds
            return None if seconds == 100 else seconds

        return run

    contestants = {"fast": contestant(1), "slow": contestant(10), "slower": contestant(40), "hangs": contestant(100)}
    seconds = windows.alternate(contestants, rounds=5, steps=1, limit_seconds=45, clock=lambda: now)
    assert {name: len(runs) for name, runs in seconds.items()} == {"fast": 5, "slow": 3, "slower": 1, "hangs": 0}
    assert "hangs" not in windows.compared(seconds)


def test_ratios_are_taken_within_rounds():
    timings = windows.compared({"slow": [2.0, 20.0, 4.0], "fast": [1.0, 5.0, 4.0], "few": [4.0]})
    assert timings["slow"] == ((2.0, 4.0, 20.0), 3, (1.0, 1.0, 1.0))
    assert timings["fast"] == ((1.0, 4.0, 5.0), 3, (1.0, 2.0, 4.0))
    assert timings["few"] == ((4.0, 4.0, 4.0), 1, (0.5, 0.5, 0.5))


def test_what_is_read_ahead_belongs_to_the_window_that_began_it():
    told = []
    batches = SimpleNamespace(
        read=lambda step, steps: (np.zeros([steps, 4, 2, 2, 1], np.uint8), np.zeros([steps, 4], np.int32)),
        wait=lambda: told.append("ahead"),
    )

    class Chunk:
        most_steps = 2

        def __call__(self, step, images, labels):
            told.append((step, images.shape[0], labels.shape[0]))

    run = SimpleNamespace(
        batches=batches,
        feed=batches,
        step=3,
        chunk=Chunk(),
    )
    assert windows.window(run, 5) > 0
    assert told == [(3, 2, 2), (5, 2, 2), (7, 1, 1), "ahead"]
