import math

import numpy as np
import pytest
import tensorflow as tf

from gan.core import rng
from gan.networks import layers
from gan.networks.convolutions import CONVOLVERS, DIRECT, SPECTRAL

SHAPE = (6, 5, 8)


def root(first=0, seed=1):
    return rng.stream(seed, 2, first)


def run(constructor, x, shape, stream=None, training=True):
    layer = constructor(shape)
    return layer.apply(layer.init(root()), x, root() if stream is None else stream, training)


def small_network(convolver):
    return layers.serial(
        (12,),
        [
            layers.cast(tf.float32),
            layers.dense(3 * 4 * 8),
            layers.leaky_relu(0.2),
            layers.to_images(convolver, 3, 4),
            layers.conv(convolver, 8, 5, "SAME", upsample=2),
            layers.dropout(0.4, convolver.enter),
            layers.conv(convolver, 9, 3, "VALID", stride=2),
            layers.leave(convolver),
            layers.gaussian_noise(0.1),
            layers.affine(2.0, -1.0),
            layers.enter(convolver),
            layers.flatten(convolver),
            layers.dense(2),
            layers.sigmoid(),
        ],
    )


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.9])
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_dropout_keeps_the_share_it_should_and_the_mean(rate, dtype):
    y = tf.cast(run(layers.dropout(rate, DIRECT.enter), tf.ones([50, *SHAPE], dtype), SHAPE), tf.float32).numpy()
    kept = y != 0
    deviation = math.sqrt(rate * (1 - rate) / y.size)
    assert abs(kept.mean() - (1 - rate)) < 4 * deviation
    rounding = 2**-8 if dtype == tf.bfloat16 else 1e-4
    np.testing.assert_allclose(np.unique(y[kept]), [1 / (1 - rate)], rtol=rounding)


def test_dropout_is_unbiased_at_every_place():
    draws = [run(layers.dropout(0.4, DIRECT.enter), tf.ones([500, 9]), (9,), root(seed=seed)) for seed in range(4)]
    means = np.mean(np.concatenate(draws), axis=0)
    np.testing.assert_allclose(means, 1.0, atol=4 * math.sqrt(0.4 / 0.6 / 2000))


@pytest.mark.parametrize(("rate", "training"), [(0.4, False), (0.0, True)])
def test_dropout_is_the_identity_in_inference_and_at_rate_zero(rate, training):
    x = rng.normal(root(), (3, *SHAPE))
    assert run(layers.dropout(rate, DIRECT.enter), x, SHAPE, training=training) is x


@pytest.mark.parametrize("convolver", CONVOLVERS.values(), ids=CONVOLVERS)
def test_dropout_belongs_to_the_example_in_any_slice_and_layout(convolver):
    def dropped(count, first):
        x = convolver.enter(tf.ones([count, *SHAPE]))
        return convolver.leave(run(layers.dropout(0.4, convolver.enter), x, SHAPE, root(first))).numpy()

    whole = dropped(5, 0)
    np.testing.assert_array_equal(dropped(2, 3), whole[3:])
    np.testing.assert_array_equal(whole, run(layers.dropout(0.4, DIRECT.enter), tf.ones([5, *SHAPE]), SHAPE))
    assert any((whole[0] != whole[i]).any() for i in range(1, 5))


def test_a_rate_close_to_one_still_keeps_a_few():
    y = run(layers.dropout(0.999999, DIRECT.enter), tf.ones([2, 100_000]), (100_000,)).numpy()
    assert 0 < np.sum(y != 0) < 20
    assert y.max() == 2**16


def test_the_gradient_of_dropout_passes_where_the_number_did():
    x = rng.normal(root(), (4, *SHAPE))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = run(layers.dropout(0.4, DIRECT.enter), x, SHAPE)
    np.testing.assert_allclose(tape.gradient(y, x), y / x, rtol=1e-5)


@pytest.mark.parametrize("shape", [(40, 50), (5, 5, 16, 8)])
@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_glorot_fills_its_range_with_its_variance(shape, scale):
    kernel = layers.glorot_uniform(root(), shape, scale).numpy()
    receptive = math.prod(shape[:-2])
    limit = scale * math.sqrt(6 / (receptive * (shape[-2] + shape[-1])))
    assert kernel.shape == shape
    assert kernel.min() < -0.99 * limit
    assert kernel.max() > 0.99 * limit
    assert np.abs(kernel).max() <= limit * (1 + 1e-6)
    assert abs(kernel.mean()) < 4 * limit / math.sqrt(3 * kernel.size)
    np.testing.assert_allclose(kernel.var(), limit**2 / 3, rtol=4 * math.sqrt(0.8 / kernel.size))


def test_glorot_equals_the_limits_of_keras():
    from keras import initializers

    ours = layers.glorot_uniform(root(), (5, 5, 32, 64)).numpy()
    keras = initializers.GlorotUniform(seed=1)((5, 5, 32, 64)).numpy()
    np.testing.assert_allclose(np.abs(ours).max(), np.abs(keras).max(), rtol=1e-3)


