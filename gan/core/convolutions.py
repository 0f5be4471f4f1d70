"""Two-dimensional convolution, stride 1, by two routes that compute the same function.

`DIRECT` is the definition: images as [B, H, W, C] through the stock operation. `SPECTRAL` computes it in the frequency
domain, images as [H, W, B, C]: see `gan.core.spectral`. Networks are written for either: they `enter` the route's
layout once, convolve, and `leave` it once.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core import spectral


class Convolver(NamedTuple):
    """A route: `apply(x, kernel [k, k, C, K], padding 'SAME' | 'VALID', upsample)`, and its layout to and from NHWC."""

    name: str
    enter: Callable[[tf.Tensor], tf.Tensor]
    leave: Callable[[tf.Tensor], tf.Tensor]
    apply: Callable[[tf.Tensor, tf.Tensor, str, int], tf.Tensor]


def upsample_nearest(x: tf.Tensor, factor: int) -> tf.Tensor:
    """[B, H, W, C] -> [B, factor H, factor W, C], each pixel repeated.

    The gradient sums over each block. As average pooling it is an order of magnitude faster than the sum over the axes
    of a reshaped tensor that automatic differentiation would make of it.
    """
    if factor == 1:
        return x

    @tf.custom_gradient
    def repeat(x):
        b, h, w, c = x.shape
        wide = tf.broadcast_to(x[:, :, None, :, None, :], [b, h, factor, w, factor, c])

        def gradient(upstream):
            return tf.nn.avg_pool2d(upstream, factor, factor, "VALID") * tf.cast(factor * factor, upstream.dtype)

        return tf.reshape(wide, [b, h * factor, w * factor, c]), gradient

    return repeat(x)


def _direct(x: tf.Tensor, kernel: tf.Tensor, padding: str, upsample: int) -> tf.Tensor:
    """[B, H, W, C] -> [B, H', W', K] by the stock operation, after nearest upsampling by `upsample`."""
    return tf.nn.conv2d(upsample_nearest(x, upsample), kernel, strides=1, padding=padding)


def _identity(x: tf.Tensor) -> tf.Tensor:
    return x


DIRECT = Convolver("direct", _identity, _identity, _direct)
SPECTRAL = Convolver("spectral", spectral.enter, spectral.leave, spectral.convolve)
CONVOLVERS = {"direct": DIRECT, "spectral": SPECTRAL}
