"""The limit: how the times of the convolutions add up, what is timed, and that the fastest route is found."""

from fractions import Fraction

import pytest

from gan.bench import limit
from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, INPUT_GRADIENT, Convolution, Use
from gan.bench.limit import Best

SMALL = Convolution(2, 6, 6, 8, 8, 3, "SAME", 1, 1)


def test_each_use_counts_with_the_lesser_of_its_passes_alone_and_together():
    train, penalty = Use(SMALL, ((FORWARD, 1), (INPUT_GRADIENT, 1))), Use(SMALL, ((FORWARD, 2), (INPUT_GRADIENT, 1)))
    alone = {(SMALL, FORWARD): Best("direct", 1.0), (SMALL, INPUT_GRADIENT): Best("direct", 3.0)}
    assert limit.total({train: 2, penalty: 1}, alone, {}) == 2 * 4.0 + 5.0
    assert limit.total({train: 2, penalty: Fraction(1, 8)}, alone, {}) == 2 * 4.0 + 5.0 / 8
    assert limit.total({train: 2, penalty: 1}, alone, {train: Best("spectral", 2.5)}) == 2 * 2.5 + 5.0
    assert limit.total({train: 2}, alone, {train: Best("spectral", 9.0)}) == 2 * 4.0


def test_every_pass_is_timed_once_and_adds_to_the_limit():
    train = Use(SMALL, ((FORWARD, 1), (INPUT_GRADIENT, 1), (FILTER_GRADIENT, 1)))
    repeated = Use(SMALL, ((FORWARD, 2), (FILTER_GRADIENT, 1)))
    passes = {(FORWARD,): 1.0, (INPUT_GRADIENT,): 2.0, (FILTER_GRADIENT,): 4.0}
    asked, steps = [], iter([0.1, 5.0, 1.0])

    def ways(convolution, kinds):
        asked.append((convolution, kinds))
        seconds = passes.get(kinds, 6.5)
        return {"direct": lambda calls: seconds, "spectral": lambda calls: 2 * seconds}

    found = limit.measure({train: 1, repeated: 3}, ways, lambda count: next(steps), 1)
    assert found.step == 3.0  # the first window only tells how many steps a later one needs
    kinds = [*passes, (FORWARD, INPUT_GRADIENT, FILTER_GRADIENT)]
    assert sorted(asked) == sorted((SMALL, each) for each in kinds)
    assert found.alone == {(SMALL, kind): Best("direct", seconds) for (kind,), seconds in passes.items()}
    assert found.together == {train: Best("direct", 6.5)}
    assert found.seconds == 6.5 + 3 * (2 * 1.0 + 4.0)


def test_windows_hold_whole_periods_and_are_long_enough_to_be_timed():
    counts = []

    def window(count):
        counts.append(count)
        return 0.01

    limit.measure({}, None, window, 8)
    assert counts == [8, 56, 56]  # 0.56 s: half a second in whole periods


def test_the_fastest_route_is_that_of_the_least_median_and_a_hopeless_one_is_left_out():
    runs, calls = {}, {name: [] for name in ("steady", "lucky", "hopeless")}
    after = {"steady": [2.0] * 5, "lucky": [1.9, 3.0, 3.0, 1.9, 3.0], "hopeless": [3.1]}
    for name, seconds in after.items():
        times = iter([9.0, *seconds])  # the first compiles

        def run(count, name=name, times=times):
            calls[name].append(count)
            return next(times)

        runs[name] = run
    assert limit.fastest(runs) == Best("steady", 2.0)
    assert calls == {"steady": [1] + 5 * [8], "lucky": [1] + 5 * [8], "hopeless": [1, 8]}


@pytest.mark.parametrize(("start", "each"), [(0.0, 1.0), (0.0005, 1e-3), (0.0005, 1e-5), (0.025, 1e-6), (0.0, 1e-7)])
def test_calls_are_repeated_until_they_take_long_enough(start, each):
    total = []

    def run(calls):
        total.append(start + calls * each)
        return total[-1] / calls

    calls, seconds = limit._enough(run)
    assert calls * seconds == pytest.approx(start + calls * each) and calls * seconds >= limit._SECONDS
    assert sum(total) < 20 * max(limit._SECONDS, each)  # and no longer than that needs
