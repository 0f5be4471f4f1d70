"""What the tests of exports share: tiny networks of any pair with parameters that show where they go."""

import functools
from pathlib import Path

import numpy as np
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.export import models, networks
from gan.export.formats import FORMATS, Model
from gan.export.networks import Networks

SHARES = (0.5, 0.3, 0.2)
PAIRS = ("article", "dcgan", "residual", "sngan")


def some(params, seed: int):
    """The parameters with noise: of what is zero at first nobody would notice where it goes."""
    random = np.random.default_rng(seed)
    return tf.nest.map_structure(
        lambda value: value + tf.constant(random.standard_normal(value.shape), tf.float32) * 0.02, params
    )


@functools.cache
def tiny(shape: tuple[int, int, int] = (28, 28, 1), preset: str = "article", **settings) -> Networks:
    """Both networks of a config, as from a checkpoint."""
    given = {"g_width": 8, "d_width": 4, "latent_size": 8, **settings}
    chosen = config.make(preset, **given)
    game = build.game(chosen, shape, build.PLAIN, len(SHARES))
    params = [
        some(network.init(rng.stream(i, -1)), i) for i, network in enumerate((game.generator, game.discriminator))
    ]
    if game.discriminator.normalize:
        vectors = game.discriminator.init_state(rng.stream(2, -1), params[1])
        params[1], _ = game.discriminator.normalize(params[1], vectors)
    return networks.networks(chosen, shape, *params, SHARES)


def exported(folder: Path, form: str, of: Networks) -> tuple[list[Model], list[models.Exported]]:
    """The models of a form, and what was found of them once they were written into a folder."""
    made = list(FORMATS[form].models(of))
    models.write(folder, form, made)
    return made, models.check(folder, form, of, made)
