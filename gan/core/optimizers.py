"""Optimizers as two pure functions over nests of tensors.

Rates and the decay of the second moment may be scalar tensors, so that a schedule can move them. Then Adam corrects
its bias with the decay in force, beta2^count: exact while the decay stays, and for a decay that rises slowly from a
small one the correction has long been 1 before the difference could show.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core.base import Nest, Scalar


class Moments(NamedTuple):
    """Adam's slots: nests of the shape of the parameters. The other optimizers use them, too, where they can."""

    first: Nest
    second: Nest


class Optimizer(NamedTuple):
    """`init(params) -> slots`; `update(grads, slots, params, count, learning_rate) -> (params, slots)`.

    `count` is the number of this update, an integer scalar from 1.
    """

    init: Callable[[Nest], Nest]
    update: Callable[[Nest, Nest, Nest, tf.Tensor, Scalar], tuple[Nest, Nest]]


def adam(beta1: Scalar, beta2: Scalar, epsilon: float) -> Optimizer:
    """Kingma & Ba 2015, section 2's efficient form: epsilon is added to the uncorrected root, as Keras does it."""

    def update(grads, slots, params, count, learning_rate):
        t = tf.cast(count, tf.float32)
        rate = learning_rate * tf.sqrt(1.0 - tf.pow(beta2, t)) / (1.0 - tf.pow(beta1, t))
        first = tf.nest.map_structure(lambda m, g: m + (1.0 - beta1) * (g - m), slots.first, grads)
        second = tf.nest.map_structure(lambda v, g: v + (1.0 - beta2) * (tf.square(g) - v), slots.second, grads)
        new = tf.nest.map_structure(lambda p, m, v: p - rate * m / (tf.sqrt(v) + epsilon), params, first, second)
        return new, Moments(first, second)

    return Optimizer(_zero_moments, update)


def adamw(beta1: Scalar, beta2: Scalar, epsilon: float, weight_decay: float) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2): p - rate decay p before the update.

    Only kernels decay: not biases, nor scales and embeddings, whichever axes they have.
    """
    plain = adam(beta1, beta2, epsilon)

    def update(grads, slots, params, count, learning_rate):
        decayed = _kernels_times(1.0 - learning_rate * weight_decay, params)
        return plain.update(grads, slots, decayed, count, learning_rate)

    return Optimizer(_zero_moments, update)


def _kernels_times(factor: Scalar, params: Nest) -> Nest:
    """The parameters, dictionaries of tensors in any depth, each kernel multiplied."""
    changed = dict(params)
    for name, value in params.items():
        if isinstance(value, dict):
            changed[name] = _kernels_times(factor, value)
        elif name == "kernel":
            changed[name] = factor * value
    return changed


def rmsprop(decay: Scalar, momentum: Scalar, epsilon: float) -> Optimizer:
    """Tieleman & Hinton 2012 as Keras has it: g / sqrt(v + epsilon), with classical momentum after it."""

    def update(grads, slots, params, count, learning_rate):
        second = tf.nest.map_structure(lambda v, g: v + (1.0 - decay) * (tf.square(g) - v), slots.second, grads)
        first = tf.nest.map_structure(
            lambda m, g, v: momentum * m + learning_rate * g / tf.sqrt(v + epsilon), slots.first, grads, second
        )
        return tf.nest.map_structure(tf.subtract, params, first), Moments(first, second)

    return Optimizer(_zero_moments, update)


def sgd(momentum: Scalar) -> Optimizer:
    """Gradient descent with classical momentum (Polyak 1964); the slots are the velocity."""

    def update(grads, slots, params, count, learning_rate):
        velocity = tf.nest.map_structure(lambda m, g: momentum * m + learning_rate * g, slots, grads)
        return tf.nest.map_structure(tf.subtract, params, velocity), velocity

    return Optimizer(lambda params: tf.nest.map_structure(tf.zeros_like, params), update)


def clip_by_global_norm(grads: Nest, limit: float) -> Nest:
    """The gradients, scaled so that their norm taken together is at most `limit` (Pascanu et al. 2013)."""
    factor = limit / tf.maximum(tf.linalg.global_norm(tf.nest.flatten(grads)), limit)
    return tf.nest.map_structure(lambda g: factor * g, grads)


def clip_weights(params: Nest, limit: float) -> Nest:
    """Every number within +-limit, after each update: how the first WGAN bounds its critic (Arjovsky et al. 2017)."""
    return tf.nest.map_structure(lambda p: tf.clip_by_value(p, -limit, limit), params)


def _zero_moments(params: Nest) -> Moments:
    return Moments(*(tf.nest.map_structure(tf.zeros_like, params) for _ in range(2)))


OPTIMIZERS: dict[str, Callable[[Scalar, Scalar, float, float], Optimizer]] = {
    "adam": lambda beta1, beta2, epsilon, weight_decay: adam(beta1, beta2, epsilon),
    "adamw": adamw,
    "rmsprop": lambda beta1, beta2, epsilon, weight_decay: rmsprop(beta2, beta1, epsilon),
    "sgd": lambda beta1, beta2, epsilon, weight_decay: sgd(beta1),
}
