import numpy as np
import pytest
import tensorflow as tf

from gan.core import optimizers
from gan.core.optimizers import adam

SETTINGS = [(1e-4, 0.9, 0.999, 1e-7), (2e-2, 0.0, 0.9, 1e-8), (1e-3, 0.5, 0.99, 1e-3)]
UPDATES = 6


def tensors(seed, scale=1.0):
    random = np.random.default_rng(seed)
    shapes = [(3, 4), (4,), (2, 4)]  # a scale for each of two classes
    values = [tf.constant(scale * random.normal(size=shape), tf.float32) for shape in shapes]
    return {"body": {"dense": {"bias": values[1], "kernel": values[0]}}, "batch_norm": {"scale": values[2]}}


def trained(rate, *settings):
    return trained_by(adam(*settings), rate)


def trained_by(optimizer, rate):
    params = tensors(0)
    slots = optimizer.init(params)
    for i in range(1, UPDATES + 1):
        params, slots = optimizer.update(tensors(i, 10.0 ** (i - 4)), slots, params, tf.constant(i, tf.int64), rate)
    return params, slots


def trained_by_keras(keras):
    variables = [tf.Variable(tensor) for tensor in tf.nest.flatten(tensors(0))]
    keras.build(variables)
    for i in range(1, UPDATES + 1):
        keras.apply_gradients(zip(tf.nest.flatten(tensors(i, 10.0 ** (i - 4))), variables, strict=True))
    return variables


def assert_equal(params, expected, rate):
    for ours, theirs in zip(tf.nest.flatten(params), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-3 * rate)


@pytest.mark.parametrize("settings", SETTINGS)
def test_adam_equals_keras(settings):
    from keras.optimizers import Adam

    assert_equal(trained(*settings)[0], trained_by_keras(Adam(*settings)), settings[0])


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


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adamw_equals_keras_with_all_but_kernels_left_out(decay):
    from keras.optimizers import AdamW

    settings = {"learning_rate": 1e-2, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}
    keras = AdamW(weight_decay=decay, **settings)
    kernel = [tf.Variable(tensors(0)["body"]["dense"]["kernel"])]
    keras.build(kernel)
    for i in range(1, UPDATES + 1):
        keras.apply_gradients([(tensors(i, 10.0 ** (i - 4))["body"]["dense"]["kernel"], kernel[0])])
    ours, _ = trained_by(optimizers.adamw(0.5, 0.9, 1e-3, decay), 1e-2)
    plain, _ = trained(1e-2, 0.5, 0.9, 1e-3)
    np.testing.assert_allclose(ours["body"]["dense"]["kernel"], kernel[0], rtol=1e-5)
    np.testing.assert_array_equal(ours["body"]["dense"]["bias"], plain["body"]["dense"]["bias"])
    np.testing.assert_array_equal(ours["batch_norm"]["scale"], plain["batch_norm"]["scale"])
    assert np.array_equal(ours["body"]["dense"]["kernel"], plain["body"]["dense"]["kernel"]) == (decay == 0)


@pytest.mark.parametrize(("decay", "momentum"), [(0.9, 0.0), (0.5, 0.9)])
def test_rmsprop_equals_keras(decay, momentum):
    from keras.optimizers import RMSprop

    ours, _ = trained_by(optimizers.rmsprop(decay, momentum, 1e-3), 1e-2)
    assert_equal(ours, trained_by_keras(RMSprop(1e-2, rho=decay, momentum=momentum, epsilon=1e-3)), 1e-2)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_equals_keras(momentum):
    from keras.optimizers import SGD

    assert_equal(trained_by(optimizers.sgd(momentum), 1e-2)[0], trained_by_keras(SGD(1e-2, momentum=momentum)), 1.0)


def test_the_registry_gives_each_its_own_settings():
    expected = {
        "adam": adam(0.5, 0.9, 1e-3),
        "adamw": optimizers.adamw(0.5, 0.9, 1e-3, 0.2),
        "rmsprop": optimizers.rmsprop(0.9, 0.5, 1e-3),
        "sgd": optimizers.sgd(0.5),
    }
    assert expected.keys() == optimizers.OPTIMIZERS.keys()
    for name, factory in optimizers.OPTIMIZERS.items():
        for ours, theirs in zip(
            *(tf.nest.flatten(trained_by(o, 0.01)) for o in (factory(0.5, 0.9, 1e-3, 0.2), expected[name])), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_rates_and_decays_may_be_tensors_and_weights_keep_their_precision(name):
    constant, _ = trained_by(optimizers.OPTIMIZERS[name](0.5, 0.875, 1e-3, 0.25), 0.125)

    @tf.function(autograph=False)
    def scheduled(rate, beta2, params, slots, grads, count):
        return optimizers.OPTIMIZERS[name](0.5, beta2, 1e-3, 0.25).update(grads, slots, params, count, rate)

    params, slots = tensors(0), optimizers.OPTIMIZERS[name](0.5, 0.875, 1e-3, 0.25).init(tensors(0))
    for i in range(1, UPDATES + 1):
        count, grads = tf.constant(i, tf.int64), tensors(i, 10.0 ** (i - 4))
        params, slots = scheduled(tf.constant(0.125), tf.constant(0.875), params, slots, grads, count)
    for ours, theirs in zip(tf.nest.flatten(params), tf.nest.flatten(constant), strict=True):
        assert ours.dtype == tf.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_clipping_shortens_the_whole_gradient_and_keeps_its_direction():
    grads = tensors(1)
    values = np.concatenate([np.ravel(g) for g in tf.nest.flatten(grads)])
    norm = np.linalg.norm(values)
    for limit in (0.5 * norm, 2.0 * norm):
        clipped = np.concatenate([np.ravel(g) for g in tf.nest.flatten(optimizers.clip_by_global_norm(grads, limit))])
        np.testing.assert_allclose(clipped, values * min(1.0, limit / norm), rtol=1e-6)
    zeros = optimizers.clip_by_global_norm({"w": tf.zeros([3])}, 1.0)
    np.testing.assert_array_equal(zeros["w"], np.zeros(3))


def test_clipped_weights_lie_in_their_range():
    params = {"w": tf.constant([-2.0, -0.01, 0.005, 0.2])}
    np.testing.assert_allclose(optimizers.clip_weights(params, 0.01)["w"], [-0.01, -0.01, 0.005, 0.01])
