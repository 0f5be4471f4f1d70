"""What a step of a game costs, by its networks' tables: parameters, floating-point operations, memory."""

from gan.core.base import Network
from gan.core.game import Game

_BYTES = 4  # of a float32
# Measured once, as multiples of the layers' outputs: with what the products of spectra keep, and with temporaries.
_SPECTRAL_MEMORY, _DIRECT_MEMORY = 5, 2


def parameters(network: Network) -> int:
    """The number of parameters."""
    return sum(row.parameters for row in network.table)


def step_flops(game: Game, batch: int) -> int:
    """Floating-point operations of a step's convolutions and products, written out directly, two a multiply-add.

    A backward pass for parameters and input costs two forward passes, one for the input alone costs one; a penalty on
    the gradient costs a forward and a backward pass to the images, and twice as much for its own gradient.
    """
    g, d = (sum(row.multiply_adds for row in network.table) for network in (game.generator, game.discriminator))
    d_update = g + 2 * 3 * d + (6 * d // game.regularization.every if game.regularization else 0)
    g_update = 3 * g + 2 * d
    return 2 * batch * (game.d_steps * d_update + g_update)


def step_bytes(game: Game, batch: int, spectral: bool) -> int:
    """A rough estimate of the memory that a step needs: what the backward pass keeps, parameters, slots, gradients."""
    g, d = (sum(row.outputs for row in network.table) for network in (game.generator, game.discriminator))
    activations = batch * max(2 * d, g + d) * (_SPECTRAL_MEMORY if spectral else _DIRECT_MEMORY)
    return _BYTES * (activations + 4 * (parameters(game.generator) + parameters(game.discriminator)))
