import numpy as np
import tensorflow as tf

from gan.core import layers, penalties, rng
from gan.core.convolutions import DIRECT, SPECTRAL

SHAPE = (5, 6, 2)


def normal(seed, *shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def test_r1_of_a_linear_critic_is_half_gamma_times_its_squared_norm():
    w = tf.round(2 * normal(1, *SHAPE))  # whole numbers: exact
    penalty = penalties.r1(3.0)(lambda x: tf.reduce_sum(w * x, [1, 2, 3]), normal(2, 4, *SHAPE))
    np.testing.assert_array_equal(penalty, np.full(4, 1.5 * np.sum(w.numpy() ** 2)))


def test_r1_belongs_to_the_example():
    images = normal(2, 4, *SHAPE)
    penalty = penalties.r1(2.0)(lambda x: tf.reduce_sum(tf.square(x), [1, 2, 3]), images)
    np.testing.assert_allclose(penalty, np.sum((2 * images.numpy()) ** 2, axis=(1, 2, 3)), rtol=1e-5)


def critic(convolver):
    """Smooth, so that finite differences mean something."""
    tanh = layers.Layer("tanh", (3, 4, 8), lambda stream: {}, lambda params, x, stream, training: tf.tanh(x))
    stack = [layers.enter(convolver), layers.conv(convolver, 8, 3, "VALID"), lambda shape: tanh]
    return layers.serial(SHAPE, [*stack, layers.flatten(convolver), layers.dense(1)])


def mean_r1(network, params, images):
    stream = rng.stream(1, 2)
    return tf.reduce_mean(penalties.r1(1.0)(lambda x: network.apply(params, x, None, stream, False)[:, 0], images))


def test_the_gradient_in_the_parameters_equals_finite_differences():
    images = normal(2, 3, *SHAPE)
    for convolver in (DIRECT, SPECTRAL):
        network = critic(convolver)
        params = network.init(rng.stream(1, 2))
        with tf.GradientTape() as tape:
            tape.watch(params)
            value = mean_r1(network, params, images)
        gradients = tape.gradient(value, params)
        for name in params:
            along, small = normal(3, *params[name]["kernel"].shape), 3e-3
            ends = []
            for sign in (-1, 1):
                moved = {**params, name: {**params[name], "kernel": params[name]["kernel"] + sign * small * along}}
                ends.append(float(mean_r1(network, moved, images)))
            slope = np.sum(gradients[name]["kernel"] * along)
            np.testing.assert_allclose((ends[1] - ends[0]) / (2 * small), slope, rtol=1e-2)
