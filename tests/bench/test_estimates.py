"""The closed forms against independent ways to the same numbers: small sums, simulated failures, traced memory."""

import math
import random
import tracemalloc

import pytest

from gan.bench import estimates
from gan.data import order
from gan.presets import PRESETS


def test_a_ring_sends_each_part_once_around_for_the_sums_and_once_for_the_results():
    size, count = 1200, 4
    sent = 0  # by one device: a part of the array in each hop
    for _way in ("sums", "results"):
        for _hop in range(count - 1):
            sent += size // count
    assert estimates.ring_bytes(size, count) == sent == 1800
    assert estimates.ring_bytes(size, 1) == 0
    assert estimates.ring_seconds(size, count, bandwidth=100, hop=0.5) == 18 + 6 * 0.5


def simulated(work: float, saving: float, between: float, restart: float, segments: int) -> tuple[float, float]:
    """(share of the time lost, mean time from a checkpoint to a failure) of a run through so many checkpoints."""
    chance, clock, lost, failures = random.Random(3), 0.0, 0.0, 0
    for _ in range(segments):
        while (failure := chance.expovariate(1 / between)) < work + saving:
            lost, failures, clock = lost + failure, failures + 1, clock + failure
            while (failure := chance.expovariate(1 / between)) < restart:
                clock += failure
            clock += restart
        clock += work + saving
    return 1 - segments * work / clock, lost / failures


@pytest.mark.parametrize(("work", "saving", "between", "restart"), [(60, 5, 400, 30), (20, 10, 50, 5)])
def test_what_is_lost_is_what_is_lost_when_failures_are_drawn(work, saving, between, restart):
    share, lost = simulated(work, saving, between, restart, segments=40_000)
    assert estimates.share_lost(work, saving, between, restart) == pytest.approx(share, abs=0.01)
    assert estimates.work_lost(work, saving, between) == pytest.approx(lost, rel=0.03)


@pytest.mark.parametrize("ratio", [1e-4, 1e-3, 1e-2, 0.1])
def test_dalys_interval_loses_least(ratio):
    saving, between = 3.0, 3.0 / ratio
    candidates = [estimates.young(saving, between) * (0.4 + 0.001 * i) for i in range(1200)]
    best = min(candidates, key=lambda work: estimates.share_lost(work, saving, between, restart=7.0))
    assert estimates.daly(saving, between) == pytest.approx(best, rel=0.01)
    assert estimates.young(saving, between) == pytest.approx(math.sqrt(2 * 3.0 * 3.0 / ratio))


def test_where_a_save_takes_longer_than_runs_last_it_is_one_a_failure():
    assert estimates.daly(100.0, 40.0) == 40.0


def test_the_rule_makes_modern_large_of_modern():
    """Its width, which it has in addition, divides the rate by 4."""
    modern, large = PRESETS["modern"], PRESETS["modern_large"]
    found = estimates.scaled(8, modern["g_learning_rate"], modern["g_beta2"], modern["ema_half_life_images"])
    assert found.learning_rate / 4 == pytest.approx(large["g_learning_rate"], rel=0.01)
    assert found.beta2 == pytest.approx(large["g_beta2"])
    assert found.images == large["ema_half_life_images"]


@pytest.mark.parametrize(("flip", "places"), [(False, False), (True, False), (True, True)])
def test_the_order_takes_the_memory_that_is_traced(flip, places):
    """All but the workspace of the sort, of which Python does not know."""
    count = 200_000
    for cached in (order.permutation, order.mirrored, order.places):
        cached.cache_clear()
    tracemalloc.start()
    try:
        for epoch in range(3):
            order.drawn(0, epoch * count, epoch * count + 8, count, flip, places)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        order.drawn(0, 3 * count, 3 * count + 8, count, flip, places)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    found = estimates.order_bytes(count, flip, places)
    assert found.kept == pytest.approx(kept, rel=0.02)
    assert found.most - estimates.SORTING * count == pytest.approx(most, rel=0.02)
