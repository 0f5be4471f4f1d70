"""What a run is at a step: tensors only. What stands here is what a checkpoint holds."""

from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import loss_scale, rng
from gan.core.base import Nest, Params
from gan.core.game import Game
from gan.core.loss_scale import Scale

_GENERATOR, _DISCRIMINATOR, _VECTORS = 0, 1, 2

# The names of what is in `State.extra`, by the fields of `Carried`.
VECTORS = "spectral_vectors"
_NAMES = (VECTORS, "augmentation_strength", *loss_scale.NAMES)


class Player(NamedTuple):
    """A network's parameters and its optimizer's slots."""

    params: Params
    slots: Nest


class State(NamedTuple):
    """`step` [] int64 counts generator updates; each player as it stands after them.

    `averages` are the moving averages of the generator's parameters, {} where none are kept; `extra` is what else a
    game carries from step to step, by name: see `Carried`.
    """

    step: tf.Tensor
    generator: Player
    discriminator: Player
    averages: Params
    extra: dict[str, Any]


class Carried(NamedTuple):
    """The `extra` of a state, `()` for what a game has no use for; `vectors` are {} without spectral normalization."""

    vectors: Params
    strength: tf.Tensor | tuple[()]  # of the augmentation, [] float32
    d_scale: Scale
    g_scale: Scale

    @classmethod
    def of(cls, extra: dict[str, Any]) -> "Carried":
        """From what there is by name."""
        return cls(*(extra.get(name, ()) for name in _NAMES))

    def extra(self) -> dict[str, Any]:
        """What there is by name."""
        return {name: value for name, value in zip(_NAMES, self, strict=True) if not _is_absent(value)}


def _is_absent(value: Any) -> bool:
    return isinstance(value, tuple) and not value


def carrying(state: State, **changes: Any) -> State:
    """The state with these fields of what it carries changed."""
    return state._replace(extra=Carried.of(state.extra)._replace(**changes).extra())


def initial(seed: int, game: Game) -> State:
    """The state before the first step, a function of `seed` alone."""
    return of_params(seed, game, *first_params(seed, game))


def first_params(seed: int, game: Game) -> tuple[Params, Params]:
    """The parameters that the seed gives to the generator and to the discriminator."""
    networks = {_GENERATOR: game.generator, _DISCRIMINATOR: game.discriminator}
    generator, discriminator = (network.init(rng.fold(_root(seed), child)) for child, network in networks.items())
    return generator, discriminator


def of_params(seed: int, game: Game, generator: Params, discriminator: Params) -> State:
    """The state before the first step of networks with these parameters; the averages are the generator's."""
    players = [
        Player(params, optimizer(0.0).init(params))
        for params, optimizer in ((generator, game.g_optimizer), (discriminator, game.d_optimizer))
    ]
    vectors = {}
    if game.discriminator.init_state:
        vectors = game.discriminator.init_state(rng.fold(_root(seed), _VECTORS), discriminator)
    strength = tf.constant(game.augmenting.strength) if game.augmenting else ()
    scales = (loss_scale.initial() if game.loss_scaling else () for _ in range(2))
    averages = {} if game.ema_ramp is None else tf.nest.map_structure(tf.identity, generator)
    extra = Carried(vectors, strength, *scales).extra()
    return State(tf.zeros([], tf.int64), *players, averages, extra)


def _root(seed: int) -> rng.Stream:
    """The random numbers drawn for the first state: those of step -1."""
    return rng.stream(seed, step=-1)


def shown(state: State) -> Params:
    """The generator's parameters that samples, metrics and exports are made with: the averages where there are any."""
    return state.averages or state.generator.params
