"""Small games on random images, and what tests of a step and of its gradients do with them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.core import gradients, loss_scale, objectives, optimizers, penalties, rng, state, step
from gan.core.base import identity
from gan.core.game import Game, Rates, Regularization
from gan.core.gradients import Now
from gan.networks import article
from gan.networks.convolutions import DIRECT
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

SHAPE = (20, 20, 1)
BATCH = 4


def make_game(
    *,
    g_rate=1e-3,
    d_rate=1e-3,
    d_steps=1,
    r1=1.0,
    noise=0.1,
    dropout=0.4,
    dtype=tf.float32,
    convolver=DIRECT,
    width=2,
    every=1,
    pair=article,
    num_classes=0,
    **changes,
):
    def adam(beta2):
        return optimizers.adam(0.9, beta2, 1e-7)

    both = {"size": SHAPE[:2], "channels": 1, "convolver": convolver, "dtype": dtype, "num_classes": num_classes}
    g = pair.generator(GeneratorSpec(latent_size=8, width=2 * width, output="sigmoid", output_scale=1.0, **both))
    d = pair.discriminator(DiscriminatorSpec(width=width, dropout=dropout, input_noise=noise, symmetric=False, **both))
    objective = objectives.fake_detection(objectives.cross_entropy, objectives.noisy_targets(0.15))
    parts = Game(
        g, d, objective, adam, adam, Rates(g_rate, d_rate, 0.999, 0.999, r1), latent_size=8, batch=BATCH,
        d_steps=d_steps, regularization=Regularization(penalties.r1, every) if r1 else None,
    )  # fmt: skip
    return parts._replace(**changes)


def initial(game, seed=1):
    return state.initial(seed, game)


def now(game):
    """The scalars of the first update."""
    strength = game.augmenting.strength if game.augmenting else 0.0
    weight, strength = (tf.constant(float(scalar)) for scalar in (game.rates.penalty_weight, strength))
    scale = loss_scale.initial() if game.loss_scaling else ()
    return Now(tf.constant(0, tf.int64), tf.constant(0), weight, strength, scale)


def d_gradients(game, d, g, images, labels, address):
    return gradients.discriminator_gradients(game, d, g, {}, images, labels, now(game), address)[:2]


def g_gradients(game, g, d, images, labels, address):
    return gradients.generator_gradients(game, g, d, {}, images, labels, now(game), address)


def data(game, seed=0):
    random = np.random.default_rng(seed)
    count = game.d_steps * BATCH
    images = tf.constant(random.integers(0, 256, (count, *SHAPE)), tf.uint8)
    return images, tf.constant(random.integers(0, 10, count), tf.int32)


class Result(NamedTuple):
    state: state.State
    metrics: dict


def run(game, steps=1, seed=1, start=None, compiled=None, images_seed=0):
    function = step.make_step(game, compiled) if compiled else step.make_step(game)
    current, metrics = start or initial(game), {}
    for _ in range(steps):
        current, metrics = function(current, *data(game, images_seed), rng.stream(seed, current.step), identity)
    return Result(current, metrics)


def same_bits(one, two):
    tf.nest.assert_same_structure(one, two)
    pairs = zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


def finite(nest):
    return all(np.isfinite(value).all() for value in tf.nest.flatten(nest))
