"""What the engine computes in a step, as arrays that a program in another framework can be held to.

Parameters are lists in the order of the layers, with the layers' names; random numbers are those that the step draws.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan import build, config
from gan.core import gradients, judge, rng, step
from gan.core.base import identity
from gan.core.gradients import Now
from gan.core.state import Carried, carrying

_SEED = 1
_G_UPDATE, _D_UPDATE = 0, step.D_UPDATES  # the streams below that of a step


class Case(NamedTuple):
    """A preset with some settings on random images of a shape; `epsilon` is the engine's for that of the settings.

    Keras, as the engine, adds Adam's epsilon to the uncorrected root, PyTorch to the corrected one. In the first update
    they are the same number, but for the factor.
    """

    preset: str
    settings: dict[str, Any]
    image_shape: tuple[int, int, int]
    num_classes: int = 0

    def config(self, corrected_epsilon: bool = False) -> config.Config:
        """Its config; with `corrected_epsilon` one whose first update has the epsilon of PyTorch's."""
        made = config.make(self.preset, **self.settings)
        if not corrected_epsilon:
            return made
        return config.changed(made, epsilon=made.epsilon * (1.0 - made.g_beta2) ** 0.5)


class Steps(NamedTuple):
    """What goes into a first step and what comes of it, NumPy arrays."""

    names: list[list[str]]  # of the arrays of the generator, of the discriminator: block_1/conv_1/kernel
    params: list[list[np.ndarray]]
    images: np.ndarray  # uint8 [B, H, W, C]
    labels: np.ndarray  # int32 [B]
    wrong: np.ndarray  # int32 [B], labels in the place of the right ones
    latents: list[np.ndarray]  # [B, latent_size] of the discriminator's update, of the generator's
    fakes: np.ndarray  # float32 [B, H, W, C] of the first latents
    logits: np.ndarray  # [B] of the images
    d_loss: float
    d_grads: list[np.ndarray]
    penalty: float
    d_grads_with_penalty: list[np.ndarray]
    g_loss: float
    g_grads: list[np.ndarray]
    after: list[list[np.ndarray]]  # of both players
    averages: list[np.ndarray]


def of(case: Case, corrected_epsilon: bool = False) -> Steps:
    """A first step of the case, with parameters none of which is 0."""
    settings = case.config(corrected_epsilon)
    game = build.game(settings, case.image_shape, build.PLAIN, case.num_classes)
    state = _moved(game, build.initial_state(settings, game))
    g, d, vectors = state.generator.params, state.discriminator.params, Carried.of(state.extra).vectors
    stream, random = rng.stream(_SEED, 0), np.random.default_rng(_SEED)
    images = tf.constant(random.integers(0, 256, (settings.batch_size, *case.image_shape), np.uint8))
    labels = tf.constant(random.integers(0, max(case.num_classes, 1), settings.batch_size).astype(np.int32))
    of_d, of_g = rng.fold(stream, _D_UPDATE), rng.fold(stream, _G_UPDATE)
    drawn = [judge.streams(below) for below in (of_d, of_g)]
    latents = [rng.normal(below.latents, (settings.batch_size, game.latent_size)) for below in drawn]
    wrong = judge.with_wrong(max(case.num_classes, 2), labels, drawn[0].wrong_labels)[:, 1]

    def now(penalty_weight):
        return Now(tf.constant(0, tf.int64), tf.constant(0), tf.constant(penalty_weight), (), ())

    def d_gradients(game):
        return gradients.discriminator_gradients(game, d, g, vectors, images, labels, now(settings.gamma), of_d)[:2]

    due, between = d_gradients(game), d_gradients(game._replace(regularization=None))
    loss = float(between[1]["d_loss"]) + settings.mismatch_weight * float(between[1].get("d_mismatch_loss", 0.0))
    g_grads, g_metrics = gradients.generator_gradients(game, g, d, vectors, images, labels, now(0.0), of_g)
    critic = judge.bound(game, d, vectors, labels, (), drawn[0]).critic
    after, _ = step.make_step(game)(state, images, labels, stream, identity)
    return Steps(
        [list(_flat(g)), list(_flat(d))],
        [_arrays(g), _arrays(d)],
        images.numpy(), labels.numpy(), wrong.numpy(), [z.numpy() for z in latents],
        game.generator.apply(g, latents[0], labels, of_d, False).numpy(),
        critic(tf.cast(images, tf.float32) / 255.0).numpy(),
        loss, _arrays(between[0]), float(due[1].get("d_penalty", 0.0)), _arrays(due[0]),
        float(g_metrics["g_loss"]), _arrays(g_grads),
        [_arrays(after.generator.params), _arrays(after.discriminator.params)],
        _arrays(after.averages),
    )  # fmt: skip


def _moved(game, state):
    """The state with noise on every parameter, and with the vectors of spectral normalization as far as they can go."""
    random = np.random.default_rng(_SEED)

    def noisy(player):
        params = tf.nest.map_structure(
            lambda p: p + 0.1 * random.normal(size=p.shape).astype(np.float32), player.params
        )
        return player._replace(params=params)

    state = state._replace(generator=noisy(state.generator), discriminator=noisy(state.discriminator))
    if Carried.of(state.extra).vectors:
        state = carrying(state, vectors=_singular(Carried.of(state.extra).vectors, state.discriminator.params))
    if state.averages:
        state = state._replace(averages=tf.nest.map_structure(tf.identity, state.generator.params))
    return state


def _singular(vectors, params):
    """The first right singular vector [K] of each kernel [..., K] that has a vector: what the power iteration nears."""
    return {
        name: _singular(vector, params[name])
        if isinstance(vector, dict)
        else tf.constant(np.linalg.svd(tf.reshape(params[name], [-1, params[name].shape[-1]]))[2][0])
        for name, vector in vectors.items()
    }


def _flat(params, prefix="") -> dict[str, tf.Tensor]:
    """The tensors by their path, in the order of the layers."""
    found = {}
    for name, value in params.items():
        found |= _flat(value, f"{prefix}{name}/") if isinstance(value, dict) else {prefix + name: value}
    return found


def _arrays(params) -> list[np.ndarray]:
    return [tensor.numpy() for tensor in _flat(params).values()]
