import math

import numpy as np
import pytest
import tensorflow as tf

from gan.core import affine

B, H, W, C = 3, 12, 15, 2


def images(seed=0):
    return np.random.default_rng(seed).random((B, H, W, C)).astype(np.float32)


def constants(*values):
    return tf.constant(values, tf.float32)


def moved(x, down=(0, 0, 0), right=(0, 0, 0), zoom=(1, 1, 1), mirrored=(False, False, False)):
    upright = tf.zeros([B], tf.bool)
    rows = affine.axis_matrices(H, constants(*down), constants(*zoom), upright)
    columns = affine.axis_matrices(W, constants(*right), constants(*zoom), tf.constant(mirrored))
    return affine.resample(tf.constant(x), rows, columns).numpy()


def test_the_kernel_is_that_of_keys_and_keeps_quadratic_courses():
    d = np.linspace(-3, 3, 61)
    a = np.abs(d)
    expected = np.select([a <= 1, a < 2], [1.5 * a**3 - 2.5 * a**2 + 1, -0.5 * a**3 + 2.5 * a**2 - 4 * a + 2], 0.0)
    np.testing.assert_allclose(affine.cubic(tf.constant(d, tf.float32)), expected, atol=1e-5)
    taps, place = np.arange(-5, 6), 0.37
    weights = affine.cubic(tf.constant(place - taps, tf.float32)).numpy()
    for power in (0, 1, 2):
        np.testing.assert_allclose(weights @ taps.astype(np.float64) ** power, place**power, atol=1e-5)


def test_what_is_left_alone_and_whole_pixels_are_exact():
    x = images()
    np.testing.assert_array_equal(moved(x), x)
    np.testing.assert_array_equal(affine.rotate(tf.constant(x), tf.zeros([B]), 0.1), x)
    out = moved(x, down=(2, 0, -1), right=(0, -3, 1), mirrored=(True, False, True))
    expected = np.zeros_like(x)
    expected[0, 2:] = x[0, :-2, ::-1]
    expected[1, :, :-3] = x[1, :, 3:]
    expected[2, :-1, 1:] = x[2, 1:, ::-1][:, :-1]
    np.testing.assert_array_equal(out, expected)


def blob(height, width, y, x, sharp=0.04):
    """A smooth image [H, W] that is narrow enough to lie within the frame."""
    rows, columns = np.mgrid[:height, :width]
    return np.exp(-sharp * ((rows - y) ** 2 + 2 * (columns - x) ** 2)).astype(np.float32)


def test_zoom_scales_about_the_middle():
    size, middle, zoom = 25, 12.0, 1.25
    x = blob(size, size, 10, 14)[None, ..., None]
    matrices = affine.axis_matrices(size, constants(0), constants(zoom), tf.constant([False]))
    out = affine.resample(tf.constant(x), matrices, matrices).numpy()[0, ..., 0]
    place = [middle + zoom * (c - middle) for c in (10, 14)]
    np.testing.assert_allclose(out, blob(size, size, *place, sharp=0.04 / zoom**2), atol=1e-2)


@pytest.mark.parametrize("degrees", [-10.0, 4.0, 10.0])
def test_rotation_turns_about_the_middle_by_the_angle(degrees):
    size, angle = 25, math.radians(degrees)
    tangent = math.tan(angle / 2)
    x = blob(size, size, 8, 15)
    out = affine.rotate(tf.constant(x)[None, ..., None], constants(tangent), math.tan(math.radians(5)))
    rows, columns = np.mgrid[:size, :size] - 12.0
    # What stands at (row, column) came from there turned back.
    back_rows = rows * math.cos(angle) - columns * math.sin(angle)
    back_columns = rows * math.sin(angle) + columns * math.cos(angle)
    expected = np.exp(-0.04 * ((back_rows + 4) ** 2 + 2 * (back_columns - 3) ** 2))
    inner = slice(5, -5)  # nothing from outside of the frame comes here
    np.testing.assert_allclose(out[0, inner, inner, 0], expected[inner, inner], atol=1e-2)
    assert np.abs(x - expected).max() > (0.1 if abs(degrees) > 5 else 0.05)


def test_rotating_there_and_back_gives_the_smooth_image_again():
    x = tf.constant(blob(25, 25, 10, 14))[None, ..., None]
    there = affine.rotate(x, constants(0.08), 0.0875)
    np.testing.assert_allclose(affine.rotate(there, constants(-0.08), 0.0875), x, atol=1e-2)


def test_rotation_loses_no_more_than_what_leaves_the_frame():
    """The shears one by one move the upper corners further out than the turn does."""
    x = np.zeros((1, 25, 25, 1), np.float32)
    x[0, 2:5, 0:3] = 1.0
    out = affine.rotate(tf.constant(x), constants(-math.tan(math.radians(5))), math.tan(math.radians(5)))
    other = affine.rotate(tf.constant(x), constants(math.tan(math.radians(5))), math.tan(math.radians(5)))
    assert max(np.sum(out), np.sum(other)) > 8.9


def test_every_run_gives_the_same_bits():
    """A sum of so many large terms by one operation begins with whichever is free: this did differ."""
    x = tf.constant(np.random.default_rng(0).random((64, 64, 64, 3)), tf.float32)
    tangents = tf.constant(np.random.default_rng(1).uniform(-0.08, 0.08, 64), tf.float32)
    function = tf.function(lambda x: affine.rotate(x, tangents, 0.0875), autograph=False)
    first = function(x).numpy()
    assert all(np.array_equal(function(x), first) for _ in range(4))
