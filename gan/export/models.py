"""A run's two networks as files, each read back and compared with what the engine computes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan import build
from gan.core import rng
from gan.core.base import Network
from gan.errors import UserError
from gan.export import keras, modules
from gan.export.formats import FORMATS
from gan.settings import Config
from gan.storage.aliases import plain

TOLERANCE = 1e-4  # of outputs in [0, 1], both in float32
_EXAMPLES = 34  # more than a block


class Exported(NamedTuple):
    """A model that was written: its file's name, its parameters, the largest difference of an output."""

    name: str
    parameters: int
    difference: float


class Exportable(NamedTuple):
    """The models of both networks, and the engine's own functions of the same arrays: images, labels if conditional."""

    models: Sequence[Any]
    functions: Sequence[Callable[..., np.ndarray]]
    inputs: Sequence[tuple[np.ndarray, ...]]
    weights: Sequence[list[np.ndarray]]
    parameters: Sequence[int]


def default_form(config: Config) -> str:
    """The form in which the networks of a config can be had: that of the article where Keras' layers suffice."""
    return "saved_model" if keras.obstacle(config) else "h5"


def pair(
    config: Config, image_shape: Sequence[int], g_params: Mapping, d_params: Mapping, form: str, class_shares=()
) -> Exportable:
    """Both networks with these parameters, and what to compare them on: random latents; noise and generated images.

    Conditional ones need the share of each class in the data. The discriminator's parameters are those that it is
    applied with. Raises `UserError` if there is no such form of these networks.
    """
    num_classes = len(class_shares)
    game = build.game(config, image_shape, build.PLAIN, num_classes)
    generator = build.sampling_generator(config, image_shape, build.PLAIN, class_shares)
    counts = [sum(tf.size(value).numpy() for value in tf.nest.flatten(params)) for params in (g_params, d_params)]
    if generator.settle:
        g_params = generator.settle(g_params)
    sign, whole = game.objective.real_sign, bool(config.minibatch_deviation)

    def images(*inputs: np.ndarray) -> np.ndarray:  # [N, latent_size] (and [N]) -> [N, H, W, C] in [0, 1]
        return np.clip(_applied(generator, g_params, False, *inputs), 0.0, 1.0)

    def is_fake(*inputs: np.ndarray) -> np.ndarray:  # [N, H, W, C] (and [N]) -> [N, 1] in [0, 1]
        return tf.sigmoid(-sign * _applied(game.discriminator, d_params, whole, *inputs)).numpy()[:, None]

    if FORMATS[form].is_keras:
        keras.check(config, form)
        models = (
            keras.generator(config, generator, g_params),
            keras.discriminator(config, game.discriminator, d_params, image_shape, sign),
        )
    else:
        told = num_classes if config.conditional else 0
        models = (
            modules.generator(generator, g_params, config.latent_size, told),
            modules.discriminator(game.discriminator, d_params, image_shape, sign, told, whole),
        )
    return Exportable(
        models=models,
        functions=(images, is_fake),
        inputs=_inputs(config, image_shape, num_classes, images),
        weights=[[value.numpy() for value in tf.nest.flatten(params)] for params in (g_params, d_params)],
        parameters=counts,
    )


def _inputs(
    config: Config, image_shape: Sequence[int], num_classes: int, images: Callable[..., np.ndarray]
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """What both networks are compared on: random latents; noise and what `images(latents)` makes of those."""
    random = np.random.default_rng(0)
    labels = (np.arange(_EXAMPLES, dtype=np.int32) % num_classes,) if config.conditional else ()
    latents = random.standard_normal((_EXAMPLES, config.latent_size), np.float32)
    noise = random.random((_EXAMPLES, *image_shape), np.float32)
    seen = np.concatenate([noise, images(latents, *labels)])
    return (latents, *labels), (seen, *(np.tile(part, 2) for part in labels))


def names(form: str) -> list[str]:
    """The names of the files or folders that `write` makes: those of the article, with the format's suffix."""
    return [f"{name}{FORMATS[form].suffix}" for name in ("generatormodel", "discriminatormodel")]


def write(folder: Path, form: str, both: Exportable) -> None:
    """Writes both models into `folder`; raises `OSError` or what TensorFlow raises about storage."""
    with plain(folder) as writable:
        for name, model in zip(names(form), both.models, strict=True):
            FORMATS[form].save(model, writable / name)


def check(folder: Path, form: str, both: Exportable) -> list[Exported]:
    """Reads both models back from `folder`; raises `UserError` if weights or outputs are not the engine's."""
    found = []
    for name, count, function, inputs, weights in zip(
        names(form), both.parameters, both.functions, both.inputs, both.weights, strict=True
    ):
        with plain(folder) as readable:
            loaded, read = FORMATS[form].load(readable / name)
        if not _holds(read, weights):
            raise UserError(f"{name}, read back, has other weights than the checkpoint; check the disk, start again")
        # It must take batches of any size.
        parts = [tuple(x[:1] for x in inputs), tuple(x[1:] for x in inputs)]
        difference = max(float(np.max(np.abs(loaded(*part) - function(*part)))) for part in parts)
        if not difference <= TOLERANCE:  # NaN is a difference, too
            raise UserError(
                f"{name}, read back, gives outputs that differ from the engine's by {difference:.2g}, more than "
                f"{TOLERANCE:g}; nothing was exported: please report it with the run's config.json"
            )
        found.append(Exported(name, count, difference))
    return found


def _applied(network: Network, params: Mapping, whole: bool, x: np.ndarray, labels: np.ndarray | None = None):
    """The output of an engine's network in inference mode, of one that looks at the `whole` batch in a full one."""
    places = np.arange(modules.BATCH if whole else len(x)) % len(x)
    labels = np.full(len(x), -1, np.int32) if labels is None else labels
    y = network.apply(params, tf.constant(x[places]), tf.constant(labels[places]), rng.stream(seed=0, step=0), False)
    return y.numpy()[: len(x)]


def _holds(read: list[np.ndarray], weights: list[np.ndarray]) -> bool:
    """Whether each of `weights` is among those read, to the bit; a form may have shapes of its own for them."""
    there = {array.tobytes() for array in read}
    return all(array.tobytes() in there for array in weights)
