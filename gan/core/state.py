"""What a run is at a step: tensors only. What stands here is what a checkpoint holds."""

from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import rng
from gan.core.layers import Network
from gan.core.optimizers import Optimizer

_GENERATOR, _DISCRIMINATOR = 0, 1


class Player(NamedTuple):
    """A network's parameters and its optimizer's slots."""

    params: Any
    slots: Any


class State(NamedTuple):
    """`step` [] int64 counts generator updates; each player as it stands after them."""

    step: tf.Tensor
    generator: Player
    discriminator: Player


def initial(
    seed: int, generator: Network, discriminator: Network, g_optimizer: Optimizer, d_optimizer: Optimizer
) -> State:
    """The state before the first step, a function of `seed` alone. Step -1 names the random numbers drawn for it."""
    root = rng.stream(seed, step=-1)

    def player(network: Network, optimizer: Optimizer, child: int) -> Player:
        params = network.init(rng.fold(root, child))
        return Player(params, optimizer.init(params))

    return State(
        tf.zeros([], tf.int64),
        player(generator, g_optimizer, _GENERATOR),
        player(discriminator, d_optimizer, _DISCRIMINATOR),
    )