@pytest.mark.parametrize("convolver", CONVOLVERS.values(), ids=CONVOLVERS)
def test_the_table_of_a_network_tells_its_real_shapes_and_parameters(convolver):
    network = small_network(convolver)
    params = network.init(root())
    images = {"conv_1", "conv_2", "dropout_1", "reshape_1", "enter_1"}  # in the convolver's layout there
    x = rng.normal(root(), (2, 12))
    constructors = {}
    network_rows = iter(network.table)
    for name, layer in _layers(convolver):
        row = next(network_rows)
        assert row.name == name
        x = layer.apply(params.get(name, {}), x, root(), True)
        shape = convolver.leave(x).shape[1:] if name in images else x.shape[1:]
        assert tuple(shape) == row.shape
        constructors[name] = layer
        assert row.parameters == sum(int(tf.size(p)) for p in params.get(name, {}).values())
    assert next(network_rows, None) is None
    assert [row.parameters for row in network.table if row.parameters] == [
        12 * 96 + 96,
        5 * 5 * 8 * 8 + 8,
        3 * 3 * 8 * 9 + 9,
        2 * 3 * 9 * 2 + 2,
    ]
    assert [row.multiply_adds for row in network.table if row.parameters] == [
        12 * 96,
        6 * 8 * 25 * 64,
        2 * 3 * 9 * 72,
        2 * 3 * 9 * 2,
    ]


def _layers(convolver):
    """(numbered name, layer) of `small_network`, each made from the shape of the one before."""
    shape = (12,)
    for row, constructor in zip(small_network(convolver).table, _constructors(convolver), strict=True):
        layer = constructor(shape)
        yield row.name, layer
        shape = layer.shape


def _constructors(convolver):
    captured = []
    original = layers.serial
    try:
        layers.serial = lambda shape, constructors: captured.extend(constructors) or original(shape, constructors)
        small_network(convolver)
    finally:
        layers.serial = original
    return captured


def test_layers_are_numbered_by_kind_and_only_those_with_parameters_have_some():
    network = small_network(DIRECT)
    names = [row.name for row in network.table]
    assert names[:6] == ["cast_1", "dense_1", "leaky_relu_1", "reshape_1", "conv_1", "dropout_1"]
    assert list(network.init(root())) == ["dense_1", "conv_1", "conv_2", "dense_2"]


def test_equal_layers_draw_different_weights_and_masks():
    network = layers.serial((64,), [layers.dense(64), layers.dense(64)])
    params = network.init(root())
    assert np.mean(params["dense_1"]["kernel"] == params["dense_2"]["kernel"]) < 0.01
    twice = layers.serial((1000,), [layers.dropout(0.5, DIRECT.enter), layers.dropout(0.5, DIRECT.enter)])
    kept = np.mean(twice.apply({}, tf.ones([4, 1000]), None, root(), True) != 0)
    assert abs(kept - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 4000)


def test_both_convolvers_make_the_same_network():
    x = rng.normal(root(), (3, 12))
    outputs = []
    for convolver in (DIRECT, SPECTRAL):
        network = small_network(convolver)
        outputs.append(network.apply(network.init(root()), x, None, root(), True))
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-5)


@pytest.mark.parametrize("size", [5, 6, 9])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("convolver", CONVOLVERS.values(), ids=CONVOLVERS)
def test_a_stride_keeps_every_so_manyth_of_a_valid_convolution(convolver, stride, size):
    x = rng.normal(root(), (2, size, size + 1, 8))
    layer = layers.conv(convolver, 8, 5, "VALID", stride=stride)((size, size + 1, 8))
    params = layer.init(root())
    params["bias"] = tf.range(8.0)
    y = convolver.leave(layer.apply(params, convolver.enter(x), root(), True))
    expected = tf.nn.conv2d(x, params["kernel"], stride, "VALID") + params["bias"]
    assert y.shape[1:] == layer.shape
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_gaussian_noise_has_its_deviation_in_training_alone():
    x = tf.ones([20, *SHAPE])
    noise = run(layers.gaussian_noise(0.1), x, SHAPE).numpy() - 1.0
    assert abs(noise.std() - 0.1) < 4 * 0.1 / math.sqrt(2 * noise.size)
    assert run(layers.gaussian_noise(0.1), x, SHAPE, training=False) is x
    assert run(layers.gaussian_noise(0.0), x, SHAPE) is x


def test_flattening_has_the_order_of_height_width_channels():
    x = rng.normal(root(), (2, *SHAPE))
    for convolver in (DIRECT, SPECTRAL):
        y = run(layers.flatten(convolver), convolver.enter(x), SHAPE)
        np.testing.assert_array_equal(y, tf.reshape(x, [2, -1]))
        back = run(layers.to_images(convolver, 6, 5), y, (math.prod(SHAPE),))
        np.testing.assert_array_equal(convolver.leave(back), x)


def test_sigmoid_and_cast_set_the_precision():
    x = tf.constant([[-200.0, 0.0, 200.0]], tf.bfloat16)
    y = run(layers.sigmoid(), x, (3,))
    assert y.dtype == tf.float32
    np.testing.assert_allclose(y, [[0.0, 0.5, 1.0]], atol=1e-12)
    assert run(layers.dense(4), x, (3,)).dtype == tf.bfloat16
    assert run(layers.cast(tf.float32), x, (3,)).dtype == tf.float32


def test_a_chain_hands_on_its_shapes_and_numbers_its_layers_after_a_prefix():
    found = layers.chain((6,), [layers.dense(4), layers.relu(), layers.dense(2)], "shortcut_")
    assert [layer.name for layer in found] == ["shortcut_dense_1", "shortcut_relu_1", "shortcut_dense_2"]
    assert [layer.shape for layer in found] == [(4,), (4,), (2,)]
    params = layers.first_params(found, root())
    assert list(params) == ["shortcut_dense_1", "shortcut_dense_2"]
    np.testing.assert_array_equal(
        params["shortcut_dense_2"]["kernel"], layers.glorot_uniform(rng.fold(root(), 2), (4, 2))
    )
