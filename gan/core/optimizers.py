"""Optimizers as two pure functions over nests of tensors."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

Nest = Any


class Moments(NamedTuple):
    """Adam's slots: nests of the shape of the parameters."""

    first: Nest
    second: Nest


class Optimizer(NamedTuple):
    """`init(params) -> slots`; `update(grads, slots, params, count, learning_rate) -> (params, slots)`.

    `count` is the number of this update, an integer scalar from 1.
    """

    init: Callable[[Nest], Nest]
    update: Callable[[Nest, Nest, Nest, tf.Tensor, float], tuple[Nest, Nest]]


def adam(beta1: float, beta2: float, epsilon: float) -> Optimizer:
    """Kingma & Ba 2015, section 2's efficient form: epsilon is added to the uncorrected root, as Keras does it."""

    def init(params: Nest) -> Moments:
        return Moments(*(tf.nest.map_structure(tf.zeros_like, params) for _ in range(2)))

    def update(grads, slots, params, count, learning_rate):
        t = tf.cast(count, tf.float32)
        rate = learning_rate * tf.sqrt(1.0 - tf.pow(beta2, t)) / (1.0 - tf.pow(beta1, t))
        first = tf.nest.map_structure(lambda m, g: m + (1.0 - beta1) * (g - m), slots.first, grads)
        second = tf.nest.map_structure(lambda v, g: v + (1.0 - beta2) * (tf.square(g) - v), slots.second, grads)
        new = tf.nest.map_structure(lambda p, m, v: p - rate * m / (tf.sqrt(v) + epsilon), params, first, second)
        return new, Moments(first, second)

    return Optimizer(init, update)
