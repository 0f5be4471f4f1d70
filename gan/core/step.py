"""One training step as a pure function: (state, images, labels, stream) -> (state, metrics)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import rng
from gan.core.layers import Network
from gan.core.losses import Objective
from gan.core.optimizers import Optimizer
from gan.core.penalties import Penalty
from gan.core.state import Player, State

Metrics = dict[str, tf.Tensor]
Mean = Callable[[Any], Any]  # the mean of a nest over the replicas

_SATURATED = 0.01  # a pixel so near to 0 or 1 counts as saturated

# Streams below that of a step: the generator's update, then one for each discriminator update.
_G_UPDATE, _D_UPDATES = 0, 1
# Streams below that of an update.
_LATENTS, _DISCRIMINATOR, _TARGETS, _PENALTY, _GENERATOR = range(5)


class Game(NamedTuple):
    """Everything that a step is made of and that does not change while it runs."""

    generator: Network
    discriminator: Network
    objective: Objective
    penalty: Penalty | None
    g_optimizer: Optimizer
    d_optimizer: Optimizer
    g_learning_rate: float
    d_learning_rate: float
    latent_size: int
    d_steps: int


Step = Callable[[State, tf.Tensor, tf.Tensor, rng.Stream, Mean], tuple[State, Metrics]]


def make_step(game: Game, compiled: Callable[[Callable], Callable] = lambda function: function) -> Step:
    """The step of `game`: `d_steps` discriminator updates on fresh images and fakes, then one generator update.

    Images uint8 [d_steps * B, H, W, C] and labels [d_steps * B] are this replica's; `mean` averages a nest over the
    replicas. `compiled` wraps the two functions that compute gradients, tensors in and tensors out.
    """
    d_gradients = compiled(lambda *tensors: discriminator_gradients(game, *tensors))
    g_gradients = compiled(lambda *tensors: generator_gradients(game, *tensors))

    def step(state: State, images, labels, stream: rng.Stream, mean: Mean) -> tuple[State, Metrics]:
        generator, discriminator = state.generator, state.discriminator
        batch = images.shape[0] // game.d_steps
        for i in range(game.d_steps):
            address = rng.fold(stream, _D_UPDATES + i)
            fresh = images[i * batch : (i + 1) * batch], labels[i * batch : (i + 1) * batch]
            grads, d_metrics = mean(d_gradients(discriminator.params, generator.params, *fresh, address))
            count = state.step * game.d_steps + i + 1
            discriminator = _updated(discriminator, game.d_optimizer, grads, count, game.d_learning_rate)
            d_metrics |= _norms("d", grads)
        address = rng.fold(stream, _G_UPDATE)
        grads, g_metrics = mean(g_gradients(generator.params, discriminator.params, *fresh, address))
        generator = _updated(generator, game.g_optimizer, grads, state.step + 1, game.g_learning_rate)
        g_metrics |= _norms("g", grads)
        rates = {"d_learning_rate": game.d_learning_rate, "g_learning_rate": game.g_learning_rate}
        metrics = d_metrics | g_metrics | {name: tf.constant(rate) for name, rate in rates.items()}
        return State(state.step + 1, generator, discriminator), metrics

    return step


def metric_names(game: Game) -> list[str]:
    """The names of the metrics of a step of `game`, without computing it."""
    names = ["d_loss", "d_penalty", "real_logit", "fake_logit", "d_accuracy_real", "d_accuracy_fake"]
    names += ["g_loss", "fake_pixel_mean", "fake_pixel_saturated", "d_learning_rate", "g_learning_rate"]
    for player, network in (("d", game.discriminator), ("g", game.generator)):
        layers = [row.name for row in network.table if row.parameters]
        names += [f"{player}_gradient_norm", *(f"{player}_gradient_norm/{layer}" for layer in layers)]
    return names


def discriminator_gradients(game: Game, params, g_params, images, labels, stream: rng.Stream) -> tuple[Any, Metrics]:
    """The gradient of the discriminator's loss and penalty, and what there is to say of it, on uint8 images [B, ...].

    Real and fake images alternate in one batch of 2B: an example keeps its place in it however the batch is split over
    replicas, and with it its random numbers.
    """
    batch = images.shape[0]
    real = tf.cast(images, tf.float32) / 255.0  # [B, H, W, C]
    fake = _fakes(game, g_params, batch, labels, stream, training=False)
    both = tf.reshape(tf.stack([real, fake], axis=1), [2 * batch, *real.shape[1:]])
    both_labels = tf.repeat(labels, 2)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(params)
        address = rng.interleaved(rng.fold(stream, _DISCRIMINATOR), 2)
        logits = tf.reshape(game.discriminator.apply(params, both, both_labels, address, True), [batch, 2])
        real_logits, fake_logits = logits[:, 0], logits[:, 1]
        losses = game.objective.discriminator(real_logits, fake_logits, rng.fold(stream, _TARGETS))  # [B]
        penalty = tf.zeros([])
        if game.penalty:
            address = rng.fold(stream, _PENALTY)
            penalty = tf.reduce_mean(
                game.penalty(lambda x: game.discriminator.apply(params, x, labels, address, False), real, fake, address)
            )
        loss = tf.reduce_mean(losses)
        total = loss + penalty
    sign = game.objective.real_sign
    metrics = {
        "d_loss": loss,
        "d_penalty": penalty,
        "real_logit": tf.reduce_mean(real_logits),
        "fake_logit": tf.reduce_mean(fake_logits),
        "d_accuracy_real": _share(sign * real_logits > 0.0),
        "d_accuracy_fake": _share(sign * fake_logits < 0.0),
    }
    return tape.gradient(total, params), metrics


def generator_gradients(game: Game, params, d_params, images, labels, stream: rng.Stream) -> tuple[Any, Metrics]:
    """The gradient of the generator's loss on fresh latents, the discriminator in inference mode.

    Only a paired objective looks at the real images, uint8 [B, H, W, C].
    """
    batch = labels.shape[0]
    real_logits = None
    if game.objective.paired:
        real = tf.cast(images, tf.float32) / 255.0
        real_logits = game.discriminator.apply(d_params, real, labels, rng.fold(stream, _DISCRIMINATOR), False)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(params)
        fake = _fakes(game, params, batch, labels, stream, training=True)
        logits = game.discriminator.apply(d_params, fake, labels, rng.fold(stream, _DISCRIMINATOR), False)
        loss = tf.reduce_mean(game.objective.generator(real_logits, logits))
    metrics = {
        "g_loss": loss,
        "fake_pixel_mean": tf.reduce_mean(fake),
        "fake_pixel_saturated": _share((fake < _SATURATED) | (fake > 1.0 - _SATURATED)),
    }
    return tape.gradient(loss, params), metrics


def _fakes(game: Game, g_params, batch: int, labels, stream: rng.Stream, training: bool) -> tf.Tensor:
    """Generated images [B, H, W, C] from latents of the stream."""
    latents = rng.normal(rng.fold(stream, _LATENTS), (batch, game.latent_size))
    return game.generator.apply(g_params, latents, labels, rng.fold(stream, _GENERATOR), training)


def _updated(player: Player, optimizer: Optimizer, grads, count: tf.Tensor, learning_rate: float) -> Player:
    """The player after one update."""
    return Player(*optimizer.update(grads, player.slots, player.params, count, learning_rate))


def _share(condition: tf.Tensor) -> tf.Tensor:
    """The share of true elements, [] float32."""
    return tf.reduce_mean(tf.cast(condition, tf.float32))


def _norms(player: str, grads: dict[str, Any]) -> Metrics:
    """The norm of the whole gradient and of each layer's."""
    norms = {f"{player}_gradient_norm": tf.linalg.global_norm(tf.nest.flatten(grads))}
    for name, grad in grads.items():
        norms[f"{player}_gradient_norm/{name}"] = tf.linalg.global_norm(tf.nest.flatten(grad))
    return norms
