from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from gan.networks.convolutions import (
    CONVOLVERS,
    DIRECT,
    SPECTRAL,
    direct,
    folded_kernel,
    plain,
    transposed_kernel,
    upsample_nearest,
)

# Relative to the largest magnitude: float32 sums of up to 16 * 25 products, and the transforms' own rounding.
TOLERANCE = 1e-5
SIZES = [(6, 6), (7, 7), (5, 8), (9, 6)]
CHANNELS = [(1, 1), (1, 8), (8, 1), (3, 16), (16, 3), (3, 8), (8, 8), (16, 8), (8, 16), (7, 7)]
GEOMETRIES = [(padding, taps, up) for padding in ("SAME", "VALID") for taps in (3, 4, 5) for up in (1, 2)]


def normal(seed, *shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def assert_close(actual, expected, tolerance=TOLERANCE):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


def run(route, x, kernel, padding, upsample):
    """(y, dy/dx, dy/dkernel), images as [B, H, W, C], for a random upstream gradient."""
    with tf.GradientTape() as tape:
        tape.watch((x, kernel))
        y = route.leave(route.apply(route.enter(x), kernel, padding, upsample))
        weighted = tf.reduce_sum(y * normal(9, *y.shape))
    return y, *tape.gradient(weighted, (x, kernel))


@pytest.mark.parametrize(("padding", "taps", "upsample"), GEOMETRIES)
def test_both_routes_are_the_convolution_of_the_definition(padding, taps, upsample, reference_convolution):
    cases = [(size, (8, 8)) for size in SIZES] + [((6, 7), pair) for pair in CHANNELS]
    for (height, width), (channels, filters) in cases:
        x, kernel = normal(1, 2, height, width, channels), normal(2, taps, taps, channels, filters)
        expected = reference_convolution(x, kernel, padding, upsample)
        direct, spectral = (run(route, x, kernel, padding, upsample) for route in (DIRECT, SPECTRAL))
        assert_close(direct[0], expected)
        assert_close(spectral[0], expected)
        assert_close(spectral[1], direct[1])
        assert_close(spectral[2], direct[2])


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_gradients_of_both_routes_equal_finite_differences(padding, reference_convolution):
    x, kernel, along = normal(1, 1, 5, 6, 8), normal(2, 5, 5, 8, 8), normal(3, 1, 5, 6, 8)
    upstream = normal(9, *reference_convolution(x, kernel, padding, 2).shape).numpy()
    # The convolution is linear in x, so the directional derivative is its value at the direction.
    expected = np.sum(reference_convolution(along, kernel, padding, 2) * upstream)
    for route in CONVOLVERS.values():
        gradient = run(route, x, kernel, padding, 2)[1]
        np.testing.assert_allclose(np.sum(gradient * along), expected, rtol=1e-4)


def second_order(route, images, kernels):
    """Gradients of R1 of a small critic with convolutions of many and of few channels."""
    with tf.GradientTape() as outer:
        outer.watch(kernels)
        with tf.GradientTape() as inner:
            inner.watch(images)
            y = route.enter(images)
            for kernel, padding, upsample in zip(kernels, ("SAME", "VALID", "VALID"), (2, 1, 1), strict=True):
                y = tf.nn.leaky_relu(route.apply(y, kernel, padding, upsample), 0.2)
            score = tf.reduce_sum(tf.square(route.leave(y)), axis=[1, 2, 3])
        r1 = tf.reduce_sum(tf.square(inner.gradient(score, images)))
    return r1, outer.gradient(r1, kernels)


def test_second_order_gradients_agree():
    images = normal(1, 2, 6, 6, 3)
    kernels = [0.2 * normal(i, 5, 5, *pair) for i, pair in enumerate([(3, 8), (8, 8), (8, 2)])]
    (value, gradients), (expected, expected_gradients) = (
        second_order(route, images, kernels) for route in (SPECTRAL, DIRECT)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    for gradient, wanted in zip(gradients, expected_gradients, strict=True):
        assert np.abs(wanted).max() > 0
        np.testing.assert_allclose(gradient, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize(("taps", "upsample", "side"), [(3, 2, 4), (7, 2, 8), (3, 3, 5), (5, 3, 7), (3, 4, 6)])
def test_upsampling_becomes_a_transposed_convolution_with_the_same_gradients(taps, upsample, side, monkeypatch):
    x, kernel = normal(1, 2, 5, 4, 3), normal(2, taps, taps, 3, 2)
    assert transposed_kernel(kernel, upsample).shape == (side, side, 2, 3)
    expected = run(DIRECT._replace(apply=plain), x, kernel, "SAME", upsample)
    monkeypatch.setattr(tf.nn, "conv2d", None)  # neither at the large size nor with a folded kernel
    for actual, wanted in zip(run(DIRECT, x, kernel, "SAME", upsample), expected, strict=True):
        assert_close(actual, wanted)


@pytest.mark.parametrize(("taps", "upsample", "side"), [(5, 2, 3), (4, 2, 3), (9, 4, 3)])
def test_upsampling_folds_into_a_smaller_kernel_with_the_same_gradients(taps, upsample, side, monkeypatch):
    x, kernel = normal(1, 2, 5, 4, 3), normal(2, taps, taps, 3, 2)
    assert folded_kernel(kernel, upsample).shape == (side, side, 3, upsample**2 * 2)
    folded, sizes = run(DIRECT, x, kernel, "SAME", upsample), []
    for actual, expected in zip(folded, run(DIRECT._replace(apply=plain), x, kernel, "SAME", upsample), strict=True):
        assert_close(actual, expected)
    whole = tf.nn.conv2d
    monkeypatch.setattr(tf.nn, "conv2d", lambda x, *rest, **more: sizes.append(x.shape[1:3]) or whole(x, *rest, **more))
    direct(x, kernel, "SAME", upsample)
    assert sizes == [(5, 4)]  # at the low resolution


def test_a_kernel_that_folding_does_not_make_smaller_stays_as_it_is(monkeypatch):
    monkeypatch.setattr("gan.networks.convolutions.folded_kernel", None)
    x, kernel = normal(1, 2, 5, 4, 3), normal(2, 2, 2, 3, 2)
    assert_close(direct(x, kernel, "SAME", 2), plain(x, kernel, "SAME", 2))


@pytest.mark.parametrize("route", CONVOLVERS.values(), ids=CONVOLVERS)
@pytest.mark.parametrize(("channels", "filters"), [(1, 8), (8, 1), (8, 8)])
@pytest.mark.parametrize(("padding", "upsample"), [("SAME", 1), ("VALID", 1), ("SAME", 2), ("VALID", 2)])
def test_a_stride_keeps_every_second_output(route, channels, filters, padding, upsample):
    x, kernel = normal(1, 2, 7, 8, channels), normal(2, 5, 5, channels, filters)
    expected = plain(x, kernel, padding, upsample)[:, ::2, ::2]
    strided, written_out = (
        route._replace(apply=partial(route.apply, stride=2)),
        DIRECT._replace(apply=lambda *arguments: plain(*arguments)[:, ::2, ::2]),
    )
    found = run(strided, x, kernel, padding, upsample)
    assert_close(found[0], expected)
    for actual, wanted in zip(found, run(written_out, x, kernel, padding, upsample), strict=True):
        assert_close(actual, wanted)


@pytest.mark.parametrize("route", CONVOLVERS.values(), ids=CONVOLVERS)
@pytest.mark.parametrize("upsample", [1, 2])
@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.bfloat16, 0.02), (tf.float16, 0.003)])
def test_the_images_set_the_precision_and_gradients_of_the_kernel_are_float32(route, upsample, dtype, tolerance):
    x, kernel = normal(1, 2, 6, 6, 8), 0.1 * normal(2, 5, 5, 8, 8)
    with tf.GradientTape() as tape:
        tape.watch((x, kernel))
        y = route.leave(route.apply(route.enter(tf.cast(x, dtype)), kernel, "SAME", upsample))
        weighted = tf.reduce_sum(tf.cast(y, tf.float32) * normal(9, *y.shape))
    assert y.dtype == dtype
    found = y, *tape.gradient(weighted, (x, kernel))
    for actual, expected in zip(found, run(DIRECT, x, kernel, "SAME", upsample), strict=True):
        assert_close(tf.cast(actual, tf.float32), expected, tolerance)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_upsampling_and_its_gradient_equal_repeat(factor, dtype):
    x = tf.cast(tf.round(4 * normal(1, 2, 3, 5, 3)), dtype)  # small integers: sums are exact in bfloat16 too
    upstream = tf.cast(tf.round(normal(2, 2, 3 * factor, 5 * factor, 3)), dtype)
    found = []
    for function in (lambda x: upsample_nearest(x, factor), lambda x: tf.repeat(tf.repeat(x, factor, 1), factor, 2)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        found.append((y, tape.gradient(y, x, output_gradients=upstream)))
    assert found[0][0].dtype == found[0][1].dtype == dtype
    np.testing.assert_array_equal(tf.cast(found[0][0], tf.float32), tf.cast(found[1][0], tf.float32))
    # A mean over 9 times 9 is not exact.
    np.testing.assert_allclose(
        tf.cast(found[0][1], tf.float32), tf.cast(found[1][1], tf.float32), atol=0.05 if dtype == tf.bfloat16 else 1e-5
    )


@pytest.mark.parametrize("route", CONVOLVERS.values(), ids=CONVOLVERS)
def test_leaving_undoes_entering(route):
    x = normal(1, 2, 3, 5, 4)
    np.testing.assert_array_equal(route.leave(route.enter(x)), x)


@pytest.mark.parametrize("route", CONVOLVERS.values(), ids=CONVOLVERS)
def test_a_route_says_whether_its_layout_has_the_rows_first(route):
    x = tf.constant(np.random.default_rng(1).normal(size=(2, 3, 4, 5)), tf.float32)  # [B, H, W, C]
    entered = tf.transpose(x, [1, 2, 0, 3]) if route.rows_first else x
    np.testing.assert_array_equal(route.enter(x), entered)
    np.testing.assert_array_equal(route.leave(entered), x)
