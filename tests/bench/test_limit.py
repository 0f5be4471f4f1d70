"""The limit: how the times of the convolutions add up, and that the fastest route is found."""

import pytest
import tensorflow as tf

from gan.bench import limit
from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, INPUT_GRADIENT, Convolution, Use
from gan.bench.limit import Best
from gan.networks.convolutions import CONVOLVERS

SMALL = Convolution(2, 6, 6, 8, 8, 3, "SAME", 1, 1)


def test_each_use_counts_with_the_lesser_of_its_passes_alone_and_together():
    train, penalty = Use(SMALL, ((FORWARD, 1), (INPUT_GRADIENT, 1))), Use(SMALL, ((FORWARD, 2), (INPUT_GRADIENT, 1)))
    alone = {(SMALL, FORWARD): Best("direct", 1.0), (SMALL, INPUT_GRADIENT): Best("direct", 3.0)}
    assert limit.total({train: 2, penalty: 1}, alone, {}) == 2 * 4.0 + 5.0
    assert limit.total({train: 2, penalty: 1}, alone, {train: Best("spectral", 2.5)}) == 2 * 2.5 + 5.0
    assert limit.total({train: 2}, alone, {train: Best("spectral", 9.0)}) == 2 * 4.0


def test_every_pass_is_timed_once_and_adds_to_the_limit():
    train = Use(SMALL, ((FORWARD, 1), (INPUT_GRADIENT, 1), (FILTER_GRADIENT, 1)))
    repeated = Use(SMALL, ((FORWARD, 2), (FILTER_GRADIENT, 1)))
    steps = iter([5.0, 1.0])
    found = limit.measure({train: 1, repeated: 3}, tf.float32, lambda: next(steps))
    assert found.step == 3.0
    assert set(found.alone) == {(SMALL, kind) for kind in (FORWARD, INPUT_GRADIENT, FILTER_GRADIENT)}
    assert set(found.together) == {train}
    assert all(best.route in CONVOLVERS and best.seconds > 0 for best in found.alone.values())
    assert found.seconds == limit.total({train: 1, repeated: 3}, found.alone, found.together)


def test_the_fastest_route_wins(monkeypatch):
    times = {"direct": iter([9.0, 2.0, 2.0, 3.0]), "spectral": iter([1.0, 4.0])}  # the first of each compiles

    def timed(route, convolution, kinds, dtype):
        return lambda: next(times[route.name])

    monkeypatch.setattr(limit, "_timed", timed)
    assert limit.fastest(SMALL, (FORWARD,), tf.float32) == Best("direct", 2.0)


@pytest.mark.parametrize("kinds", [(FORWARD,), (FILTER_GRADIENT,), (FORWARD, INPUT_GRADIENT, FILTER_GRADIENT)])
def test_only_the_wanted_passes_are_computed(kinds):
    strided = Convolution(2, 9, 9, 8, 8, 5, "VALID", 1, 2)
    assert limit.fastest(strided, kinds, tf.bfloat16).seconds > 0
