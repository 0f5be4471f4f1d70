"""The networks as plain Keras models, which need nothing of this project to be loaded and used.

Only standard layers; those with weights bear the names of the engine's parameters. As in the article the discriminator
ends in a sigmoid: the probability that an image is fake, whatever sign the objective gives to its logits. Images are in
[0, 1] on both sides, whatever the networks see.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from gan.config import Config
from gan.core.layers import Network
from gan.errors import UserError

_SLOPE = 0.2
_TAPS = 5


class Builder(NamedTuple):
    """The layers of a pair's models after the input, for a config and the engine's network of it."""

    generator: Any
    discriminator: Any


def generator(config: Config, network: Network, params: Mapping[str, Any]) -> keras.Model:
    """Latents [N, latent_size], standard normal -> images [N, H, W, C] in [0, 1]."""
    layers = BUILDERS[config.networks].generator(config, network)
    return _filled("generatormodel", keras.Input((config.latent_size,), name="latents"), layers, params)


def discriminator(
    config: Config, network: Network, params: Mapping[str, Any], image_shape: Sequence[int], real_sign: float = -1.0
) -> keras.Model:
    """Images [N, H, W, C] in [0, 1] -> the probability [N, 1] that each is fake; logits of real ones: `real_sign`."""
    layers = BUILDERS[config.networks].discriminator(config, network, image_shape)
    if real_sign < 0:
        layers += [keras.layers.Dense(1, activation="sigmoid", name="dense_1")]
    else:
        layers += [
            keras.layers.Dense(1, name="dense_1"),
            keras.layers.Rescaling(-1.0),
            keras.layers.Activation("sigmoid"),
        ]
    return _filled("discriminatormodel", keras.Input(tuple(image_shape), name="images"), layers, params)


def parameters(params: Mapping[str, Any]) -> dict[str, list[np.ndarray]]:
    """[kernel, bias] of each layer by name, in the order that Keras keeps them in."""
    return {name: [np.asarray(part[key]) for key in ("kernel", "bias")] for name, part in params.items()}


def _filled(name: str, entry: keras.KerasTensor, layers: list, params: Mapping[str, Any]) -> keras.Model:
    """The model of these layers with the weights of `params`."""
    model = keras.Sequential([entry, *layers], name=name)
    for layer, weights in parameters(params).items():
        model.get_layer(layer).set_weights(weights)
    return model


def _article_generator(config: Config, network: Network) -> list:
    """Dense to a small map, a convolution after each doubling, two at the full size and one to the channels."""
    shapes = {row.name: row.shape for row in network.table}
    base, _, width = shapes["reshape_1"]
    resolution, _, channels = network.table[-1].shape
    doublings = (resolution // base).bit_length() - 1
    layers = [keras.layers.Dense(base * base * width, name="dense_1"), _leaky_relu()]
    layers += [keras.layers.Reshape((base, base, width))]
    for i in range(doublings + 2):
        layers += [keras.layers.UpSampling2D(2, interpolation="nearest")] if i < doublings else []
        layers += [keras.layers.Conv2D(width, _TAPS, padding="same", name=f"conv_{i + 1}"), _leaky_relu()]
    layers += [keras.layers.Conv2D(channels, 4, padding="same", name=f"conv_{doublings + 3}")]
    if config.g_output == "sigmoid":
        return [*layers, keras.layers.Activation("sigmoid")]
    return [*layers, keras.layers.Rescaling(0.5, 0.5), keras.layers.ReLU(max_value=1.0)]  # clipped to [0, 1]


def _article_discriminator(config: Config, network: Network, image_shape: Sequence[int]) -> list:
    """Four valid convolutions, of which the first may have a stride, each with dropout; flat, with dropout."""
    shapes = {row.name: row.shape for row in network.table}
    stride = -(-(image_shape[0] - _TAPS + 1) // shapes["conv_1"][0])
    layers = [keras.layers.GaussianNoise(config.d_input_noise)] if config.d_input_noise else []
    layers += [keras.layers.Rescaling(2.0, -1.0)] if config.d_pixel_range == "symmetric" else []
    for i in range(4):
        filters = shapes[f"conv_{i + 1}"][2]
        layers += [keras.layers.Conv2D(filters, _TAPS, strides=stride if i == 0 else 1, name=f"conv_{i + 1}")]
        layers += [_leaky_relu(), keras.layers.Dropout(config.d_dropout)]
    return [*layers, keras.layers.Flatten(), keras.layers.Dropout(config.d_dropout)]


def _leaky_relu() -> keras.layers.Layer:
    return keras.layers.LeakyReLU(negative_slope=_SLOPE)


def obstacle(config: Config) -> str:
    """What keeps these networks from a Keras form; empty if nothing does."""
    if config.networks not in BUILDERS:
        return f"networks {config.networks}"
    if config.conditional or config.minibatch_deviation:
        return "conditional networks" if config.conditional else "a minibatch deviation"
    return ""


def check(config: Config, form: str) -> None:
    """Raises `UserError` if there is no Keras form of these networks."""
    if obstacle(config):
        raise UserError(f"--format={form} cannot hold {obstacle(config)}; use --format=saved_model")


BUILDERS = {"article": Builder(_article_generator, _article_discriminator)}
