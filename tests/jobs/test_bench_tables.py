"""The tables of a benchmark."""

import pytest

from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, Convolution, Use
from gan.bench.lanes import Lanes
from gan.bench.limit import Best, Limit
from gan.bench.parts import Parts
from gan.bench.windows import compared
from gan.jobs import bench_tables

ONE, TWO = Lanes(("/CPU:0",)), Lanes(("/CPU:0", "/CPU:1"))


def test_speeds_are_images_a_second():
    timings = compared({"as given": [1.0, 1.0], "double": [4.0, 4.0], "hangs": []})
    *_, first, second, third = bench_tables.timings(
        timings, {"as given": 10, "double": 20, "hangs": 10}, 60.0, ["as given", "double", "hangs"]
    ).splitlines()
    assert first.split() == ["as", "given", "1.000", "1.000", "1.000", "10.0", "2", "1.00x", "1.00x", "1.00x"]
    assert second.split()[:9] == ["double", "4.000", "4.000", "4.000", "5.0", "2", "0.50x", "0.50x", "0.50x"]
    assert second.endswith("as given: 2.00 times as fast")
    assert third.endswith("not one window within --contestant_seconds=60")


def test_parts_are_shown_with_what_they_add_up_to():
    text = bench_tables.parts(
        Parts({"convolutions and products": 0.3, "compiled by XLA": 0.0, "host": 0.1}, 0.4, []), 0.38
    )
    assert [line.split()[-1] for line in text.splitlines()[1:-1]] == ["75.0%", "25.0%", "100.0%"]
    assert "0.3800" in text and "XLA" not in text


def test_the_limit_counts_every_pass():
    convolution = Convolution(1, 8, 8, 10, 10, 5, "SAME", 1, 1)
    use = Use(convolution, ((FORWARD, 2), (FILTER_GRADIENT, 1)))
    alone = {(convolution, FORWARD): Best("direct", 0.1), (convolution, FILTER_GRADIENT): Best("spectral", 0.2)}
    found = bench_tables.limit_json({use: 3}, Limit(alone, {}, 1.2, 1.8), ONE)
    assert found["gflop"] == pytest.approx(9 * convolution.flops / 1e9)
    assert found["ratio"] == pytest.approx(1.5)
    assert [(row["pass"], row["times"], row["route"]) for row in found["alone"]] == [
        (FORWARD, 6, "direct"),
        (FILTER_GRADIENT, 3, "spectral"),
    ]
    twice = bench_tables.limit_json({use: 3}, Limit(alone, {}, 1.2, 1.8), TWO)
    assert twice["gflop"] == pytest.approx(2 * found["gflop"]) and twice["alone"] == found["alone"]
    assert "1.50 times as long" in bench_tables.limit({use: 3}, Limit(alone, {}, 1.2, 1.8), ONE)
    assert "of 2 replicas at once, 3 operations side by side, in" in bench_tables.limit(
        {use: 3}, Limit(alone, {}, 1.2, 1.8), TWO._replace(abreast=3)
    )
