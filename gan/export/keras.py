"""The networks as plain Keras models, which need nothing of this project to be loaded and used.

Only standard layers; those with weights bear the names of the engine's parameters. As in the article the discriminator
ends in a sigmoid: the probability that an image is fake, whatever sign the objective gives to its logits. Images are in
[0, 1] on both sides, whatever the networks see.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from gan.core.base import Network
from gan.errors import UserError
from gan.export import layers
from gan.settings import Config


@contextlib.contextmanager
def plain_settings() -> Iterator[None]:
    """Layers of float32 with the channels last, whatever the person's own settings of Keras say."""
    before = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()
    _set("channels_last", "float32", "float32")
    try:
        yield
    finally:
        _set(*before)


def _set(data_format: str, floatx: str, policy: str | keras.DTypePolicy) -> None:
    keras.config.set_image_data_format(data_format)
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@plain_settings()
def generator(config: Config, network: Network, params: Mapping[str, Any]) -> keras.Model:
    """Latents [N, latent_size], standard normal -> images [N, H, W, C] in [0, 1]."""
    chain = layers.BUILDERS[config.networks].generator(config, network)
    return _filled("generatormodel", keras.Input((config.latent_size,), name="latents"), chain, params)


@plain_settings()
def discriminator(
    config: Config, network: Network, params: Mapping[str, Any], image_shape: Sequence[int], real_sign: float = -1.0
) -> keras.Model:
    """Images [N, H, W, C] in [0, 1] -> the probability [N, 1] that each is fake; logits of real ones: `real_sign`."""
    chain = [*layers.BUILDERS[config.networks].discriminator(config, network, image_shape)]
    if real_sign < 0:
        chain += [keras.layers.Dense(1, activation="sigmoid", name="dense_1")]
    else:
        chain += [
            keras.layers.Dense(1, name="dense_1"),
            keras.layers.Rescaling(-1.0),
            keras.layers.Activation("sigmoid"),
        ]
    return _filled("discriminatormodel", keras.Input(tuple(image_shape), name="images"), chain, params)


def _filled(name: str, entry: keras.KerasTensor, chain: layers.Chain, params: Mapping[str, Any]) -> keras.Model:
    """The model of this chain with the weights of `params`."""
    model = keras.Model(entry, layers.chained(entry, chain), name=name)
    for layer, weights in _weights(params):
        target = model.get_layer(layer)
        target.set_weights([_shaped(w, like.shape) for w, like in zip(weights, target.weights, strict=True)])
    return model


def _shaped(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The array in a layer's shape, if that has axes that the engine's layers do without."""
    return array.reshape(shape) if len(shape) > array.ndim else array


def _weights(params: Mapping[str, Any]) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Of each layer its name, after that of the block that it is in, and its weights in the order of Keras."""
    for name, part in params.items():
        if any(isinstance(value, Mapping) for value in part.values()):
            yield from ((f"{name}_{inner}", weights) for inner, weights in _weights(part))
        else:
            yield name, [np.asarray(part[key]) for key in ("kernel", "bias", "weights") if key in part]


def obstacle(config: Config) -> str:
    """What keeps these networks from a Keras form; empty if nothing does."""
    if config.networks not in layers.BUILDERS:
        return f"networks {config.networks}"
    if config.conditional or config.minibatch_deviation:
        return "conditional networks" if config.conditional else "a minibatch deviation"
    return ""


def check(config: Config, form: str) -> None:
    """Raises `UserError` if there is no Keras form of these networks."""
    if obstacle(config):
        raise UserError(f"--format={form} cannot hold {obstacle(config)}; use --format=saved_model")
