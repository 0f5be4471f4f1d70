"""A run's two networks as files, each read back and compared with what the engine computes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan import build
from gan.config import Config
from gan.core import rng
from gan.errors import UserError
from gan.export import keras
from gan.export.formats import FORMATS

TOLERANCE = 1e-4  # of outputs in [0, 1], both in float32
_EXAMPLES = 8


class Exported(NamedTuple):
    """A model that was written: its file's name, its parameters, the largest difference of an output."""

    name: str
    parameters: int
    difference: float


class Pair(NamedTuple):
    """The Keras models of both networks, and the engine's own functions of the same arrays."""

    models: Sequence[Any]
    functions: Sequence[Callable[[np.ndarray], np.ndarray]]
    inputs: Sequence[np.ndarray]
    weights: Sequence[list[np.ndarray]]


def pair(config: Config, image_shape: Sequence[int], g_params: Mapping, d_params: Mapping) -> Pair:
    """Both networks with these parameters, and what to compare them on: random latents; noise and generated images."""
    keras.check(config.networks)
    generator = build.generator(config, image_shape, build.PLAIN)
    discriminator = build.discriminator(config, image_shape, build.PLAIN)

    def images(latents: np.ndarray) -> np.ndarray:  # [N, latent_size] -> [N, H, W, C] in [0, 1]
        return np.clip(_applied(generator, g_params, latents), 0.0, 1.0)

    def is_fake(images: np.ndarray) -> np.ndarray:  # [N, H, W, C] -> [N, 1] in [0, 1]
        return tf.sigmoid(_applied(discriminator, d_params, images)).numpy()[:, None]

    random = np.random.default_rng(0)
    latents = random.standard_normal((_EXAMPLES, config.latent_size), np.float32)
    noise = random.random((_EXAMPLES, *image_shape), np.float32)
    return Pair(
        models=(
            keras.generator(config, generator, g_params),
            keras.discriminator(config, discriminator, d_params, image_shape),
        ),
        functions=(images, is_fake),
        inputs=(latents, np.concatenate([noise, images(latents)])),
        weights=[[w for ws in keras.parameters(params).values() for w in ws] for params in (g_params, d_params)],
    )


def names(form: str) -> list[str]:
    """The names of the files or folders that `write` makes: those of the article, with the format's suffix."""
    return [f"{name}{FORMATS[form].suffix}" for name in ("generatormodel", "discriminatormodel")]


def write(folder: Path, form: str, both: Pair) -> None:
    """Writes both models into `folder`; raises `OSError` or what TensorFlow raises about storage."""
    for name, model in zip(names(form), both.models, strict=True):
        FORMATS[form].save(model, folder / name)


def check(folder: Path, form: str, both: Pair) -> list[Exported]:
    """Reads both models back from `folder`; raises `UserError` if weights or outputs are not the engine's."""
    found = []
    for name, function, x, weights in zip(names(form), both.functions, both.inputs, both.weights, strict=True):
        loaded, read = FORMATS[form].load(folder / name)
        if not _holds(read, weights):
            raise UserError(f"{name}, read back, has other weights than the checkpoint; check the disk, start again")
        y = np.concatenate([loaded(x[:1]), loaded(x[1:])])  # it must take batches of any size
        difference = float(np.max(np.abs(y - function(x))))
        if not difference <= TOLERANCE:  # NaN is a difference, too
            raise UserError(
                f"{name}, read back, gives outputs that differ from the engine's by {difference:.2g}, more than "
                f"{TOLERANCE:g}; nothing was exported: please report it with the run's config.json"
            )
        found.append(Exported(name, sum(weight.size for weight in weights), difference))
    return found


def _applied(network, params: Mapping, x: np.ndarray) -> tf.Tensor:
    """The output of an engine's network in inference mode."""
    return network.apply(params, tf.constant(x), tf.fill([len(x)], -1), rng.stream(seed=0, step=0), False)


def _holds(read: list[np.ndarray], weights: list[np.ndarray]) -> bool:
    """Whether each of `weights` is among those read, to the bit."""
    there = {(array.shape, array.tobytes()) for array in read}
    return all((array.shape, array.tobytes()) in there for array in weights)
