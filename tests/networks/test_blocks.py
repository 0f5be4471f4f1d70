import numpy as np
import pytest
import tensorflow as tf

from gan.core import rng
from gan.networks import blocks, layers
from gan.networks.convolutions import CONVOLVERS, DIRECT

ROOT = rng.stream(1, 2)
SHAPE = (6, 4, 8)
both = pytest.mark.parametrize("convolver", CONVOLVERS.values(), ids=CONVOLVERS)


def drawn(*shape, seed=1):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def made(constructor, shape=SHAPE):
    layer = constructor(shape)
    return layer, layer.init(ROOT)


def run(constructor, x, convolver):
    """The layer on [B, H, W, C] in the convolver's layout, brought back to [B, H, W, C]."""
    layer, params = made(constructor, tuple(x.shape[1:]))
    y = convolver.leave(layer.apply(params, convolver.enter(x), ROOT, True))
    assert tuple(y.shape[1:]) == layer.shape
    return y


def repeated(x):
    return np.repeat(np.repeat(x, 2, axis=1), 2, axis=2)


def pooled(x):
    x = np.asarray(x)
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


@both
def test_pooling_and_upsampling_and_their_gradients(convolver):
    x, up = drawn(3, *SHAPE), drawn(3, 12, 8, 8)
    np.testing.assert_allclose(run(blocks.average_pool(convolver), x, convolver), pooled(x), atol=1e-6)
    np.testing.assert_array_equal(run(blocks.upsample(convolver), x, convolver), repeated(x))
    with tf.GradientTape() as tape:
        tape.watch([x, up])
        raised = tf.reduce_sum(up * run(blocks.upsample(convolver), x, convolver))
        lowered = tf.reduce_sum(x * run(blocks.average_pool(convolver), up, convolver))
        total = raised + lowered
    gradient = tape.gradient(total, [x, up])
    np.testing.assert_allclose(gradient[0], 4 * pooled(up) + pooled(up), atol=1e-5)
    np.testing.assert_allclose(gradient[1], repeated(x) + repeated(x) / 4, atol=1e-5)


@pytest.mark.parametrize("name", ["average_pool", "upsample"])
@both
def test_second_derivatives_pass_through_changes_of_size(convolver, name):
    x = drawn(2, *SHAPE)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(run(getattr(blocks, name)(convolver), x, convolver) ** 3)
        penalty = tf.reduce_sum(inner.gradient(y, x) ** 2)
    if name == "average_pool":  # each of four pixels: dy/dx = 3/4 m^2 with m the mean
        expected = repeated(4 * 2 * (3 / 4 * pooled(x) ** 2) * (3 / 2 * pooled(x)) / 4)
    else:  # dy/dx = 4 * 3 x^2
        expected = 2 * (12 * x**2) * (24 * x)
    np.testing.assert_allclose(outer.gradient(penalty, x), expected, rtol=1e-3, atol=1e-3)


def test_odd_maps_cannot_be_halved():
    for constructor in (blocks.average_pool(DIRECT), blocks.halving_conv(DIRECT, 2, 5)):
        with pytest.raises(ValueError, match="5 x 4"):
            constructor((5, 4, 2))


@both
def test_a_pointwise_convolution_is_one_of_a_single_tap(convolver):
    x = drawn(3, *SHAPE)
    layer, params = made(blocks.pointwise(5))
    params["bias"] = tf.range(5.0)
    y = convolver.leave(layer.apply(params, convolver.enter(x), ROOT, True))
    np.testing.assert_allclose(y, tf.nn.conv2d(x, params["kernel"][None, None], 1, "SAME") + params["bias"], atol=1e-5)
    assert (layer.parameters, layer.multiply_adds) == (8 * 5 + 5, 24 * 8 * 5)


