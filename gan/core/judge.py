"""The discriminator as the updates of both players ask it: what it is shown, applied with, told, and what it answers.

It holds all that stands between a formula of a paper and the networks: the order of the batch, the augmentation,
normalized parameters, labels and wrong labels, the random numbers of each purpose.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core import rng
from gan.core.base import Params, identity
from gan.core.game import Game


class Streams(NamedTuple):
    """The random numbers of an update by what they are for."""

    latents: rng.Stream
    discriminator: rng.Stream
    targets: rng.Stream
    penalty: rng.Stream
    generator: rng.Stream
    augmentation: rng.Stream
    real_augmentation: rng.Stream  # in the generator's update
    wrong_labels: rng.Stream
    wrong_targets: rng.Stream


def streams(stream: rng.Stream) -> Streams:
    """Those below the stream of an update, numbered in the order of the fields."""
    return Streams(*(rng.fold(stream, i) for i in range(len(Streams._fields))))


class Logits(NamedTuple):
    """[B] each: of real images, of the fakes beside them and, if asked, of the real ones under a wrong label."""

    real: tf.Tensor
    fake: tf.Tensor
    wrong: tf.Tensor | None


class Judge(NamedTuple):
    """The discriminator in one update, with the `labels` [B] and the `strength` of the augmentation.

    `weights` is what it is applied with: its parameters, normalized where it has a norm. `pulled_back(gradient in the
    weights)` is that in the parameters; `vectors` are the next ones of the norm.
    """

    game: Game
    labels: tf.Tensor
    strength: tf.Tensor | tuple[()]
    random: Streams
    weights: Params
    vectors: Params
    pulled_back: Callable[[Params], Params]

    def shown(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """Augmented images [2B, H, W, C]: real and fake ones [B, H, W, C] in turn.

        So an example keeps its place in the batch however that is split over replicas, and with it its random numbers.
        """
        both = tf.reshape(tf.stack([real, fake], axis=1), [2 * real.shape[0], *real.shape[1:]])
        return self._augmented(both, rng.interleaved(self.random.augmentation, 2))

    def compared(self, seen: tf.Tensor) -> Logits:
        """The logits, in training, of what is `shown`."""
        asked = self.labels  # [B] or [B, 2]
        if self.game.mismatch:
            asked = with_wrong(self.game.mismatch.num_classes, self.labels, self.random.wrong_labels)
        address = rng.interleaved(self.random.discriminator, 2)
        logits = self.game.discriminator.apply(self.weights, seen, tf.repeat(asked, 2, axis=0), address, True)
        logits = tf.reshape(logits, [self.labels.shape[0], 2, -1])  # (real, fake), (right, wrong label)
        return Logits(logits[:, 0, 0], logits[:, 1, 0], logits[:, 0, 1] if self.game.mismatch else None)

    def critic(self, seen: tf.Tensor) -> tf.Tensor:
        """The logits of images [B, H, W, C] as they are seen, in inference mode: a function of each image alone.

        Or of [2B, H, W, C], two of each label in turn.
        """
        labels = tf.repeat(self.labels, seen.shape[0] // self.labels.shape[0], axis=0)
        return self.game.discriminator.apply(self.weights, seen, labels, self.random.discriminator, False)

    def of_real(self, images: tf.Tensor) -> tf.Tensor:
        """The logits [B] of real images in the generator's update, in inference mode."""
        return self.critic(self._augmented(images, self.random.real_augmentation))

    def of_fake(self, images: tf.Tensor) -> tf.Tensor:
        """The same of fakes."""
        return self.critic(self._augmented(images, self.random.augmentation))

    def _augmented(self, images: tf.Tensor, address: rng.Stream) -> tf.Tensor:
        rule = self.game.augmenting
        return rule.augmentation(images, self.strength, address) if rule else images


def bound(game: Game, params: Params, vectors: Params, labels, strength, random: Streams) -> Judge:
    """The judge with these parameters of the game's discriminator, and with the vectors of its norm if it has one."""
    return Judge(game, labels, strength, random, *_normalized(game, params, vectors))


def apart(seen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Real and fake images [B, H, W, C] of what a judge was `shown`."""
    pairs = tf.reshape(seen, [-1, 2, *seen.shape[1:]])
    return pairs[:, 0], pairs[:, 1]


def with_wrong(num_classes: int, labels: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
    """Labels [B] and beside each a wrong one, every other class with the same chance: [B, 2]."""
    others = (num_classes - 1) * rng.uniform(stream, labels.shape)
    return tf.stack([labels, (labels + 1 + tf.cast(others, labels.dtype)) % num_classes], axis=1)


def _normalized(game: Game, params: Params, vectors: Params) -> tuple[Params, Params, Callable[[Params], Params]]:
    """(what the discriminator is applied with, the next vectors, from a gradient in the first to one in `params`)."""
    if not game.discriminator.normalize:
        return params, vectors, identity
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(params)
        weights, following = game.discriminator.normalize(params, vectors)

    def pulled_back(grads: Params) -> Params:
        return tape.gradient(tf.nest.flatten(weights), params, output_gradients=tf.nest.flatten(grads))

    return weights, following, pulled_back
