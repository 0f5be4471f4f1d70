"""Two-dimensional convolution by two routes that compute the same function.

`DIRECT` goes through the stock operation, images as [B, H, W, C]. `SPECTRAL` computes it in the frequency domain,
images as [H, W, B, C]: see `gan.networks.spectral`. Networks are written for either: they `enter` the route's layout
once, convolve, and `leave` it once. `plain` is the definition that the tests hold both to.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.core.base import identity
from gan.networks import spectral


class Convolver(NamedTuple):
    """A route and its layout: [H, W, B, C] with the `rows_first`, otherwise [B, H, W, C], from where it is entered.

    `apply(x, kernel, padding, upsample, stride)`: the input in any precision, which is the output's, the kernel
    [k, k, C, K] float32, padding "SAME" or "VALID"; nearest upsampling before, and every `stride`-th output kept.
    """

    name: str
    enter: Callable[[tf.Tensor], tf.Tensor]
    leave: Callable[[tf.Tensor], tf.Tensor]
    apply: Callable[..., tf.Tensor]
    rows_first: bool = False


def plain(x: tf.Tensor, kernel: tf.Tensor, padding: str, upsample: int = 1, stride: int = 1) -> tf.Tensor:
    """[B, H, W, C] -> [B, H', W', K], as it is written: upsample, convolve, keep every `stride`-th output."""
    y = tf.nn.conv2d(upsample_nearest(x, upsample), tf.cast(kernel, x.dtype), strides=1, padding=padding)
    return _every(y, stride)


def _every(y: tf.Tensor, stride: int) -> tf.Tensor:
    """Every `stride`-th row and column of [B, H, W, C]."""
    return y if stride == 1 else y[:, ::stride, ::stride]  # a slice of everything would not be free of cost


def upsample_nearest(x: tf.Tensor, factor: int) -> tf.Tensor:
    """[B, H, W, C] -> [B, factor H, factor W, C], each pixel repeated.

    The gradient sums over each block. As average pooling it is an order of magnitude faster than the sum over the axes
    of a reshaped tensor that automatic differentiation would make of it.
    """
    if factor == 1:
        return x
    if x.shape[0] is None:
        return _repeated(x, factor)

    @tf.custom_gradient
    def repeat(x):
        b, h, w, c = x.shape
        wide = tf.broadcast_to(x[:, :, None, :, None, :], [b, h, factor, w, factor, c])

        def gradient(upstream):
            return tf.nn.avg_pool2d(upstream, factor, factor, "VALID") * tf.cast(factor * factor, upstream.dtype)

        return tf.reshape(wide, [b, h * factor, w * factor, c]), gradient

    return repeat(x)


def _repeated(x: tf.Tensor, factor: int) -> tf.Tensor:
    """The same of any number of images, by operations that know the shapes beside that number."""
    _, height, width, channels = x.shape
    wide = tf.reshape(tf.concat([x] * factor, axis=3), [-1, height, factor * width * channels])
    return tf.reshape(tf.concat([wide] * factor, axis=2), [-1, factor * height, factor * width, channels])


def direct(x: tf.Tensor, kernel: tf.Tensor, padding: str, upsample: int = 1, stride: int = 1) -> tf.Tensor:
    """What `plain` returns, with less work: at the low resolution before upsampling, and only the outputs kept."""
    taps = kernel.shape[0]
    if padding == "SAME" and upsample > 1 and _transposes(taps, upsample):
        batch, height, width, _ = x.shape
        shape = [batch, upsample * height, upsample * width, kernel.shape[3]]
        y = tf.nn.conv2d_transpose(x, tf.cast(transposed_kernel(kernel, upsample), x.dtype), shape, upsample, "SAME")
        return _every(y, stride)
    if padding == "SAME" and upsample > 1 and 2 * _reach(taps, upsample) + 1 < taps:
        folded = tf.cast(folded_kernel(kernel, upsample), x.dtype)
        y = tf.nn.depth_to_space(tf.nn.conv2d(x, folded, strides=1, padding="SAME"), upsample)
        return _every(y, stride)
    if padding == "VALID":
        return tf.nn.conv2d(upsample_nearest(x, upsample), tf.cast(kernel, x.dtype), strides=stride, padding=padding)
    return plain(x, kernel, padding, upsample, stride)


def transposed_kernel(kernel: tf.Tensor, factor: int) -> tf.Tensor:
    """[k, k, C, K] -> [k', k', K, C], k' = k + factor - 1: upsampling and a convolution as a transposed convolution.

    Seen from a pixel of the small map: the block of factor x factor that it becomes, times the kernel turned around, is
    what it adds to the outputs, and from one pixel to the next these lie `factor` apart. So of 9 products for an output
    4 are left for k = 3 and factor = 2. The sums of taps are one product with a constant matrix.
    """
    taps, _, channels, filters = kernel.shape
    side = taps + factor - 1
    axis = sum(np.eye(side, taps, k=-r)[:, ::-1] for r in range(factor))  # [k', k]: which taps fall together
    matrix = tf.constant(np.kron(axis, axis), kernel.dtype)
    summed = tf.matmul(matrix, tf.reshape(kernel, [taps * taps, channels * filters]))
    return tf.transpose(tf.reshape(summed, [side, side, channels, filters]), [0, 1, 3, 2])


def _transposes(taps: int, factor: int) -> bool:
    """Whether upsampling takes fewer products as a transposed convolution than with a folded kernel."""
    return taps % 2 == 1 and (taps + factor - 1) ** 2 < (2 * _reach(taps, factor) + 1) ** 2 * factor**2


def folded_kernel(kernel: tf.Tensor, factor: int) -> tf.Tensor:
    """[k, k, C, K] -> [k', k', C, factor factor K]: nearest upsampling and convolution "SAME" as one convolution.

    After upsampling, several taps see the same pixel of the small map, and which ones depends only on where in its
    block of factor x factor an output lies. So each place of the block gets a small kernel of its own, in which the
    taps that fall together are summed; `tf.nn.depth_to_space` puts the blocks together. Of 25 products for an output
    9 are left for k = 5 and factor = 2. The sums are one product with a constant matrix.
    """
    taps, _, channels, filters = kernel.shape
    matrix, side = _folding(taps, factor), 2 * _reach(taps, factor) + 1
    folded = tf.matmul(tf.constant(matrix, kernel.dtype), tf.reshape(kernel, [taps * taps, channels * filters]))
    folded = tf.reshape(folded, [side, side, factor * factor, channels, filters])
    return tf.reshape(tf.transpose(folded, [0, 1, 3, 2, 4]), [side, side, channels, factor * factor * filters])


def _reach(taps: int, factor: int) -> int:
    """How many pixels of the small map the folded kernel reaches to each side."""
    before = (taps - 1) // 2
    return max(-(-before // factor), (factor - 1 + taps - 1 - before) // factor)


def _folding(taps: int, factor: int) -> np.ndarray:
    """[k' k' factor factor, k k] of 0 and 1: which pixel a tap falls on, for each place of an output in its block."""
    before, reach = (taps - 1) // 2, _reach(taps, factor)
    axis = np.zeros([2 * reach + 1, factor, taps])
    for place in range(factor):
        for tap in range(taps):
            axis[(place + tap - before) // factor + reach, place, tap] = 1.0
    both = np.einsum("pas,qbt->pqabst", axis, axis)
    return both.reshape(-1, taps * taps)


DIRECT = Convolver("direct", identity, identity, direct)
SPECTRAL = Convolver("spectral", spectral.enter, spectral.leave, spectral.convolve, rows_first=True)
CONVOLVERS = {"direct": DIRECT, "spectral": SPECTRAL}