@pytest.mark.parametrize("taps", [3, 5])
@pytest.mark.parametrize("channels", [1, 8])
@both
def test_a_halving_convolution_is_one_of_stride_two(convolver, channels, taps):
    x = drawn(2, 6, 4, channels)
    layer, params = made(blocks.halving_conv(convolver, 9, taps), (6, 4, channels))
    params["bias"] = tf.range(9.0)
    y = convolver.leave(layer.apply(params, convolver.enter(x), ROOT, True))
    side = [taps // 2, taps // 2]
    expected = tf.nn.conv2d(tf.pad(x, [[0, 0], side, side, [0, 0]]), params["kernel"], 2, "VALID") + params["bias"]
    assert tuple(y.shape[1:]) == layer.shape == (3, 2, 9)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert (layer.parameters, layer.multiply_adds) == (taps**2 * channels * 9 + 9, 6 * taps**2 * channels * 9)


@both
def test_a_residual_layer_adds_its_two_chains(convolver):
    x = drawn(3, *SHAPE)

    def zero(filters):
        return layers.conv(convolver, filters, 3, "SAME", scale=0.0)

    np.testing.assert_array_equal(run(blocks.residual([layers.relu(), zero(8)]), x, convolver), x)
    short = [blocks.average_pool(convolver)]
    np.testing.assert_allclose(run(blocks.residual([*short, zero(8)], short), x, convolver), pooled(x), atol=1e-6)
    np.testing.assert_allclose(run(blocks.residual([layers.relu()]), x, convolver), x + np.maximum(x, 0), atol=1e-6)


def test_the_parts_of_a_residual_layer_have_names_and_weights_of_their_own():
    conv, point = layers.conv(DIRECT, 8, 3, "SAME"), blocks.pointwise(8)
    layer, params = made(blocks.residual([conv, layers.relu(), conv, point], [point]))
    assert list(params) == ["conv_1", "conv_2", "pointwise_1", "shortcut_pointwise_1"]
    assert np.mean(params["conv_1"]["kernel"] == params["conv_2"]["kernel"]) < 0.01
    assert np.mean(params["pointwise_1"]["kernel"] == params["shortcut_pointwise_1"]["kernel"]) < 0.05
    assert layer.parameters == sum(int(tf.size(p)) for p in tf.nest.flatten(params))
    assert layer.multiply_adds == 24 * (2 * 9 * 64 + 2 * 64)


def spread(group):
    """The mean over places and channels of the deviation within a group [G, H, W, C]."""
    return np.sqrt(np.var(group, axis=0) + 1e-8).mean()


def deviated(x, group, convolver=DIRECT):
    (constructor,) = blocks.deviation(convolver, group)
    y = run(constructor, x, convolver)
    np.testing.assert_array_equal(y[..., :-1], x)
    assert np.ptp(y[..., -1], axis=(1, 2)).max() == 0
    return y[:, 0, 0, -1].numpy()


@both
def test_the_deviation_is_that_of_groups_of_one_kind(convolver):
    x = drawn(8, *SHAPE)
    reals, fakes = x[::2], x[1::2]
    expected = [spread(part) for part in (reals[:2], fakes[:2], reals[2:], fakes[2:])]
    np.testing.assert_allclose(deviated(x, 2, convolver), [expected[i] for i in (0, 1, 0, 1, 2, 3, 2, 3)], rtol=1e-5)


def test_the_deviation_does_not_depend_on_how_the_batch_is_split_between_groups():
    x = drawn(16, *SHAPE)
    whole = deviated(x, 4)
    np.testing.assert_allclose(np.concatenate([deviated(x[:8], 4), deviated(x[8:], 4)]), whole, rtol=1e-5)


@pytest.mark.parametrize(("batch", "size"), [(1, 1), (2, 1), (3, 1), (4, 2), (6, 1), (8, 4), (12, 2)])
def test_groups_are_smaller_where_the_batch_is_not_divisible(batch, size):
    x = drawn(batch, *SHAPE)
    kinds = 2 - batch % 2
    np.testing.assert_allclose(deviated(x, 4)[0], spread(x[::kinds][:size]), rtol=1e-4)
    assert (deviated(x, 4)[0] > 0.1) == (size > 1)


def test_no_group_is_no_layer():
    assert blocks.deviation(DIRECT, 0) == []


@both
def test_weighted_sums_and_totals(convolver):
    x = drawn(3, *SHAPE)
    layer, params = made(blocks.weighted_sum(convolver))
    y = layer.apply(params, convolver.enter(x), ROOT, True)
    np.testing.assert_allclose(
        y, np.einsum("bhwc,hwc->bc", x, tf.reshape(params["weights"], SHAPE)), rtol=1e-4, atol=1e-5
    )
    assert layer.parameters == layer.multiply_adds == 24 * 8
    np.testing.assert_allclose(
        np.var(blocks.weighted_sum(convolver)((40, 40, 8)).init(ROOT)["weights"]), 1 / 1600, rtol=0.05
    )
    layer, params = made(blocks.total(convolver))
    np.testing.assert_allclose(
        layer.apply(params, convolver.enter(x), ROOT, True), np.sum(x, axis=(1, 2)), rtol=1e-4, atol=1e-5
    )
