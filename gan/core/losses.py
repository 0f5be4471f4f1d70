"""The objectives: for each, what the discriminator and the generator minimize, example by example.

The article labels real images 0 and fakes 1: the discriminator's probability is that of a fake. An objective says so by
`real_sign`, the sign that a logit has where the discriminator takes an image for real.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core import rng

KERAS_EPSILON = 1e-7  # Keras clips probabilities to [epsilon, 1 - epsilon]

CrossEntropy = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Targets = Callable[[rng.Stream, int], tuple[tf.Tensor, tf.Tensor]]


class Objective(NamedTuple):
    """`discriminator(real_logits [B], fake_logits [B], stream) -> [B]`; `generator(fake_logits [B]) -> [B]`."""

    discriminator: Callable[[tf.Tensor, tf.Tensor, rng.Stream], tf.Tensor]
    generator: Callable[[tf.Tensor], tf.Tensor]
    real_sign: float


def cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-(t log p + (1 - t) log(1 - p)) with p = sigmoid(logits), in the stable form max(l, 0) - l t + log(1 + e^-|l|).

    The form is linear in t, so any real target has a meaning; the gradient in the logit is p - t everywhere.
    """
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)


def keras_cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The same from probabilities clipped to [1e-7, 1 - 1e-7], as Keras computes it of a model that ends in a sigmoid.

    A target below 0 rewards p -> 0 without bound but for the clip: the loss falls to t log(1e-7), and where the
    probability is clipped the gradient is 0, as in Keras.
    """
    p = tf.clip_by_value(tf.sigmoid(logits), KERAS_EPSILON, 1.0 - KERAS_EPSILON)
    return -(targets * tf.math.log(p) + (1.0 - targets) * tf.math.log(1.0 - p))


def noisy_targets(width: float) -> Targets:
    """The article's intention: real images 0 + width u, fakes 1 - width u, u uniform in [0, 1) for each."""

    def targets(stream: rng.Stream, batch: int) -> tuple[tf.Tensor, tf.Tensor]:
        noise = width * rng.uniform(stream, (batch, 2))  # [B, (real, fake)]
        return noise[:, 0], 1.0 - noise[:, 1]

    return targets


def overwritten_targets(width: float) -> Targets:
    """The article's published code: the noise replaces the labels, real + width u, fake - width u."""

    def targets(stream: rng.Stream, batch: int) -> tuple[tf.Tensor, tf.Tensor]:
        noise = width * rng.uniform(stream, (batch, 2))  # [B, (real, fake)]
        return noise[:, 0], -noise[:, 1]

    return targets


def fake_detection(discriminator_loss: CrossEntropy, targets: Targets) -> Objective:
    """Both players as the article has them: the discriminator separates, the generator's fakes are to be called real.

    The discriminator's loss is the mean over real and fake images together: half the sum of the two. The generator's
    comes from logits in either case: there Keras, too, finds the logit below the sigmoid and uses it.
    """

    def discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
        real_targets, fake_targets = targets(stream, real_logits.shape[0])
        return (discriminator_loss(real_targets, real_logits) + discriminator_loss(fake_targets, fake_logits)) / 2.0

    def generator(fake_logits: tf.Tensor) -> tf.Tensor:
        return cross_entropy(tf.zeros_like(fake_logits), fake_logits)

    return Objective(discriminator, generator, real_sign=-1.0)


CROSS_ENTROPIES = {"cross_entropy": cross_entropy, "keras_cross_entropy": keras_cross_entropy}
TARGETS = {"added": noisy_targets, "overwritten": overwritten_targets}
