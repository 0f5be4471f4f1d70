"""The pairs of networks. Images go in and out as float32 [B, H, W, C] in [0, 1]; the discriminator returns logits [B].

`ARTICLE` is the pair of the article "Fashion GAN": at 28 x 28 x 1, latents of 128 and the default widths they have
2,450,049 and 1,113,345 parameters and compute what the article's Keras models compute, but for the discriminator's
sigmoid, which belongs to the loss.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core import layers
from gan.core.convolutions import Convolver
from gan.core.layers import Network

_SLOPE = 0.2
_LARGEST_BASE = 8  # the generator starts from a map of 4 to 8 pixels a side
_SMALLEST = 20  # four valid 5 x 5 convolutions take 16 pixels
_FULL_RESOLUTION = 32  # above it the discriminator's first convolution has a stride


class Pair(NamedTuple):
    """Factories of a generator and a discriminator; `check(resolution)` says why a size does not fit, or nothing."""

    generator: Callable[..., Network]
    discriminator: Callable[..., Network]
    check: Callable[[int], str]


def check_resolution(resolution: int) -> str:
    """Empty if `resolution` is a base of 4 to 8 pixels times a power of two and at least 20; otherwise the reason."""
    base, _ = _base(resolution)
    if base <= _LARGEST_BASE and resolution >= _SMALLEST:
        return ""
    return f"{resolution} pixels a side are not a base of 4 to 8 times a power of two (20, 24, 28, 32, 40, 48, 64, ...)"


def _base(resolution: int) -> tuple[int, int]:
    """(side of the generator's first map, number of doublings to `resolution`)."""
    base, doublings = resolution, 0
    while base > _LARGEST_BASE and base % 2 == 0:
        base, doublings = base // 2, doublings + 1
    return base, doublings


def article_generator(
    resolution: int,
    channels: int,
    latent_size: int,
    width: int,
    output: str,
    output_scale: float,
    convolver: Convolver,
    dtype: tf.DType,
) -> Network:
    """Latents [B, latent_size] -> images [B, resolution, resolution, channels].

    Dense to a small map, then upsampling convolutions to the full size, two more there and one to the channels.
    `output` is "sigmoid", or "linear": 1/2 + x/2, which the caller clips to [0, 1] to show it.
    """
    base, doublings = _base(resolution)

    def block(upsample: int) -> list[layers.Constructor]:
        return [layers.conv(convolver, width, 5, "SAME", upsample), layers.leaky_relu(_SLOPE)]

    stack = [layers.cast(dtype), layers.dense(base * base * width), layers.leaky_relu(_SLOPE)]
    stack += [layers.to_images(convolver, base, base)]
    stack += doublings * block(2) + 2 * block(1)
    stack += [layers.conv(convolver, channels, 4, "SAME", scale=output_scale), layers.leave(convolver)]
    stack += [layers.cast(tf.float32), layers.sigmoid() if output == "sigmoid" else layers.affine(0.5, 0.5)]
    return layers.serial((latent_size,), stack)


def article_discriminator(
    resolution: int,
    channels: int,
    width: int,
    dropout: float,
    input_noise: float,
    symmetric: bool,
    convolver: Convolver,
    dtype: tf.DType,
) -> Network:
    """Images [B, resolution, resolution, channels] -> logits [B].

    Four valid 5 x 5 convolutions of `width` times 1, 2, 4, 8 filters, each with dropout, then dropout and a dense
    layer. With `symmetric` the pixels are seen in [-1, 1]. Images larger than 32 pixels are brought down by the stride
    of the first convolution, so that the last layer does not grow without bound.
    """
    stride = max(1, 2 ** (_base(resolution)[1] - _base(_FULL_RESOLUTION)[1]))

    stack = [layers.gaussian_noise(input_noise)]
    stack += [layers.affine(2.0, -1.0)] if symmetric else []
    stack += [layers.cast(dtype), layers.enter(convolver)]
    for i in range(4):
        stack += [layers.conv(convolver, width * 2**i, 5, "VALID", stride=stride if i == 0 else 1)]
        stack += [layers.leaky_relu(_SLOPE), layers.dropout(dropout, convolver.enter)]
    flat = lambda x: x  # noqa: E731 (a flattened batch has no layout)
    stack += [layers.flatten(convolver), layers.dropout(dropout, flat), layers.dense(1), layers.cast(tf.float32)]
    network = layers.serial((resolution, resolution, channels), stack)

    def apply(params, x, labels, stream, training):
        return network.apply(params, x, labels, stream, training)[:, 0]

    return network._replace(apply=apply)


ARTICLE = Pair(article_generator, article_discriminator, check_resolution)
PAIRS = {"article": ARTICLE}
