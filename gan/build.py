"""Config -> networks, optimizers, game, data: the registries are looked up here and nowhere else."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from gan.config import Config
from gan.core import losses, networks, optimizers, penalties, state
from gan.core.convolutions import CONVOLVERS
from gan.core.layers import Network
from gan.core.step import Game
from gan.data import sources
from gan.data.batches import Batches
from gan.data.sources import Source
from gan.errors import UserError

DTYPES = {"float32": tf.float32, "mixed_bfloat16": tf.bfloat16, "mixed_float16": tf.float16}


class Numerics(NamedTuple):
    """How the networks compute, resolved for the hardware at hand: no "auto" any more."""

    precision: str
    convolution: str
    jit_compile: bool


PLAIN = Numerics("float32", "direct", False)


def source(config: Config) -> Source:
    """The data set of a config, checked against what the networks can take; raises `UserError`."""
    opened = sources.open_source(
        config.dataset, config.data_dir, config.resolution, config.channels, config.data_in_memory
    )
    height, width, channels = opened.image_shape
    reason = networks.PAIRS[config.networks].check(height)
    if height != width or channels not in (1, 3):
        raise UserError(f"{opened.name}: images of {height} x {width} x {channels}; give --resolution and --channels")
    if reason:
        raise UserError(f"{opened.name}: {reason}; give another --resolution")
    return opened


def batches(config: Config, opened: Source) -> Batches:
    """The batches of a config in their order."""
    return Batches(opened, seed=config.seed, batch=config.batch_size, draws=config.d_steps)


def generator(config: Config, image_shape: Sequence[int], numerics: Numerics) -> Network:
    """The generator for images of [H, W, C]."""
    return networks.PAIRS[config.networks].generator(
        resolution=image_shape[0],
        channels=image_shape[2],
        latent_size=config.latent_size,
        width=config.g_width,
        output=config.g_output,
        output_scale=config.g_output_scale,
        convolver=CONVOLVERS[numerics.convolution],
        dtype=DTYPES[numerics.precision],
    )


def discriminator(config: Config, image_shape: Sequence[int], numerics: Numerics) -> Network:
    """The discriminator for images of [H, W, C]."""
    return networks.PAIRS[config.networks].discriminator(
        resolution=image_shape[0],
        channels=image_shape[2],
        width=config.d_width,
        dropout=config.d_dropout,
        input_noise=config.d_input_noise,
        symmetric=config.d_pixel_range == "symmetric",
        convolver=CONVOLVERS[numerics.convolution],
        dtype=DTYPES[numerics.precision],
    )


def game(config: Config, image_shape: Sequence[int], numerics: Numerics) -> Game:
    """Everything that a training step of the config is made of."""
    return Game(
        generator=generator(config, image_shape, numerics),
        discriminator=discriminator(config, image_shape, numerics),
        objective=losses.LABELLED[config.objective](losses.TARGETS[config.label_noise_mode](config.label_noise)),
        penalty=penalties.r1(config.r1_gamma) if config.r1_gamma else None,
        g_optimizer=optimizers.adam(config.g_beta1, config.g_beta2, config.adam_epsilon),
        d_optimizer=optimizers.adam(config.d_beta1, config.d_beta2, config.adam_epsilon),
        g_learning_rate=config.g_learning_rate,
        d_learning_rate=config.d_learning_rate,
        latent_size=config.latent_size,
        d_steps=config.d_steps,
    )


def initial_state(config: Config, parts: Game) -> state.State:
    """The state before the first step."""
    return state.initial(config.seed, parts.generator, parts.discriminator, parts.g_optimizer, parts.d_optimizer)
