"""Values of any type as levels."""

import numpy as np
import pytest

from gan.data.decoding.levels import levels, value_limits
from gan.errors import UserError


def test_without_limits_each_type_has_its_own_rule():
    bytes_ = np.arange(256, dtype=np.uint8)
    assert levels(bytes_, None, "x") is bytes_
    deep = np.array([0, 255, 256, 65535], np.uint16)
    assert levels(deep, None, "x").tolist() == [0, 0, 1, 255]
    assert levels(np.array([False, True]), None, "x").tolist() == [0, 255]
    for dtype in (np.float16, np.float32, np.float64):
        assert levels(np.array([0, 0.5, 1], dtype), None, "x").tolist() == [0, 128, 255]
    for dtype in (np.int16, np.int64, np.uint32):
        assert levels(np.array([0, 100, 255], dtype), None, "x").tolist() == [0, 100, 255]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int64, np.float32, np.float64, ">u2", ">f4"])
def test_limits_are_linear_rounded_and_clipped(dtype):
    values = np.array([0, 10, 20, 55, 110, 111], dtype)
    wanted = np.rint((values.astype(float) - 10) * 2.55).clip(0, 255)
    assert np.array_equal(levels(values, (10, 110), "x"), wanted)


def test_many_values_are_converted_as_few_are():
    values = np.random.default_rng(0).random((11, 40, 50, 60), np.float32)
    assert np.array_equal(levels(values, None, "x"), np.rint(values.astype(float) * 255))
    assert levels(np.float32(0.5), None, "x").tolist() == 128
    assert levels(np.empty((0, 4, 4, 1), np.float32), None, "x").shape == (0, 4, 4, 1)


@pytest.mark.parametrize(
    ("values", "limits", "text"),
    [
        (np.array([0.0, 255.0]), None, "x has floats from 0 to 255, not from 0 to 1; .*--value_range=MIN,MAX"),
        (np.array([-1.0, 1.0], np.float32), None, "x has floats from -1 to 1, not from 0 to 1"),
        (np.array([0, 4095], np.int32), None, "x has integers of 32 bits from 0 to 4095, not from 0 to 255"),
        (np.array([-1, 4], np.int8), None, "x has integers of 8 bits from -1 to 4, not from 0 to 255"),
        (np.array([0, np.nan]), None, r"x has pixels that are not finite \(NaN or infinite\)"),
        (np.array([0, np.inf]), (0, 1), r"x has pixels that are not finite"),
        (np.array([1j]), None, "x holds complex128, not numbers"),
        (np.array(["a"]), None, "x holds <U1, not numbers"),
    ],
)
def test_what_has_no_levels_is_one_line_with_the_range_and_the_remedy(values, limits, text):
    with pytest.raises(UserError, match=text):
        levels(values, limits, "x")


def test_limits_as_people_give_them():
    assert value_limits("auto") is None and value_limits("0,4095") == (0, 4095) and value_limits("-1, 1") == (-1, 1)
    for wrong in ("", "1", "5,5", "2,1", "0,nan", "0,inf", "a,b", "0,1,2"):
        with pytest.raises(UserError, match="must be auto or two numbers"):
            value_limits(wrong)
