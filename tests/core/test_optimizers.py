import numpy as np
import pytest
import tensorflow as tf

from gan.core.optimizers import adam

SETTINGS = [(1e-4, 0.9, 0.999, 1e-7), (2e-2, 0.0, 0.9, 1e-8), (1e-3, 0.5, 0.99, 1e-3)]
UPDATES = 6


def tensors(seed, scale=1.0):
    random = np.random.default_rng(seed)
    shapes = [(3, 4), (4,), (4,)]
    values = [tf.constant(scale * random.normal(size=shape), tf.float32) for shape in shapes]
    return {"dense_1": {"bias": values[1], "kernel": values[0]}, "dense_2": {"kernel": values[2]}}


def trained(rate, *settings):
    optimizer, params = adam(*settings), tensors(0)
    slots = optimizer.init(params)
    for i in range(1, UPDATES + 1):
        params, slots = optimizer.update(tensors(i, 10.0 ** (i - 4)), slots, params, tf.constant(i, tf.int64), rate)
    return params, slots


def assert_equal(params, expected, rate):
    for ours, theirs in zip(tf.nest.flatten(params), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-3 * rate)


@pytest.mark.parametrize("settings", SETTINGS)
def test_adam_equals_keras(settings):
    from keras import optimizers

    keras = optimizers.Adam(*settings)
    variables = [tf.Variable(tensor) for tensor in tf.nest.flatten(tensors(0))]
    for i in range(1, UPDATES + 1):
        keras.apply_gradients(zip(tf.nest.flatten(tensors(i, 10.0 ** (i - 4))), variables, strict=True))
    assert_equal(trained(*settings)[0], variables, settings[0])


@pytest.mark.parametrize("settings", SETTINGS)
def test_adam_equals_the_papers_formula(settings):
    rate, beta1, beta2, epsilon = settings
    params = [tensor.numpy().astype(np.float64) for tensor in tf.nest.flatten(tensors(0))]
    first, second = ([np.zeros_like(p) for p in params] for _ in range(2))
    for i in range(1, UPDATES + 1):
        for j, g in enumerate(tf.nest.flatten(tensors(i, 10.0 ** (i - 4)))):
            g = g.numpy().astype(np.float64)
            first[j] = beta1 * first[j] + (1 - beta1) * g
            second[j] = beta2 * second[j] + (1 - beta2) * g**2
            step = rate * np.sqrt(1 - beta2**i) / (1 - beta1**i)
            params[j] -= step * first[j] / (np.sqrt(second[j]) + epsilon)
    ours, slots = trained(*settings)
    assert_equal(ours, params, rate)
    assert_equal(slots.first, first, 1.0)
    assert_equal(slots.second, second, 1.0)


def test_the_first_update_moves_each_number_by_the_learning_rate_against_its_gradient():
    optimizer, params, grads = adam(0.9, 0.999, 1e-12), tensors(0), tensors(1)
    new, _ = optimizer.update(grads, optimizer.init(params), params, tf.constant(1, tf.int64), 0.01)
    for p, q, g in zip(*(tf.nest.flatten(nest) for nest in (params, new, grads)), strict=True):
        np.testing.assert_allclose(q, p - 0.01 * tf.sign(g), atol=2e-6)


def test_slots_begin_at_zero_in_the_shape_of_the_parameters():
    params = tensors(0)
    slots = adam(0.9, 0.999, 1e-7).init(params)
    for nest in slots:
        tf.nest.assert_same_structure(nest, params)
        assert all(not value.numpy().any() for value in tf.nest.flatten(nest))
