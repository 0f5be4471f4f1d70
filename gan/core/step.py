"""One training step as a pure function: (state, images, labels, stream) -> (state, metrics)."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gan.core import augment, ema, gradients, loss_scale, optimizers, rng
from gan.core.base import Mean, Metrics
from gan.core.game import Game, Rates
from gan.core.gradients import Now
from gan.core.optimizers import Optimizer
from gan.core.state import D_LOSS_SCALE, G_LOSS_SCALE, STRENGTH, VECTORS, Player, State

# Streams below that of a step: the generator's update, then one for each discriminator update.
_G_UPDATE, _D_UPDATES = 0, 1

Step = Callable[[State, tf.Tensor, tf.Tensor, rng.Stream, Mean], tuple[State, Metrics]]


def make_step(game: Game, compiled: Callable[[Callable], Callable] = lambda function: function) -> Step:
    """The step of `game`: `d_steps` discriminator updates on fresh images and fakes, then one generator update.

    Images uint8 [d_steps * B, H, W, C] and labels int32 [d_steps * B] are this replica's; `mean` averages a nest over
    the replicas. The generator's update has the labels, and for a paired objective the images, of the discriminator's
    last one. `compiled` wraps the two functions that compute gradients, tensors in and tensors out.
    """
    images_per_step = game.batch * game.d_steps
    d_gradients = compiled(lambda *tensors: gradients.discriminator_gradients(game, *tensors))
    g_gradients = compiled(lambda *tensors: gradients.generator_gradients(game, *tensors))

    def step(state: State, images, labels, stream: rng.Stream, mean: Mean) -> tuple[State, Metrics]:
        generator, discriminator, extra = state.generator, state.discriminator, dict(state.extra)
        seen = state.step * images_per_step
        rates = Rates(*(course(seen) if callable(course) else course for course in game.rates))
        g_optimizer, d_optimizer = game.g_optimizer(rates.g_beta2), game.d_optimizer(rates.d_beta2)
        if game.augmenting and not game.augmenting.target:  # it does not adapt: the setting decides
            extra[STRENGTH] = tf.constant(game.augmenting.strength)
        share, found = images.shape[0] // game.d_steps, []  # this replica's of a batch
        for i in range(game.d_steps):
            fresh = images[i * share : (i + 1) * share], labels[i * share : (i + 1) * share]
            update = state.step * game.d_steps + i
            now = _now(update, rates, extra, D_LOSS_SCALE)
            grads, d_metrics, extra[VECTORS] = d_gradients(
                discriminator.params, generator.params, extra[VECTORS], *fresh, now, rng.fold(stream, _D_UPDATES + i)
            )
            grads, d_metrics = mean((grads, d_metrics))
            count = _count(update, extra, D_LOSS_SCALE)
            apply = _application(game, d_optimizer, count, rates.d_learning_rate, game.weight_clip)
            discriminator, extra, norms = _updated(discriminator, grads, apply, extra, D_LOSS_SCALE)
            found.append(d_metrics | _named("d", norms))
        d_metrics = _means(found)
        now = _now(state.step, rates, extra, G_LOSS_SCALE)
        address = rng.fold(stream, _G_UPDATE)
        grads, g_metrics = mean(
            g_gradients(generator.params, discriminator.params, extra[VECTORS], *fresh, now, address)
        )
        apply = _application(game, g_optimizer, _count(state.step, extra, G_LOSS_SCALE), rates.g_learning_rate)
        generator, extra, norms = _updated(generator, grads, apply, extra, G_LOSS_SCALE)
        metrics = d_metrics | g_metrics | _named("g", norms) | _settings(rates, extra)
        if STRENGTH in extra and game.augmenting.target:
            extra[STRENGTH] = _adapted(game, extra[STRENGTH], d_metrics["d_accuracy_real"])
        kept = state.averages
        if game.ema_ramp is not None:
            half_life = rates.ema_half_life_images
            with tf.name_scope("ema"):
                kept = ema.update(kept, generator.params, seen, images_per_step, half_life, game.ema_ramp)
        return State(state.step + 1, generator, discriminator, kept, extra), metrics

    return step


def metric_names(game: Game) -> list[str]:
    """The names of the metrics of a step of `game`, without computing it."""
    names = ["d_loss", "d_penalty", "real_logit", "fake_logit", "d_accuracy_real", "d_accuracy_fake"]
    names += ["d_mismatch_loss", "d_accuracy_label"] if game.mismatch else []
    names += ["g_loss", "fake_pixel_mean", "fake_pixel_saturated", "d_learning_rate", "g_learning_rate"]
    names += ["augmentation_strength"] if game.augmenting else []
    names += ["d_loss_scale", "g_loss_scale"] if game.loss_scaling else []
    for player, network in (("d", game.discriminator), ("g", game.generator)):
        layers = [row.name for row in network.table if row.parameters]
        names += [f"{player}_gradient_norm", *(f"{player}_gradient_norm/{layer}" for layer in layers)]
    return names


def _now(update: tf.Tensor, rates: Rates, extra: dict[str, Any], scale: str) -> Now:
    """The scalars of an update."""
    weight = tf.convert_to_tensor(rates.penalty_weight, tf.float32)
    strength = extra.get(STRENGTH, tf.zeros([]))
    return Now(update, weight, strength, extra[scale].scale if scale in extra else tf.ones([]))


def _count(update: tf.Tensor, extra: dict[str, Any], scale: str) -> tf.Tensor:
    """The number from 1 of an update as the optimizer counts them: those that overflowed did not happen."""
    return (extra[scale].applied if scale in extra else update) + 1


def _application(game: Game, optimizer: Optimizer, count, learning_rate, weight_clip: float = 0.0):
    """(player, grads) -> the player after one update."""

    def apply(player: Player, grads) -> Player:
        with tf.name_scope("optimizer"):
            if game.gradient_clip:
                grads = optimizers.clip_by_global_norm(grads, game.gradient_clip)
            params, slots = optimizer.update(grads, player.slots, player.params, count, learning_rate)
            return Player(optimizers.clip_weights(params, weight_clip) if weight_clip else params, slots)

    return apply


def _updated(player: Player, grads, apply, extra: dict[str, Any], scale: str) -> tuple[Player, dict, Metrics]:
    """(the player, the extra state, the gradient's norms) after an update; one that overflowed changes nothing."""
    if scale not in extra:
        return apply(player, grads), extra, _norms(grads)
    new, after, shown = loss_scale.guarded(lambda grads: apply(player, grads), grads, player, extra[scale])
    return new, extra | {scale: after}, _norms(shown)


def _settings(rates: Rates, extra: dict[str, Any]) -> Metrics:
    """What was in force in this step."""
    names = ("d_learning_rate", "g_learning_rate")
    values = {name: tf.convert_to_tensor(getattr(rates, name), tf.float32) for name in names}
    names = {STRENGTH: "augmentation_strength", D_LOSS_SCALE: "d_loss_scale", G_LOSS_SCALE: "g_loss_scale"}
    for key, name in names.items():
        if key in extra:
            values[name] = extra[key] if key == STRENGTH else extra[key].scale
    return values


def _adapted(game: Game, strength: tf.Tensor, accuracy: tf.Tensor) -> tf.Tensor:
    """The augmentation's strength after a step in which this share of the real images was told to be real."""
    rule = game.augmenting
    sign = 2.0 * accuracy - 1.0  # the mean sign of the margins
    return augment.adapt(strength, sign, game.batch * game.d_steps, rule.target, rule.over_images)


def _means(found: list[Metrics]) -> Metrics:
    """The mean of each metric over several updates."""
    return {name: tf.reduce_mean(tf.stack([metrics[name] for metrics in found])) for name in found[0]}


def _norms(grads: dict[str, Any]) -> Metrics:
    """The norm of the whole gradient and, after a slash, of each layer's."""
    whole = {"": tf.linalg.global_norm(tf.nest.flatten(grads))}
    return whole | {f"/{name}": tf.linalg.global_norm(tf.nest.flatten(grad)) for name, grad in grads.items()}


def _named(player: str, norms: Metrics) -> Metrics:
    return {f"{player}_gradient_norm{name}": norm for name, norm in norms.items()}
