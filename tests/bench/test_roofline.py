"""The roofline: where the points lie, and that the picture is one."""

import pytest
import tensorflow as tf

from gan.bench import roofline
from gan.bench.convolution_work import FORWARD, INPUT_GRADIENT, Convolution, Use
from gan.bench.lanes import Lanes
from gan.bench.limit import Best, Limit

CONVOLUTION = Convolution(2, 6, 6, 8, 8, 3, "SAME", 1, 1)
USE = Use(CONVOLUTION, ((FORWARD, 1), (INPUT_GRADIENT, 1)))
ALONE = {(CONVOLUTION, FORWARD): Best("direct", 1e-3), (CONVOLUTION, INPUT_GRADIENT): Best("direct", 2e-3)}
LIMIT = Limit(ALONE, {}, seconds=3e-3, step=0.1)


def test_points_are_operations_over_bytes_and_seconds():
    forward, gradient, step = roofline.points({USE: 3}, LIMIT, tf.bfloat16)
    intensity = CONVOLUTION.flops / CONVOLUTION.bytes(2)
    assert forward == (str(CONVOLUTION), FORWARD, intensity, CONVOLUTION.flops / 1e-3)
    assert gradient.flops == forward.flops / 2
    assert step == ("the step", "step", pytest.approx(intensity), pytest.approx(6 * CONVOLUTION.flops / 0.1))


def test_the_rates_are_those_of_all_replicas():
    one, two = (roofline.points({USE: 3}, LIMIT, tf.float32, replicas) for replicas in (1, 2))
    assert [dot.flops for dot in two] == [2 * dot.flops for dot in one]
    assert [dot.intensity for dot in two] == [dot.intensity for dot in one]


@pytest.mark.parametrize("lanes", [Lanes(("/CPU:0",)), Lanes(("/CPU:0",), abreast=2)])
def test_the_roof_counts_what_all_lanes_do(lanes, monkeypatch):
    monkeypatch.setattr(roofline, "_SIDE", 8)
    monkeypatch.setattr(roofline, "_NUMBERS", 1000)
    monkeypatch.setattr(roofline, "_least", lambda run: [tensor.shape for tensor in run()] and 2.0)
    assert roofline.measure(tf.float32, lanes) == (lanes.abreast * 2 * 8**3 / 2.0, 3 * 1000 * 4 / 2.0)


def test_the_picture_is_a_png(tmp_path):
    dots = roofline.points({USE: 3}, LIMIT, tf.float32)
    roofline.write_roofline(tmp_path / "folder" / "roofline.png", roofline.Roof(1e11, 1e10), dots, "title")
    assert (tmp_path / "folder" / "roofline.png").read_bytes().startswith(b"\x89PNG")
