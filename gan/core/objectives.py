"""The objectives: for each, what the discriminator and the generator minimize, example by example.

The article labels real images 0 and fakes 1: the discriminator's probability is that of a fake. The other objectives
have it the usual way. An objective says so by `real_sign`, the sign that a logit has where the discriminator takes an
image for real: zero is the boundary, unless only differences of logits mean anything.

Those that compare with labels take them as `Targets`, the probability of a fake for real and for fake images, so that
smoothing and noise mean the same everywhere.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core import rng

KERAS_EPSILON = 1e-7  # Keras clips probabilities to [epsilon, 1 - epsilon]

CrossEntropy = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Targets = Callable[[rng.Stream, int], tuple[tf.Tensor, tf.Tensor]]


class Objective(NamedTuple):
    """`discriminator(real_logits [B], fake_logits [B], stream) -> [B]`; `generator(real_logits, fake_logits) -> [B]`.

    Only where `paired` does the generator's loss need the logits of real images; otherwise they may be None. Where
    `only_differences` matter, the same number added to all logits changes neither loss.
    """

    discriminator: Callable[[tf.Tensor, tf.Tensor, rng.Stream], tf.Tensor]
    generator: Callable[[tf.Tensor | None, tf.Tensor], tf.Tensor]
    real_sign: float = 1.0
    paired: bool = False
    only_differences: bool = False


def margins(objective: Objective, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """How far real and fake images are on their right side: [B] each, positive where the discriminator is right.

    Where a logit means nothing by itself it is by how much each real image is above the fake beside it.
    """
    if objective.only_differences:
        margin = objective.real_sign * (real_logits - fake_logits)
        return margin, margin
    return objective.real_sign * real_logits, -objective.real_sign * fake_logits


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


def noisy_targets(width: float, smoothing: float = 0.0) -> Targets:
    """The article's intention: real images 0 + width u, fakes 1 - width u, u uniform in [0, 1) for each.

    `smoothing` moves the target of real images towards the fakes' and leaves that of fakes alone: one-sided label
    smoothing (Salimans et al. 2016, section 3.4).
    """

    def targets(stream: rng.Stream, batch: int) -> tuple[tf.Tensor, tf.Tensor]:
        noise = width * rng.uniform(stream, (batch, 2))  # [B, (real, fake)]
        return smoothing + noise[:, 0], 1.0 - noise[:, 1]

    return targets


def overwritten_targets(width: float, smoothing: float = 0.0) -> Targets:
    """The article's published code: the noise replaces the labels, real + width u, fake - width u."""

    def targets(stream: rng.Stream, batch: int) -> tuple[tf.Tensor, tf.Tensor]:
        noise = width * rng.uniform(stream, (batch, 2))  # [B, (real, fake)]
        return smoothing + noise[:, 0], -noise[:, 1]

    return targets


def fake_detection(discriminator_loss: CrossEntropy, targets: Targets) -> Objective:
    """Both players as the article has them: the discriminator separates, the generator's fakes are to be called real.

    The discriminator's loss is the mean over real and fake images together: half the sum of the two. The generator's
    comes from logits in either case: there Keras, too, finds the logit below the sigmoid and uses it.
    """

    def discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
        real_targets, fake_targets = targets(stream, real_logits.shape[0])
        return (discriminator_loss(real_targets, real_logits) + discriminator_loss(fake_targets, fake_logits)) / 2.0

    def generator(real_logits: tf.Tensor | None, fake_logits: tf.Tensor) -> tf.Tensor:
        return cross_entropy(tf.zeros_like(fake_logits), fake_logits)

    return Objective(discriminator, generator, real_sign=-1.0)


def _real_detection(targets: Targets) -> Callable[[tf.Tensor, tf.Tensor, rng.Stream], tf.Tensor]:
    """The discriminator's loss of Goodfellow et al. 2014, equation 1: the sum of the two cross entropies."""

    def discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
        real_targets, fake_targets = targets(stream, real_logits.shape[0])
        return cross_entropy(1.0 - real_targets, real_logits) + cross_entropy(1.0 - fake_targets, fake_logits)

    return discriminator


def minimax(targets: Targets) -> Objective:
    """The zero-sum game (Goodfellow et al. 2014, equation 1): the generator minimizes log(1 - p(fake))."""
    return Objective(_real_detection(targets), lambda real_logits, fake_logits: -tf.math.softplus(fake_logits))


def non_saturating(targets: Targets) -> Objective:
    """The generator minimizes -log p(fake) instead (Goodfellow et al. 2014, section 3)."""
    return Objective(_real_detection(targets), lambda real_logits, fake_logits: tf.math.softplus(-fake_logits))


def least_squares(targets: Targets) -> Objective:
    """LSGAN (Mao et al. 2017, equation 2) with a = -1 for fakes and b = c = 1 for real images.

    With these codes the boundary between the two is a logit of 0; the paper's 0 and 1 are the same up to the last
    layer's scale and bias.
    """

    def discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
        real_targets, fake_targets = targets(stream, real_logits.shape[0])
        real_error = real_logits - (1.0 - 2.0 * real_targets)
        fake_error = fake_logits - (1.0 - 2.0 * fake_targets)
        return (tf.square(real_error) + tf.square(fake_error)) / 2.0

    return Objective(discriminator, lambda real_logits, fake_logits: tf.square(fake_logits - 1.0) / 2.0)


def hinge() -> Objective:
    """max(0, 1 - real) + max(0, 1 + fake) against -fake (Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17)."""
    return Objective(
        lambda real_logits, fake_logits, stream: tf.nn.relu(1.0 - real_logits) + tf.nn.relu(1.0 + fake_logits),
        lambda real_logits, fake_logits: -fake_logits,
    )


def wasserstein() -> Objective:
    """The dual of the earth mover's distance (Arjovsky et al. 2017, equation 2): fake - real against -fake.

    It means something only with a bound on the discriminator's slope: a gradient penalty or clipped weights.
    """
    return Objective(
        lambda real_logits, fake_logits, stream: fake_logits - real_logits,
        lambda real_logits, fake_logits: -fake_logits,
        only_differences=True,
    )


def relativistic() -> Objective:
    """Relativistic pairing, RpGAN (Jolicoeur-Martineau 2018; Huang et al. 2024, "The GAN is dead", equation 2).

    Each real image is to be more real than the fake beside it: log(1 + e^-(real - fake)); the generator wants the
    opposite.
    """
    return Objective(
        lambda real_logits, fake_logits, stream: tf.math.softplus(fake_logits - real_logits),
        lambda real_logits, fake_logits: tf.math.softplus(real_logits - fake_logits),
        paired=True,
        only_differences=True,
    )


TARGETS = {"added": noisy_targets, "overwritten": overwritten_targets}
LABELLED: dict[str, Callable[[Targets], Objective]] = {
    "cross_entropy": functools.partial(fake_detection, cross_entropy),
    "keras_cross_entropy": functools.partial(fake_detection, keras_cross_entropy),
    "minimax": minimax,
    "non_saturating": non_saturating,
    "least_squares": least_squares,
}
UNLABELLED: dict[str, Callable[[], Objective]] = {
    "hinge": hinge,
    "wasserstein": wasserstein,
    "relativistic": relativistic,
}
