"""The roofline: where the points lie, and that the picture is one."""

import pytest
import tensorflow as tf

from gan.bench import roofline
from gan.bench.convolution_work import FORWARD, INPUT_GRADIENT, Convolution, Use
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


def test_the_picture_is_a_png(tmp_path):
    dots = roofline.points({USE: 3}, LIMIT, tf.float32)
    roofline.write_roofline(tmp_path / "folder" / "roofline.png", roofline.Roof(1e11, 1e10), dots, "title")
    assert (tmp_path / "folder" / "roofline.png").read_bytes().startswith(b"\x89PNG")
