import math

import numpy as np
import pytest
import tensorflow as tf

from gan.core import schedules

MANY = 50_000_000  # float32 cannot tell it from its neighbours


def at(schedule, images):
    return float(schedule(tf.constant(images, tf.int64)))


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("jit", [False, True])
def test_both_ends_are_exact_and_the_end_stays(kind, jit):
    for start, end in ((0.9, 0.99), (2e-4, 0.0), (0.1, 1 / 3), (50.0, 0.7)):
        schedule = tf.function(schedules.make(kind, start, end, over_images=MANY), jit_compile=jit, autograph=False)
        assert at(schedule, 0) == np.float32(start)
        assert at(schedule, MANY) == at(schedule, 10**12) == np.float32(end)
        np.testing.assert_allclose(at(schedule, MANY // 2), (start + end) / 2, rtol=1e-6)


def test_the_course_between_the_ends():
    linear = schedules.make("linear", 1.0, 3.0, over_images=1000)
    cosine = schedules.make("cosine", 1.0, 3.0, over_images=1000)
    for images in (1, 100, 333, 900, 999):
        np.testing.assert_allclose(at(linear, images), 1 + 2 * images / 1000, rtol=1e-6)
        np.testing.assert_allclose(at(cosine, images), 2 - math.cos(math.pi * images / 1000), rtol=1e-6)


def test_single_images_count_beyond_the_range_of_float32():
    schedule = schedules.make("linear", 0.0, 1e9, over_images=10**9)
    base = schedules.make("linear", -(10.0**8), 10.0**9 - 10.0**8, over_images=10**9)
    assert at(base, 10**8 + 1) == 1.0
    assert at(schedule, 2**24 + 2) - at(schedule, 2**24) == 2.0


def test_a_constant_is_the_number_itself():
    schedule = schedules.make("constant", 0.1)
    assert at(schedule, 0) == at(schedule, 10**12) == np.float32(0.1)


def test_warm_up_multiplies_the_course_below():
    plain, warm = (schedules.make("cosine", 2.0, 1.0, 1000, warmup) for warmup in (0, 100))
    assert at(warm, 0) == 0.0
    for images in (1, 50, 99, 100, 101, 1000, 2000):
        np.testing.assert_allclose(at(warm, images), at(plain, images) * min(1.0, images / 100), rtol=1e-6)
    assert at(schedules.make("constant", 0.1, warmup_images=MANY), MANY) == np.float32(0.1)


@pytest.mark.parametrize("kind", schedules.SHAPES)
def test_a_value_is_a_float32_scalar(kind):
    value = schedules.make(kind, 1.0, 2.0, over_images=10, warmup_images=5)(tf.constant(3, tf.int64))
    assert value.shape == ()
    assert value.dtype == tf.float32
