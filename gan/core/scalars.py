"""The scalars that a step reports: a line for each, with its name, what it means and how it is made.

A new one is a line in one of the tables. Checkpoints hold the sums of a chunk's steps by these names, metrics.jsonl and
TensorBoard their means.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import objectives
from gan.core.base import Metrics, Nest
from gan.core.game import Game, Rates
from gan.core.judge import Logits
from gan.core.objectives import Objective
from gan.core.state import Carried

_SATURATED = 0.01  # a pixel so near to 0 or 1 counts as saturated


class DiscriminatorUpdate(NamedTuple):
    """What the scalars of a discriminator update are made of: logits [B], losses []."""

    objective: Objective
    logits: Logits
    loss: tf.Tensor
    mismatch: tf.Tensor | None
    penalty: tf.Tensor

    def margins(self) -> tuple[tf.Tensor, tf.Tensor]:
        """How far real and fake images are on their right side: [B] each."""
        return objectives.margins(self.objective, self.logits.real, self.logits.fake)


class GeneratorUpdate(NamedTuple):
    """What the scalars of a generator update are made of: the loss [], the fakes [B, H, W, C]."""

    loss: tf.Tensor
    fakes: tf.Tensor


class InForce(NamedTuple):
    """What the scalars of a whole step are made of: the values of its rates, what the game carries on."""

    rates: Rates
    carried: Carried


class Reported(NamedTuple):
    """A scalar: its meaning; `of(what the lines of its table are made of)` -> [] float32; which games have it."""

    meaning: str
    of: Callable[[Any], tf.Tensor]
    there: Callable[[Game], bool] = lambda game: True


def made(table: Mapping[str, Reported], game: Game, seen: DiscriminatorUpdate | GeneratorUpdate | InForce) -> Metrics:
    """The scalars of one of the tables that there are in a game."""
    return {name: scalar.of(seen) for name, scalar in table.items() if scalar.there(game)}


def names(game: Game) -> list[str]:
    """The names of all scalars of a step of `game`, without computing it."""
    found = [name for name, scalar in (DISCRIMINATOR | GENERATOR | STEP).items() if scalar.there(game)]
    for player, network in (("d", game.discriminator), ("g", game.generator)):
        layers = [row.name for row in network.table if row.parameters]
        found += [norm_name(player), *(norm_name(player, layer) for layer in layers)]
    return found


def norms(player: str, grads: Mapping[str, Nest]) -> Metrics:
    """The norm of the whole gradient of a player, "d" or "g", and that of each layer's."""
    layers = {norm_name(player, layer): _norm(grad) for layer, grad in grads.items()}
    return {norm_name(player): _norm(grads)} | layers


def norm_name(player: str, layer: str = "") -> str:
    """The name of the norm of a player's gradient, or of that in one of its layers."""
    return f"{player}_gradient_norm" + f"/{layer}" * bool(layer)


def _norm(grads: Nest) -> tf.Tensor:
    return tf.linalg.global_norm(tf.nest.flatten(grads))


def _share(condition: tf.Tensor) -> tf.Tensor:
    """The share of true elements, [] float32."""
    return tf.reduce_mean(tf.cast(condition, tf.float32))


def _rate(name: str) -> Callable[[InForce], tf.Tensor]:
    return lambda step: tf.convert_to_tensor(getattr(step.rates, name), tf.float32)


def _told_labels(game: Game) -> bool:
    return game.mismatch is not None


def _augmenting(game: Game) -> bool:
    return game.augmenting is not None


def _scaling(game: Game) -> bool:
    return game.loss_scaling


# The order is that of the sums in a checkpoint.
DISCRIMINATOR = {
    "d_loss": Reported("the discriminator's loss, without penalty and mismatch", lambda update: update.loss),
    "d_penalty": Reported("what the penalty adds to the loss; 0 in updates without it", lambda update: update.penalty),
    "real_logit": Reported("mean logit of real images", lambda update: tf.reduce_mean(update.logits.real)),
    "fake_logit": Reported("mean logit of fakes", lambda update: tf.reduce_mean(update.logits.fake)),
    "d_accuracy_real": Reported(
        "share of real images on the right side of 0, or of the fake beside them if only differences have a meaning",
        lambda update: _share(update.margins()[0] > 0.0),
    ),
    "d_accuracy_fake": Reported("the same of fakes", lambda update: _share(update.margins()[1] > 0.0)),
    "d_mismatch_loss": Reported(
        "the loss with real images under a wrong label in the place of fakes, before its weight",
        lambda update: update.mismatch,
        _told_labels,
    ),
    "d_accuracy_label": Reported(
        "share of real images that look more real under their own label than under a wrong one",
        lambda update: _share(update.objective.real_sign * (update.logits.real - update.logits.wrong) > 0.0),
        _told_labels,
    ),
}
GENERATOR = {
    "g_loss": Reported("the generator's loss", lambda update: update.loss),
    "fake_pixel_mean": Reported("mean pixel of generated images", lambda update: tf.reduce_mean(update.fakes)),
    "fake_pixel_saturated": Reported(
        "share of their pixels within 0.01 of 0 or 1, or beyond",
        lambda update: _share((update.fakes < _SATURATED) | (update.fakes > 1.0 - _SATURATED)),
    ),
}
STEP = {
    "d_learning_rate": Reported("the discriminator's learning rate", _rate("d_learning_rate")),
    "g_learning_rate": Reported("the generator's learning rate", _rate("g_learning_rate")),
    "augmentation_strength": Reported(
        "probability of each change of the augmentation", lambda step: step.carried.strength, _augmenting
    ),
    "d_loss_scale": Reported("what float16 scales the loss by", lambda step: step.carried.d_scale.scale, _scaling),
    "g_loss_scale": Reported("the same of the generator", lambda step: step.carried.g_scale.scale, _scaling),
}
