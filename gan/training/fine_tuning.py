"""The first state of a run that begins with the networks of another: what fits is taken, the rest begins anew."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from gan import build
from gan.core import state as states
from gan.core.base import Network, Params
from gan.core.game import Game
from gan.core.state import VECTORS, Carried, State, carrying
from gan.errors import UserError
from gan.networks import transfer
from gan.networks.transfer import Leaves, Side, Transfer
from gan.runs.origin import Origin
from gan.settings import Config

# What the shapes of each network depend on, beside the images and the classes.
_SHAPES = {
    "generator": ("networks", "width", "g_width", "latent_size", "depth"),
    "discriminator": ("networks", "width", "d_width", "depth", "minibatch_deviation"),
}
# What the numbers in them mean something under.
_MEANINGS = ("g_output", "d_pixel_range")


class Part(NamedTuple):
    """How much of a network is another's, in tensors and in the numbers in them; lines on what is not as it was."""

    network: str
    taken: int
    tensors: int
    parameters: int
    all_parameters: int
    remarks: tuple[str, ...]


class Beginning(NamedTuple):
    """The first state of a run, what was taken for each network, the origin's facts, and lines of warning."""

    state: State
    parts: tuple[Part, ...]
    facts: dict[str, object]
    warnings: tuple[str, ...]


def begin(config: Config, game: Game, class_names: Sequence[str], origin: Origin) -> Beginning:
    """The first state of a run of `config` on data with these classes, begun with the networks of `origin`.

    Optimizer slots, the step, the strength of the augmentation and loss scales begin as in any run. Averages that the
    origin has none of begin as its generator. Raises `UserError` if nothing of one of the networks fits.
    """
    saved = origin.run
    there = build.game(saved.config, saved.image_shape, build.PLAIN, len(saved.class_names))
    old_classes, new_classes = _told(saved.config, saved.class_names), _told(config, class_names)

    def taken(old: Network, where: str, new: Network, first: Params, draws: bool) -> Transfer:
        return transfer.transfer(
            Side(old.table, origin.leaves(where), old_classes, draws),
            Side(new.table, transfer.leaves(first), new_classes, draws),
        )

    g_first, d_first = states.first_params(config.seed, game)
    generator = taken(there.generator, "generator/params", game.generator, g_first, draws=True)
    discriminator = taken(there.discriminator, "discriminator/params", game.discriminator, d_first, draws=False)
    parts = _part("generator", generator), _part("discriminator", discriminator)
    _check(config, origin, parts)
    judge, turned = discriminator.tensors, there.objective.real_sign != game.objective.real_sign
    if turned:
        judge = _turned(judge, Side(game.discriminator.table, judge, new_classes, draws=False).layers[-1])
    state = states.of_params(config.seed, game, _tensors(generator.tensors), _tensors(judge))
    if state.averages and origin.leaves("averages"):
        averages = taken(there.generator, "averages", game.generator, g_first, draws=True)
        state = state._replace(averages=_tensors(averages.tensors))
    state = _with_vectors(state, discriminator, origin)
    return Beginning(state, parts, origin.facts, (*origin.skipped, *_warnings(config, saved.config)))


def _told(config: Config, class_names: Sequence[str]) -> tuple[str, ...]:
    """The classes that the networks of a run are told."""
    return tuple(class_names) if config.conditional else ()


def _part(network: str, found: Transfer) -> Part:
    sizes = [tensor.size for tensor in found.tensors.values()]
    return Part(network, found.taken, len(sizes), found.parameters, sum(sizes), found.remarks)


def _tensors(leaves: Leaves) -> Params:
    """A nest of tensors."""
    return tf.nest.map_structure(tf.constant, transfer.nest(leaves))


def _turned(leaves: Leaves, head: str) -> Leaves:
    """The discriminator's tensors with the sign of its logits changed: what is real has the other one now."""
    return {path: -value if path.startswith(f"{head}/") else value for path, value in leaves.items()}


def _with_vectors(state: State, found: Transfer, origin: Origin) -> State:
    """The state with the spectral vectors of kernels that are taken as they were; those of others are found anew."""
    theirs = origin.leaves(f"extra/{VECTORS}")
    vectors = transfer.leaves(Carried.of(state.extra).vectors or {})
    if not vectors:
        return state
    kept = {path: theirs.get(found.same.get(path, ""), value) for path, value in vectors.items()}
    return carrying(state, vectors=_tensors(kept))


def _check(config: Config, origin: Origin, parts: Sequence[Part]) -> None:
    """Raises `UserError` for a network of which nothing was taken."""
    theirs = origin.run.config
    for part in parts:
        if part.taken:
            continue
        other = [name for name in _SHAPES[part.network] if getattr(theirs, name) != getattr(config, name)]
        remedy = " ".join(f"--{name}={getattr(theirs, name)}" for name in other)
        raise UserError(
            f"--init_from={origin.name}: nothing of its {part.network} fits ({'; '.join(part.remarks[:2])}); "
            + (f"give {remedy} as there" if remedy else "begin without --init_from")
        )


def _warnings(config: Config, theirs: Config) -> tuple[str, ...]:
    """Lines on settings under which the same numbers mean something else."""
    return tuple(
        f"--{name}={getattr(config, name)}, but what this run begins with was trained with {getattr(theirs, name)}: "
        "it begins with other images or judgements"
        for name in _MEANINGS
        if getattr(theirs, name) != getattr(config, name)
    )
