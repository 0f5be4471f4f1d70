"""Passes computed over and over: which ones, of what, and that each call computes them."""

import collections
import glob

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from gan.bench import repeated
from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, INPUT_GRADIENT, Convolution
from gan.bench.lanes import Lanes
from gan.networks.convolutions import CONVOLVERS, plain

STRIDED = Convolution(2, 9, 9, 8, 8, 5, "VALID", 1, 2)
ALL = (FORWARD, INPUT_GRADIENT, FILTER_GRADIENT)
DEVICE = "/CPU:0"


@pytest.mark.parametrize(("calls", "total"), [(0, 0.0), (1, 1.0), (2, 11.0), (5, 23.0)])
def test_the_operands_change_places_after_each_call(calls, total):
    first, second = (tf.constant([1.0, 100.0]), tf.constant([0.0])), (tf.constant([10.0, 100.0]), tf.constant([0.0]))
    assert repeated.loop(lambda a, b: [a, b], tf.constant(calls), first, second).numpy() == total


@pytest.mark.parametrize("route", CONVOLVERS)
@pytest.mark.parametrize("convolution", [STRIDED, Convolution(2, 4, 4, 8, 8, 3, "SAME", 2, 1)])
def test_what_is_computed_is_the_convolution_and_its_gradients(route, convolution):
    c, by = convolution, CONVOLVERS[route]
    x, kernel, upstream = (tf.constant(a) for a in _arrays(c))
    with tf.GradientTape() as tape:
        tape.watch((x, kernel))
        y = plain(x, kernel, c.padding, c.upsample, c.stride)
    expected = dict(zip(ALL, [y, *tape.gradient(y, [x, kernel], upstream)], strict=True))
    for kinds in ((FORWARD,), (INPUT_GRADIENT,), (FILTER_GRADIENT,), (FORWARD, FILTER_GRADIENT), ALL):
        found = repeated.computed(by, c, kinds, (by.enter(x), kernel, by.enter(upstream)))
        assert len(found) == len(kinds)
        for kind, result in zip(kinds, found, strict=True):
            result = result if kind == FILTER_GRADIENT else by.leave(result)
            np.testing.assert_allclose(result, expected[kind], atol=1e-4)


@pytest.mark.parametrize(
    ("kinds", "dtype", "lanes"),
    [((FILTER_GRADIENT,), tf.bfloat16, Lanes((DEVICE, DEVICE))), (ALL, tf.float32, Lanes((DEVICE,), abreast=2))],
)
def test_every_call_computes_every_pass_once_in_every_lane(kinds, dtype, lanes, tmp_path):
    run = repeated.repeated(CONVOLVERS["direct"], STRIDED, kinds, dtype, lanes)
    run(1)
    tf.profiler.experimental.start(str(tmp_path))
    run(17)
    tf.profiler.experimental.stop()
    (path,) = glob.glob(f"{tmp_path}/plugins/profile/*/*.xplane.pb")
    with open(path, "rb") as file:
        space = xplane_pb2.XSpace.FromString(file.read())
    times = collections.Counter(
        plane.event_metadata[event.metadata_id].name.rpartition("Conv2D")[2]
        for plane in space.planes
        for line in plane.lines
        for event in line.events
        if "Conv2D" in plane.event_metadata[event.metadata_id].name.rpartition(":")[2]
    )
    names = {FORWARD: "", INPUT_GRADIENT: "BackpropInput", FILTER_GRADIENT: "BackpropFilter"}
    assert times == {names[kind]: 2 * 17 for kind in kinds}


def test_of_lanes_side_by_side_each_call_counts(monkeypatch):
    ticks = iter(range(10))
    monkeypatch.setattr(repeated.time, "perf_counter", lambda: float(next(ticks)))
    for lanes, seconds in ((Lanes((DEVICE,)), 1 / 4), (Lanes((DEVICE, DEVICE)), 1 / 4), (Lanes((DEVICE,), 2), 1 / 8)):
        assert repeated.repeated(CONVOLVERS["direct"], STRIDED, (FORWARD,), tf.float32, lanes)(4) == seconds


def _arrays(c: Convolution) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    shapes = [(c.batch, c.height, c.width, c.channels), (c.taps, c.taps, c.channels, c.filters)]
    return [random.normal(size=shape).astype(np.float32) for shape in (*shapes, (c.batch, *c.output, c.filters))]
