import numpy as np
import tensorflow as tf

from gan.core import ema


def nest(value):
    return {"dense_1": {"kernel": tf.fill([2, 3], float(value)), "bias": tf.fill([3], 2.0 * value)}}


def run(params, steps, batch, half_life, ramp, start):
    current = start
    for i in range(steps):
        current = ema.update(current, params(i), tf.constant(i * batch, tf.int64), batch, half_life, ramp)
    return current


def test_the_distance_to_constant_parameters_halves_every_half_life():
    for batch, half_life in ((64, 640), (10, 40)):
        for half_lives in (1, 3):
            steps = half_lives * half_life // batch
            end = run(lambda i: nest(1.0), steps, batch, half_life, ramp=0.0, start=nest(9.0))
            np.testing.assert_allclose(end["dense_1"]["kernel"], np.full((2, 3), 1 + 8 * 0.5**half_lives), rtol=1e-5)
            np.testing.assert_allclose(end["dense_1"]["bias"], np.full(3, 2 + 16 * 0.5**half_lives), rtol=1e-5)


def test_the_average_is_the_closed_form_over_a_course_with_a_ramp():
    batch, half_life, ramp, steps = 32, 1000.0, 0.05, 900
    course = np.sin(np.arange(steps) / 7.0) + np.arange(steps) / 300
    expected = 5.0
    for i, value in enumerate(course):
        life = min(half_life, ramp * i * batch)
        keep = 0.5 ** (batch / life) if life else 0.0
        expected = keep * expected + (1 - keep) * value
    function = tf.function(ema.update, autograph=False)
    current = {"w": tf.constant(5.0)}
    for i, value in enumerate(course):
        images = tf.constant(i * batch, tf.int64)
        current = function(current, {"w": tf.constant(value, tf.float32)}, images, batch, tf.constant(half_life), ramp)
    np.testing.assert_allclose(current["w"], expected, rtol=1e-4)


def test_the_first_update_copies_the_parameters_exactly_and_equal_ones_stay():
    params = {"w": tf.constant(np.random.default_rng(0).normal(size=1000), tf.float32)}
    zero, later = tf.constant(0, tf.int64), tf.constant(10**9, tf.int64)
    copied = ema.update({"w": tf.fill([1000], 3e7)}, params, zero, 64, 1e4)
    np.testing.assert_array_equal(copied["w"], params["w"])
    np.testing.assert_array_equal(ema.update(params, params, later, 64, 1e4)["w"], params["w"])


def test_a_half_life_of_nothing_forgets_everything():
    new = ema.update(nest(9.0), nest(1.0), tf.constant(640, tf.int64), 64, 0.0)
    np.testing.assert_array_equal(new["dense_1"]["kernel"], np.ones((2, 3)))
