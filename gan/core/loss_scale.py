"""Dynamic scaling of a loss, for gradients in float16, whose smallest number is 6e-8 and largest 65504.

The gradient of a loss is taken times a power of two and in the end divided by it in float32. One that is not finite is
not applied and halves the scale; many good ones in a row double it (Micikevicius et al. 2018, "Mixed precision
training", section 3.2). All of it is a function of tensors: the scale is part of the state.

Each player has a scale, or none, `()`, where the precision needs none: then every function here does what there would
be without it. Nobody else asks which of the two it is.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core.base import Nest, Scalar

INITIAL, LARGEST = 2.0**15, 2.0**24
NAMES = ("d_loss_scale", "g_loss_scale")  # in checkpoints: a run may be continued with them or without
_GOOD_UPDATES = 2000  # in a row before the scale is doubled


class LossScale(NamedTuple):
    """`scale` [] float32, a power of two; [] int64 `good`, finite gradients since it changed, and `applied` ones."""

    scale: tf.Tensor
    good: tf.Tensor
    applied: tf.Tensor


Scale = LossScale | tuple[()]


def initial() -> LossScale:
    """The scale before the first update."""
    return LossScale(tf.constant(INITIAL), tf.zeros([], tf.int64), tf.zeros([], tf.int64))


def gradient(tape: tf.GradientTape, loss: tf.Tensor, params: Nest, now: Scale, **options) -> Nest:
    """The gradient of a loss [] in `params`, times the scale where there is one; `options` are the tape's."""
    return tape.gradient(loss, params, output_gradients=now.scale if now else None, **options)


def unscaled(grads: Nest, now: Scale) -> Nest:
    """What was taken times the scale, divided by it."""
    return tf.nest.map_structure(lambda grad: grad / now.scale, grads) if now else grads


def inner(now: Scale) -> Scalar:
    """The factor for a gradient within a loss; the network sees it first, so it must fit into float16."""
    return tf.minimum(now.scale, INITIAL) if now else 1.0


def applied(value: tf.Tensor, now: Scale) -> tf.Tensor:
    """A part of a loss [] as it is told of: 0 if it overflowed, since its update is then not applied."""
    return tf.where(tf.math.is_finite(value), value, 0.0) if now else value


def count(update: tf.Tensor, now: Scale) -> tf.Tensor:
    """The number from 1 of an update, `update` from 0, as its optimizer counts: one that overflowed did not happen."""
    return (now.applied if now else update) + 1


def all_finite(grads: Nest) -> tf.Tensor:
    """Whether every number of the nest is finite, [] bool."""
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(grad)) for grad in tf.nest.flatten(grads)])


def advance(now: LossScale, finite: tf.Tensor) -> LossScale:
    """The scale after an update whose gradient was `finite` or not."""
    so_far = now.applied + tf.cast(finite | (now.scale <= 1.0), tf.int64)
    grows = finite & (now.good + 1 >= _GOOD_UPDATES)
    factor = tf.where(finite, tf.where(grows, 2.0, 1.0), 0.5)
    good = tf.where(finite & ~grows, now.good + 1, tf.zeros_like(now.good))
    return LossScale(tf.clip_by_value(now.scale * factor, 1.0, LARGEST), good, so_far)


def guarded(update: Callable[[Nest], Nest], grads: Nest, old: Nest, now: Scale) -> tuple[Nest, Scale, Nest]:
    """(what `update(grads)` returns, or `old` where the gradient overflowed; the scale after it; the gradient, or 0).

    At scale 1 nothing is held back any more: what is not finite then has not overflowed, it has diverged, and must be
    seen.
    """
    if not now:
        return update(grads), now, grads
    finite = all_finite(grads)
    applies = finite | (now.scale <= 1.0)
    new = tf.nest.map_structure(lambda one, other: tf.where(applies, one, other), update(grads), old)
    shown = tf.nest.map_structure(lambda grad: tf.where(applies, grad, tf.zeros_like(grad)), grads)
    return new, advance(now, finite), shown
