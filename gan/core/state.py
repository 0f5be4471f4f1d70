"""What a run is at a step: tensors only. What stands here is what a checkpoint holds."""

from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import loss_scale, rng
from gan.core.base import Network
from gan.core.game import Game
from gan.core.optimizers import Optimizer

_GENERATOR, _DISCRIMINATOR, _VECTORS = 0, 1, 2

# Keys of `State.extra`; the vectors are always there, empty for a discriminator without spectral normalization.
VECTORS, STRENGTH = "spectral_vectors", "augmentation_strength"
D_LOSS_SCALE, G_LOSS_SCALE = "d_loss_scale", "g_loss_scale"
# What only some precisions have: a run may be continued with it or without.
OF_PRECISION = (D_LOSS_SCALE, G_LOSS_SCALE)


class Player(NamedTuple):
    """A network's parameters and its optimizer's slots."""

    params: Any
    slots: Any


class State(NamedTuple):
    """`step` [] int64 counts generator updates; each player as it stands after them.

    `averages` are the moving averages of the generator's parameters, {} where none are kept; `extra` is what else a
    game carries from step to step.
    """

    step: tf.Tensor
    generator: Player
    discriminator: Player
    averages: Any
    extra: dict[str, Any]


def initial(seed: int, game: Game) -> State:
    """The state before the first step, a function of `seed` alone. Step -1 names the random numbers drawn for it."""
    root = rng.stream(seed, step=-1)

    def player(network: Network, optimizer: Optimizer, child: int) -> Player:
        params = network.init(rng.fold(root, child))
        return Player(params, optimizer.init(params))

    generator = player(game.generator, game.g_optimizer(0.0), _GENERATOR)
    discriminator = player(game.discriminator, game.d_optimizer(0.0), _DISCRIMINATOR)
    extra: dict[str, Any] = {VECTORS: {}}
    if game.discriminator.init_state:
        extra[VECTORS] = game.discriminator.init_state(rng.fold(root, _VECTORS), discriminator.params)
    if game.augmenting:
        extra[STRENGTH] = tf.constant(game.augmenting.strength)
    if game.loss_scaling:
        extra |= {D_LOSS_SCALE: loss_scale.initial(), G_LOSS_SCALE: loss_scale.initial()}
    averages = {} if game.ema_ramp is None else tf.nest.map_structure(tf.identity, generator.params)
    return State(tf.zeros([], tf.int64), generator, discriminator, averages, extra)


def shown(state: State) -> Any:
    """The generator's parameters that samples, metrics and exports are made with: the averages where there are any."""
    return state.averages or state.generator.params
