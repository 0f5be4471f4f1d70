"""What the networks in Keras' own layers are put together from; those with weights bear the engine's names.

A chain is what a tensor goes through in turn: Keras layers, and functions of a tensor where ways part and join.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from gan.core.base import Network, Shape
from gan.settings import Config

_SLOPE = 0.2
_BATCH_NORM_EPSILON = 1e-5  # the engine's
Chain = Sequence[Callable[[Any], Any]]


class Plan(NamedTuple):
    """What a network is made of: the engine's, of this config, and the input for `labels` where it has one."""

    config: Config
    network: Network
    labels: keras.KerasTensor | None = None
    num_classes: int = 0

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape of one example after each layer of the engine."""
        return {row.name: row.shape for row in self.network.table}

    @property
    def blocks(self) -> list[tuple[str, Shape]]:
        """Name and output of each block."""
        return [(name, shape) for name, shape in self.shapes.items() if name.startswith("block_")]


def chained(x: Any, chain: Chain) -> Any:
    """What comes out of the chain."""
    for function in chain:
        x = function(x)
    return x


def joined(main: Chain, shortcut: Chain) -> Callable[[Any], Any]:
    """The sum of two ways."""
    return lambda x: keras.layers.Add()([chained(x, main), chained(x, shortcut)])


def conv(name: str, filters: int, taps: int) -> keras.layers.Layer:
    """A convolution that keeps the size."""
    return keras.layers.Conv2D(filters, taps, padding="same", name=name)


def upsampled(shape: Shape) -> Callable[[Any], Any]:
    """Twice the size, every pixel four times: [N, *shape].

    The shape is said again, for TensorFlow Lite: it loses it here, and has no convolution of maps of unknown size.
    """
    chain = [keras.layers.UpSampling2D(2, interpolation="nearest"), keras.layers.Reshape(shape)]
    return lambda x: chained(x, chain)


def leaky_relu() -> keras.layers.Layer:
    """The activation of networks without normalization."""
    return keras.layers.LeakyReLU(negative_slope=_SLOPE)


def batch_norm(name: str, channels: int, plan: Plan, by_label: bool = False) -> Callable[[Any], Any]:
    """Batch normalization by fixed statistics; `by_label` with scales and offsets by class, where there are classes."""
    labels = plan.labels if by_label else None
    fixed = keras.layers.BatchNormalization(
        epsilon=_BATCH_NORM_EPSILON, center=labels is None, scale=labels is None, name=name
    )
    if labels is None:
        return fixed

    def row(of: str) -> Any:
        table = keras.layers.Embedding(plan.num_classes, channels, name=f"{name}_{of}")
        return keras.layers.Reshape((1, 1, channels))(table(labels))

    return lambda x: keras.layers.Add()([keras.layers.Multiply()([fixed(x), row("scale")]), row("offset")])


def labelled(plan: Plan) -> Chain:
    """Latents moved by their label's embedding; nothing without labels."""
    if plan.labels is None:
        return []
    table = keras.layers.Embedding(plan.num_classes, plan.config.latent_size, name="embedding_1")
    return [lambda x: keras.layers.Add()([x, table(plan.labels)])]


def probability(plan: Plan, features: int, real_sign: float) -> Chain:
    """Features [N, features] -> the probability of a fake: a dense layer, with labels a projection, and a sigmoid."""
    turned = [] if real_sign < 0 else [keras.layers.Rescaling(-1.0)]
    if plan.labels is None and not turned:
        return [keras.layers.Dense(1, activation="sigmoid", name="dense_1")]
    head = keras.layers.Dense(1, name="dense_1")
    if plan.labels is not None:
        head = _projection(plan, features)
    return [head, *turned, keras.layers.Activation("sigmoid")]


def _projection(plan: Plan, features: int) -> Callable[[Any], Any]:
    """w f + b + <embedding of the label, f>."""
    dense = keras.layers.Dense(1, name="projection_1")
    table = keras.layers.Embedding(plan.num_classes, features, name="projection_1_embedding")
    return lambda x: keras.layers.Add()([dense(x), keras.layers.Dot(axes=1)([x, table(plan.labels)])])


def image_input(config: Config) -> list:
    """What a discriminator makes of pixels in [0, 1] first."""
    chain = [keras.layers.GaussianNoise(config.d_input_noise)] if config.d_input_noise else []
    return [*chain, *([keras.layers.Rescaling(2.0, -1.0)] if config.d_pixel_range == "symmetric" else [])]


def image_output(config: Config) -> list:
    """What makes pixels in [0, 1]: those of a linear generator are clipped."""
    if config.g_output == "sigmoid":
        return [keras.layers.Activation("sigmoid")]
    return [keras.layers.Rescaling(0.5, 0.5), keras.layers.ReLU(max_value=1.0)]
