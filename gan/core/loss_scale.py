"""Dynamic scaling of a loss, for gradients in float16, whose smallest number is 6e-8 and largest 65504.

The loss is multiplied by a power of two before its gradient and the gradient divided by it in float32. A gradient that
is not finite is not applied and halves the scale; many good ones in a row double it (Micikevicius et al. 2018, "Mixed
precision training", section 3.2). All of it is a function of tensors: the scale is part of the state.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

INITIAL, LARGEST = 2.0**15, 2.0**24
_GOOD_UPDATES = 2000  # in a row before the scale is doubled


class LossScale(NamedTuple):
    """`scale` [] float32, a power of two; [] int64 `good`, finite gradients since it changed, and `applied` ones."""

    scale: tf.Tensor
    good: tf.Tensor
    applied: tf.Tensor


def initial() -> LossScale:
    """The scale before the first update."""
    return LossScale(tf.constant(INITIAL), tf.zeros([], tf.int64), tf.zeros([], tf.int64))


def all_finite(grads: Any) -> tf.Tensor:
    """Whether every number of the nest is finite, [] bool."""
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(grad)) for grad in tf.nest.flatten(grads)])


def advance(now: LossScale, finite: tf.Tensor) -> LossScale:
    """The scale after an update whose gradient was `finite` or not."""
    applied = now.applied + tf.cast(finite | (now.scale <= 1.0), tf.int64)
    grows = finite & (now.good + 1 >= _GOOD_UPDATES)
    factor = tf.where(finite, tf.where(grows, 2.0, 1.0), 0.5)
    good = tf.where(finite & ~grows, now.good + 1, tf.zeros_like(now.good))
    return LossScale(tf.clip_by_value(now.scale * factor, 1.0, LARGEST), good, applied)


def guarded(update: Callable[[Any], Any], grads: Any, old: Any, now: LossScale) -> tuple[Any, LossScale, Any]:
    """(what `update(grads)` returns, or `old` where the gradient overflowed; the scale after it; the gradient, or 0).

    At scale 1 nothing is held back any more: what is not finite then has not overflowed, it has diverged, and must be
    seen.
    """
    finite = all_finite(grads)
    applies = finite | (now.scale <= 1.0)
    new = tf.nest.map_structure(lambda one, other: tf.where(applies, one, other), update(grads), old)
    shown = tf.nest.map_structure(lambda grad: tf.where(applies, grad, tf.zeros_like(grad)), grads)
    return new, advance(now, finite), shown
