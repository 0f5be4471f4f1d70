"""The pairs of networks in Keras' own layers, named as the engine's parameters are.

A chain is what a tensor goes through in turn: Keras layers, and functions of a tensor where ways part and join.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from gan.core.base import Network
from gan.networks.sizes import base as base_of
from gan.settings import Config

_SLOPE = 0.2
_ARTICLE_TAPS = 5
_RESIDUAL_TAPS = 3
Chain = Sequence[Callable[[Any], Any]]


class Builder(NamedTuple):
    """The chains of a pair's models for a config and the engine's network of it; of the discriminator to the features.

    `generator(config, network)`, `discriminator(config, network, image_shape)`.
    """

    generator: Callable[..., Chain]
    discriminator: Callable[..., Chain]


def chained(x: Any, chain: Chain) -> Any:
    """What comes out of the chain."""
    for function in chain:
        x = function(x)
    return x


def _article_generator(config: Config, network: Network) -> Chain:
    """Dense to a small map, a convolution after each doubling, two at the full size and one to the channels."""
    shapes = _shapes(network)
    small, (*size, channels) = shapes["reshape_1"], network.table[-1].shape
    _, doublings = base_of(tuple(size))
    width = small[2]
    chain = [keras.layers.Dense(math.prod(small), name="dense_1"), _leaky_relu(), keras.layers.Reshape(small)]
    for i in range(doublings + 2):
        chain += [_upsampled(shapes[f"conv_{i + 1}"])] if i < doublings else []
        chain += [_conv(f"conv_{i + 1}", width, _ARTICLE_TAPS), _leaky_relu()]
    return [*chain, _conv(f"conv_{doublings + 3}", channels, 4), *_image_output(config)]


def _article_discriminator(config: Config, network: Network, image_shape: Sequence[int]) -> Chain:
    """Four valid convolutions, of which the first may have a stride, each with dropout; flat, with dropout."""
    shapes = _shapes(network)
    stride = -(-(image_shape[0] - _ARTICLE_TAPS + 1) // shapes["conv_1"][0])
    chain = _image_input(config)
    for i in range(4):
        name, strides = f"conv_{i + 1}", stride if i == 0 else 1
        chain += [keras.layers.Conv2D(shapes[name][2], _ARTICLE_TAPS, strides=strides, name=name)]
        chain += [_leaky_relu(), keras.layers.Dropout(config.d_dropout)]
    return [*chain, keras.layers.Flatten(), keras.layers.Dropout(config.d_dropout)]


def _residual_generator(config: Config, network: Network) -> Chain:
    """Dense to a small map, blocks, of which the first at each larger size upsamples, and one convolution more."""
    shapes = _shapes(network)
    channels = network.table[-1].shape[2]
    chain = [keras.layers.Dense(shapes["dense_1"][0], name="dense_1"), keras.layers.Reshape(shapes["reshape_1"])]
    side, _, filters = shapes["reshape_1"]
    for name, shape in _blocks(shapes):
        before = [_upsampled((*shape[:2], filters))] if shape[0] > side else []
        main = [_leaky_relu(), *before, _conv(f"{name}_conv_1", shape[2], _RESIDUAL_TAPS)]
        main += [_leaky_relu(), _conv(f"{name}_conv_2", shape[2], _RESIDUAL_TAPS)]
        shortcut = [_conv(f"{name}_shortcut_pointwise_1", shape[2], 1)]
        shortcut += [_upsampled(shape)] if before else []
        chain += [_joined(main, shortcut if before else [])]
        side, _, filters = shape
    return [*chain, _leaky_relu(), _conv("conv_1", channels, _RESIDUAL_TAPS), *_image_output(config)]


def _residual_discriminator(config: Config, network: Network, image_shape: Sequence[int]) -> Chain:
    """A convolution, blocks, of which the last at each size pools, and for each channel a weighted sum over the map."""
    shapes = _shapes(network)
    *small, filters = shapes["conv_1"]
    chain = [*_image_input(config), _conv("conv_1", filters, _RESIDUAL_TAPS)]
    for name, shape in _blocks(shapes):
        pool = [keras.layers.AveragePooling2D(2)] if shape[0] < small[0] else []
        main = [_leaky_relu(), _conv(f"{name}_conv_1", filters, _RESIDUAL_TAPS)]
        main += [_leaky_relu(), *pool, _conv(f"{name}_conv_2", shape[2], _RESIDUAL_TAPS)]
        shortcut = [*pool, _conv(f"{name}_shortcut_pointwise_1", shape[2], 1)]
        chain += [_joined(main, shortcut if pool else [])]
        *small, filters = shape
    whole = keras.layers.DepthwiseConv2D(small, use_bias=False, name="weighted_sum_1")
    return [*chain, _leaky_relu(), whole, keras.layers.Flatten(), keras.layers.Dropout(config.d_dropout)]


def _shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """The shape of one example after each layer."""
    return {row.name: row.shape for row in network.table}


def _blocks(shapes: dict[str, tuple[int, ...]]) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, shape) for name, shape in shapes.items() if name.startswith("block_")]


def _joined(main: Chain, shortcut: Chain) -> Callable[[Any], Any]:
    """The sum of two ways."""
    return lambda x: keras.layers.Add()([chained(x, main), chained(x, shortcut)])


def _image_input(config: Config) -> list:
    chain = [keras.layers.GaussianNoise(config.d_input_noise)] if config.d_input_noise else []
    return [*chain, *([keras.layers.Rescaling(2.0, -1.0)] if config.d_pixel_range == "symmetric" else [])]


def _image_output(config: Config) -> list:
    """What makes pixels in [0, 1]: those of a linear generator are clipped."""
    if config.g_output == "sigmoid":
        return [keras.layers.Activation("sigmoid")]
    return [keras.layers.Rescaling(0.5, 0.5), keras.layers.ReLU(max_value=1.0)]


def _conv(name: str, filters: int, taps: int) -> keras.layers.Layer:
    return keras.layers.Conv2D(filters, taps, padding="same", name=name)


def _upsampled(shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """Twice the size, every pixel four times: [N, *shape].

    The shape is said again, for TensorFlow Lite: it loses it here, and has no convolution of maps of unknown size.
    """
    chain = [keras.layers.UpSampling2D(2, interpolation="nearest"), keras.layers.Reshape(shape)]
    return lambda x: chained(x, chain)


def _leaky_relu() -> keras.layers.Layer:
    return keras.layers.LeakyReLU(negative_slope=_SLOPE)


BUILDERS = {
    "article": Builder(_article_generator, _article_discriminator),
    "residual": Builder(_residual_generator, _residual_discriminator),
}
