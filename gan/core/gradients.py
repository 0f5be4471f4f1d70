"""The gradients of both players' losses: what a step computes before anything is updated."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import loss_scale, objectives, penalties, rng
from gan.core.base import Metrics, Network
from gan.core.game import Game

_SATURATED = 0.01  # a pixel so near to 0 or 1 counts as saturated

# Streams below that of an update.
_LATENTS, _DISCRIMINATOR, _TARGETS, _PENALTY, _GENERATOR, _AUGMENTATION, _REAL_AUGMENTATION = range(7)
_WRONG_LABELS, _WRONG_TARGETS = 7, 8


class Now(NamedTuple):
    """The scalars of an update: its number from 0, weight of the penalty, strength of the augmentation, loss scale."""

    update: tf.Tensor
    penalty_weight: tf.Tensor
    strength: tf.Tensor
    loss_scale: tf.Tensor


def discriminator_gradients(
    game: Game, params, g_params, vectors, images, labels, now: Now, stream: rng.Stream
) -> tuple[Any, Metrics, Any]:
    """(the gradient of the discriminator's loss and penalty, metrics, the next `vectors`) on uint8 images [B, ...].

    Real and fake images alternate in one batch of 2B: an example keeps its place in it however the batch is split over
    replicas, and with it its random numbers.
    """
    batch = images.shape[0]
    real = tf.cast(images, tf.float32) / 255.0  # [B, H, W, C]
    fake = _fakes(game, g_params, labels, stream, training=False)
    both = tf.reshape(tf.stack([real, fake], axis=1), [2 * batch, *real.shape[1:]])
    both = _augmented(game, both, now, rng.interleaved(rng.fold(stream, _AUGMENTATION), 2))
    effective, following, pulled_back = _effective(game.discriminator, params, vectors)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(effective)
        address = rng.interleaved(rng.fold(stream, _DISCRIMINATOR), 2)
        asked = with_wrong(game.mismatch.num_classes, labels, stream) if game.mismatch else labels  # [B] or [B, 2]
        logits = game.discriminator.apply(effective, both, tf.repeat(asked, 2, axis=0), address, True)
        logits = tf.reshape(logits, [batch, 2, -1])  # (real, fake), (right, wrong label)
        real_logits, fake_logits = logits[:, 0, 0], logits[:, 1, 0]
        loss = tf.reduce_mean(game.objective.discriminator(real_logits, fake_logits, rng.fold(stream, _TARGETS)))
        mismatch, told = _mismatch(game, logits[:, 0], stream) if game.mismatch else (0.0, {})
        scaled = _scaled(game, loss + mismatch, now)
    grads, penalty = tape.gradient(scaled, effective), tf.zeros([])
    if game.regularization:
        penalty, more = _penalty_gradient(game, effective, both, labels, now, rng.fold(stream, _PENALTY))
        grads = tf.nest.map_structure(tf.add, grads, more)
    right = objectives.margins(game.objective, real_logits, fake_logits)
    metrics = {
        "d_loss": loss,
        "d_penalty": penalty,
        "real_logit": tf.reduce_mean(real_logits),
        "fake_logit": tf.reduce_mean(fake_logits),
        "d_accuracy_real": _share(right[0] > 0.0),
        "d_accuracy_fake": _share(right[1] > 0.0),
    } | told
    return _unscaled(game, pulled_back(grads), now), metrics, following


def generator_gradients(
    game: Game, params, d_params, vectors, images, labels, now: Now, stream: rng.Stream
) -> tuple[Any, Metrics]:
    """The gradient of the generator's loss on fresh latents, the discriminator in inference mode.

    Only a paired objective looks at the real images, uint8 [B, H, W, C].
    """
    effective, *_ = _effective(game.discriminator, d_params, vectors)

    def logits_of(x: tf.Tensor, augmentation: int) -> tf.Tensor:
        seen = _augmented(game, x, now, rng.fold(stream, augmentation))
        return game.discriminator.apply(effective, seen, labels, rng.fold(stream, _DISCRIMINATOR), False)

    real_logits = None
    if game.objective.paired:
        real_logits = logits_of(tf.cast(images, tf.float32) / 255.0, _REAL_AUGMENTATION)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(params)
        fake = _fakes(game, params, labels, stream, training=True)
        loss = tf.reduce_mean(game.objective.generator(real_logits, logits_of(fake, _AUGMENTATION)))
        scaled = _scaled(game, loss, now)
    metrics = {
        "g_loss": loss,
        "fake_pixel_mean": tf.reduce_mean(fake),
        "fake_pixel_saturated": _share((fake < _SATURATED) | (fake > 1.0 - _SATURATED)),
    }
    return _unscaled(game, tape.gradient(scaled, params), now), metrics


def with_wrong(num_classes: int, labels: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
    """Labels [B] and beside each a wrong one, every other class with the same chance: [B, 2]."""
    others = (num_classes - 1) * rng.uniform(rng.fold(stream, _WRONG_LABELS), labels.shape)
    return tf.stack([labels, (labels + 1 + tf.cast(others, labels.dtype)) % num_classes], axis=1)


def _mismatch(game: Game, logits: tf.Tensor, stream: rng.Stream) -> tuple[tf.Tensor, Metrics]:
    """What a matching-aware discriminator has in its loss beside the fakes (Reed et al. 2016, section 4.2), metrics.

    From the logits [B, 2] of real images under their right and their wrong label: the second ones count as fakes.
    """
    right, wrong = tf.unstack(logits, axis=1)
    loss = tf.reduce_mean(game.objective.discriminator(right, wrong, rng.fold(stream, _WRONG_TARGETS)))
    told = game.objective.real_sign * (right - wrong) > 0.0
    return game.mismatch.weight * loss, {"d_mismatch_loss": loss, "d_accuracy_label": _share(told)}


def _penalty_gradient(game: Game, effective, both, labels, now: Now, stream: rng.Stream) -> tuple[tf.Tensor, Any]:
    """(the penalty as this update adds it, its gradient times the loss scale) on what the discriminator sees."""
    weight, every = now.penalty_weight, game.regularization.every
    pairs = tf.reshape(both, [-1, 2, *both.shape[1:]])
    real, fake = pairs[:, 0], pairs[:, 1]
    inner = tf.minimum(now.loss_scale, loss_scale.INITIAL) if game.loss_scaling else 1.0  # must fit into float16
    penalty = game.regularization.penalty(weight, inner)

    def value(effective) -> tf.Tensor:
        def critic(x: tf.Tensor) -> tf.Tensor:
            return game.discriminator.apply(effective, x, labels, stream, False)

        return _scaled(game, tf.reduce_mean(penalty(critic, real, fake, stream)), now)

    scaled, grads = penalties.lazy_gradient(value, effective, now.update, every)
    shown = _unscaled(game, scaled, now)
    if game.loss_scaling:  # one that overflowed is not applied
        shown = tf.where(tf.math.is_finite(shown), shown, 0.0)
    return shown, grads


def _fakes(game: Game, g_params, labels, stream: rng.Stream, training: bool) -> tf.Tensor:
    """Generated images [B, H, W, C] from latents of the stream."""
    latents = rng.normal(rng.fold(stream, _LATENTS), (labels.shape[0], game.latent_size))
    return game.generator.apply(g_params, latents, labels, rng.fold(stream, _GENERATOR), training)


def _augmented(game: Game, images: tf.Tensor, now: Now, stream: rng.Stream) -> tf.Tensor:
    """What the discriminator is shown of images."""
    return game.augmenting.augmentation(images, now.strength, stream) if game.augmenting else images


def _effective(network: Network, params, vectors) -> tuple[Any, Any, Callable[[Any], Any]]:
    """(what the network is applied with, the next vectors, from a gradient in the first to one in the parameters)."""
    if not network.normalize:
        return params, vectors, lambda grads: grads
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(params)
        effective, following = network.normalize(params, vectors)

    def pulled_back(grads):
        return tape.gradient(tf.nest.flatten(effective), params, output_gradients=tf.nest.flatten(grads))

    return effective, following, pulled_back


def _scaled(game: Game, loss: tf.Tensor, now: Now) -> tf.Tensor:
    return now.loss_scale * loss if game.loss_scaling else loss


def _unscaled(game: Game, nest: Any, now: Now) -> Any:
    return tf.nest.map_structure(lambda x: x / now.loss_scale, nest) if game.loss_scaling else nest


def _share(condition: tf.Tensor) -> tf.Tensor:
    """The share of true elements, [] float32."""
    return tf.reduce_mean(tf.cast(condition, tf.float32))
