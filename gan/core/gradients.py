"""The gradients of both players' losses: what a step computes before anything is updated.

    discriminator:  mean of d(D(x), D(G(z))), and mismatch and penalty where there are any; D in training mode
    generator:      mean of g(D(x), D(G(z))); D in inference mode

with real images x, latents z and the objective's d and g. What D is shown, told and applied with: `gan.core.judge`.
"""

from typing import NamedTuple

import tensorflow as tf

from gan.core import loss_scale, penalties, rng, scalars
from gan.core.base import Metrics, Params
from gan.core.game import Game
from gan.core.judge import Judge, Streams, apart, bound, streams
from gan.core.loss_scale import Scale


class Now(NamedTuple):
    """Of an update its number from 0 and the weight of the penalty; strength of the augmentation and scale, or `()`.

    A lazy penalty asks `turn` whether it is due, which is equal to the number modulo the penalty's period. As int32
    TensorFlow keeps it on the host, so nobody waits there for the answer of a device.
    """

    update: tf.Tensor
    turn: tf.Tensor
    penalty_weight: tf.Tensor
    strength: tf.Tensor | tuple[()]
    scale: Scale


def discriminator_gradients(
    game: Game,
    params: Params,
    g_params: Params,
    vectors: Params,
    images: tf.Tensor,
    labels: tf.Tensor,
    now: Now,
    stream: rng.Stream,
) -> tuple[Params, Metrics, Params]:
    """(the gradient of the discriminator's loss and penalty, metrics, the next `vectors`) on uint8 images [B, ...]."""
    random, objective = streams(stream), game.objective
    judge = bound(game, params, vectors, labels, now.strength, random)
    shown = judge.shown(_pixels(images), _fakes(game, g_params, labels, random, training=False))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(judge.weights)
        logits = judge.compared(shown)
        loss = total = tf.reduce_mean(objective.discriminator(logits.real, logits.fake, random.targets))
        mismatch = None
        if game.mismatch:  # real images under a wrong label count as fakes (Reed et al. 2016, section 4.2)
            mismatch = tf.reduce_mean(objective.discriminator(logits.real, logits.wrong, random.wrong_targets))
            total += game.mismatch.weight * mismatch
    grads, penalty = loss_scale.gradient(tape, total, judge.weights, now.scale), tf.zeros([])
    if game.regularization:
        penalty, more = _penalty(game, judge, shown, now)
        grads = tf.nest.map_structure(tf.add, grads, more)
    update = scalars.DiscriminatorUpdate(objective, logits, loss, mismatch, penalty)
    grads = loss_scale.unscaled(judge.pulled_back(grads), now.scale)
    return grads, scalars.made(scalars.DISCRIMINATOR, game, update), judge.vectors


def generator_gradients(
    game: Game,
    params: Params,
    d_params: Params,
    vectors: Params,
    images: tf.Tensor,
    labels: tf.Tensor,
    now: Now,
    stream: rng.Stream,
) -> tuple[Params, Metrics]:
    """(the gradient of the generator's loss on fresh latents, metrics).

    Only a paired objective looks at the real images, uint8 [B, H, W, C].
    """
    random, objective = streams(stream), game.objective
    judge = bound(game, d_params, vectors, labels, now.strength, random)
    real_logits = judge.of_real(_pixels(images)) if objective.paired else None
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(params)
        fakes = _fakes(game, params, labels, random, training=True)
        loss = tf.reduce_mean(objective.generator(real_logits, judge.of_fake(fakes)))
    grads = loss_scale.gradient(tape, loss, params, now.scale)
    update = scalars.GeneratorUpdate(loss, fakes)
    return loss_scale.unscaled(grads, now.scale), scalars.made(scalars.GENERATOR, game, update)


def _penalty(game: Game, judge: Judge, shown: tf.Tensor, now: Now) -> tuple[tf.Tensor, Params]:
    """(the penalty as this update adds it, its scaled gradient in the judge's weights) on what the judge is shown."""
    penalty = game.regularization.penalty(now.penalty_weight, loss_scale.inner(now.scale))
    real, fake = apart(shown)

    def value(weights: Params) -> tf.Tensor:
        return tf.reduce_mean(penalty(judge._replace(weights=weights).critic, real, fake, judge.random.penalty))

    every = game.regularization.every
    added, grads = penalties.lazy_gradient(value, judge.weights, now.turn, every, now.scale)
    return loss_scale.applied(added, now.scale), grads


def _pixels(images: tf.Tensor) -> tf.Tensor:
    """uint8 images -> float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255.0


def _fakes(game: Game, g_params: Params, labels: tf.Tensor, random: Streams, training: bool) -> tf.Tensor:
    """Generated images [B, H, W, C]."""
    latents = rng.normal(random.latents, (labels.shape[0], game.latent_size))
    return game.generator.apply(g_params, latents, labels, random.generator, training)
