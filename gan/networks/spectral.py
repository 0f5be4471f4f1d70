"""Convolution in the frequency domain, written as real matrix products.

A k x k convolution over a map of N x N costs N^2 k^2 products for each pair of channels. After a discrete Fourier
transform it costs one complex product a frequency, about 3/2 N^2 real ones: a sixteenth of the products for 5 x 5
kernels, a fifth with the transforms. Fast libraries do this for large images by an FFT. For the small images of a GAN
and hundreds of channels it is faster to apply the transform itself as a matrix product, because every step is then a
large product that a CPU does at its peak rate, and automatic differentiation gives the gradients as products of the
same kind.

With images as [H, W, B, C], rows first, each step contracts the leading axis or works frequency by frequency:

    x [H, W, B, C] --rows--> [2U, W, B, C] --columns--> [U, 3N, B, C]     U = N // 2 + 1 frequencies of a real signal
    kernel [k, k, C, K] ------one product-------------> [U, 3N, C, K]
    product for each of the 3UN components: [B, C] @ [C, K]
    back by the transposed way: [U, 3N, B, K] -> [2U, W', B, K] -> [H', W', B, K]

The three real components of a frequency are those of Gauss' complex product in three multiplications: of x
(re + im, re, im), of the kernel (re, im - re, re + im); then re y = P1 - P3 and im y = P1 + P2. All sums of this kind,
nearest upsampling before the convolution and cropping after it are folded into the constant matrices.

Computed in float32 whatever the precision of the images: in bfloat16 the transforms would lose the signal. See Mathieu
et al. 2013, "Fast training of convolutional networks through FFTs", for the idea; the matrix form is this project's.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

_FEW_CHANNELS = 8  # below so many channels a product over the taps is cheaper than the transforms


class _Plan(NamedTuple):
    """The constant matrices of one geometry, float32; N is the length of the transform, U = N // 2 + 1."""

    rows: np.ndarray  # [2U, H]
    columns: np.ndarray  # [3N, 2W]
    columns_back: np.ndarray  # [2W', 3N]
    rows_back: np.ndarray  # [H', 2U]


def enter(x: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] -> [H, W, B, C]."""
    return tf.transpose(x, [1, 2, 0, 3])


def leave(x: tf.Tensor) -> tf.Tensor:
    """[H, W, B, C] -> [B, H, W, C]."""
    return tf.transpose(x, [2, 0, 1, 3])


def convolve(x: tf.Tensor, kernel: tf.Tensor, padding: str, upsample: int = 1, stride: int = 1) -> tf.Tensor:
    """[H, W, B, C], [k, k, C, K] -> [H', W', B, K]: what `convolutions.plain` returns, in this layout.

    With few channels on one side the sum over the taps is written out instead: their transforms would cost more.
    """
    channels, filters = kernel.shape[2:]
    wide = tf.cast(x, tf.float32)
    if min(channels, filters) >= _FEW_CHANNELS:
        y = _every(_by_frequencies(wide, kernel, padding, upsample), stride)
    else:
        if upsample > 1:
            wide = tf.repeat(tf.repeat(wide, upsample, axis=0), upsample, axis=1)
        wide = _padded(wide, kernel.shape[0], padding)
        y = _from_patches(wide, kernel, stride) if channels <= filters else _from_taps(wide, kernel, stride)
    return tf.cast(y, x.dtype)


def _by_frequencies(x: tf.Tensor, kernel: tf.Tensor, padding: str, upsample: int) -> tf.Tensor:
    """The convolution by the transforms of the module's docstring."""
    height, width, batch, channels = x.shape
    taps, filters = kernel.shape[0], kernel.shape[3]
    h, w = (_plan(size, upsample, taps, padding) for size in (height, width))
    u, n = h.rows.shape[0] // 2, w.columns.shape[0] // 3
    k = _kernel_matrix(height * upsample, width * upsample, taps, padding)  # [3UN, k k]

    x = tf.matmul(h.rows, tf.reshape(x, [height, width * batch * channels]))  # [2U, W B C]
    x = tf.matmul(w.columns, tf.reshape(x, [u, 2 * width, batch * channels]))  # [U, 3N, B C]
    spectrum = tf.matmul(k, tf.reshape(kernel, [taps * taps, channels * filters]))  # [3UN, C K]
    y = tf.matmul(
        tf.reshape(x, [3 * u * n, batch, channels]), tf.reshape(spectrum, [3 * u * n, channels, filters])
    )  # [3UN, B, K]
    y = tf.matmul(w.columns_back, tf.reshape(y, [u, 3 * n, batch * filters]))  # [U, 2W', B K]
    out = w.columns_back.shape[0] // 2
    y = tf.matmul(h.rows_back, tf.reshape(y, [2 * u, out * batch * filters]))  # [H', W' B K]
    return tf.reshape(y, [h.rows_back.shape[0], out, batch, filters])


def _geometry(size: int, taps: int, padding: str) -> tuple[int, int, int]:
    """(output size, zeros before the first pixel, length of the transform).

    The transform is circular: it must be so long that what wraps around falls on outputs that are cropped.
    """
    if padding == "VALID":
        return size - taps + 1, 0, size
    before = (taps - 1) // 2
    return size, before, size + max(before, taps - 1 - before)


@functools.cache
def _plan(size: int, upsample: int, taps: int, padding: str) -> _Plan:
    """The matrices along one axis of `size` pixels, upsampled by `upsample`."""
    out, _, n = _geometry(size * upsample, taps, padding)
    u = n // 2 + 1
    spread = np.repeat(np.eye(size), upsample, axis=0)  # [size * upsample, size]
    forward = _waves(n, n, size * upsample, -1) @ spread  # [N, size] complex
    rows = np.stack([forward[:u].real, forward[:u].imag], 1).reshape(2 * u, size)
    real = np.concatenate([forward.real, -forward.imag], 1)  # of (re, im) stacked: [N, 2 size]
    imaginary = np.concatenate([forward.imag, forward.real], 1)
    columns = np.stack([real + imaginary, real, imaginary], 1).reshape(3 * n, 2 * size)

    back = _waves(n, out, n, +1) / n  # [out, N] complex
    re, im = back.real, back.imag
    columns_back = np.stack([np.stack([re - im, -im, -re], 2), np.stack([re + im, re, -im], 2)])  # [2, out, N, 3]
    twice = np.where((np.arange(u) == 0) | (2 * np.arange(u) == n), 1.0, 2.0)  # a real signal: the upper half mirrors
    half = back[:, :u] * twice
    rows_back = np.stack([half.real, -half.imag], 2).reshape(out, 2 * u)
    matrices = rows, columns, columns_back.reshape(2 * out, 3 * n), rows_back
    return _Plan(*(matrix.astype(np.float32) for matrix in matrices))


@functools.cache
def _kernel_matrix(height: int, width: int, taps: int, padding: str) -> np.ndarray:
    """[3UN, taps * taps]: the three components of a kernel's spectrum, conjugated: tf.nn.conv2d correlates."""
    (_, before, n_rows), (_, _, n) = _geometry(height, taps, padding), _geometry(width, taps, padding)
    offsets = np.arange(taps) - before
    rows = np.exp(2j * np.pi * np.outer(np.arange(n_rows // 2 + 1), offsets) / n_rows)  # [U, k]
    columns = np.exp(2j * np.pi * np.outer(np.arange(n), offsets) / n)  # [N, k]
    spectrum = np.einsum("ua,vb->uvab", rows, columns)  # [U, N, k, k]
    parts = np.stack([spectrum.real, spectrum.imag - spectrum.real, spectrum.imag + spectrum.real], 2)
    return parts.reshape(-1, taps * taps).astype(np.float32)


def _waves(n: int, left: int, right: int, sign: int) -> np.ndarray:
    """[left, right] complex: exp(sign 2 pi i l r / n)."""
    return np.exp(sign * 2j * np.pi * np.outer(np.arange(left), np.arange(right)) / n)


def _padded(x: tf.Tensor, taps: int, padding: str) -> tf.Tensor:
    """[H, W, B, C] with the zeros around it that `padding` asks for."""
    if padding == "VALID":
        return x
    before = (taps - 1) // 2
    sides = [before, taps - 1 - before]
    return tf.pad(x, [sides, sides, [0, 0], [0, 0]])


def _from_patches(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Few input channels: gather the patch under each output, then one product over taps and channels."""
    taps, _, channels, filters = kernel.shape
    patches = _gathered(x, taps, stride)  # [H', W', B, k k C]
    return tf.matmul(patches, tf.reshape(kernel, [taps * taps * channels, filters]))


def _from_taps(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Few output channels: one product over channels gives every tap's part, then shift and add."""
    taps, _, channels, filters = kernel.shape
    by_tap = tf.reshape(tf.transpose(kernel, [2, 0, 1, 3]), [channels, taps * taps * filters])
    return _every(_added(tf.matmul(x, by_tap), taps), stride)


def _every(y: tf.Tensor, stride: int) -> tf.Tensor:
    """Every `stride`-th row and column of [H, W, B, C]."""
    return y if stride == 1 else y[::stride, ::stride]  # a slice of everything would not be free of cost


# The next two are linear, and each is the other's gradient but for the order of the taps. Said so, their gradients
# take no sum over dozens of nearly empty tensors, whose order TensorFlow would be free to choose.


def _gathered(x: tf.Tensor, taps: int, stride: int = 1, flipped: bool = False) -> tf.Tensor:
    """[H + k - 1, W + k - 1, B, C] -> [H', W', B, k k C]: under each output what every tap sees, tap by tap."""

    @tf.custom_gradient
    def gather(x):
        def gradient(upstream):
            return _added(_surrounded(_spread(upstream, stride, height, width), taps), taps, not flipped)

        height, width = (size - taps + 1 for size in x.shape[:2])
        windows = [x[i : i + height : stride, j : j + width : stride] for i, j in _places(taps, flipped)]
        return tf.concat(windows, axis=-1), gradient

    return gather(x)


def _added(parts: tf.Tensor, taps: int, flipped: bool = False) -> tf.Tensor:
    """[H + k - 1, W + k - 1, B, k k K] -> [H, W, B, K]: the part of each tap from the place that it sees, added up.

    One after the other, as differences: sums TensorFlow would make one operation of, which adds in any order.
    """

    @tf.custom_gradient
    def add(parts):
        def gradient(upstream):
            return _gathered(_surrounded(upstream, taps), taps, flipped=not flipped)

        height, width = (size - taps + 1 for size in parts.shape[:2])
        negative = tf.split(-parts, taps * taps, axis=-1)
        windows = [
            part[i : i + height, j : j + width] for part, (i, j) in zip(negative, _places(taps, flipped), strict=True)
        ]
        return functools.reduce(tf.subtract, windows[1:], -windows[0]), gradient

    return add(parts)


def _places(taps: int, flipped: bool) -> list[tuple[int, int]]:
    """The offset (row, column) of each tap; `flipped`: in the opposite order."""
    places = [(i, j) for i in range(taps) for j in range(taps)]
    return places[::-1] if flipped else places


def _surrounded(x: tf.Tensor, taps: int) -> tf.Tensor:
    """A map with k - 1 zeros on each side."""
    sides = [taps - 1, taps - 1]
    return tf.pad(x, [sides, sides, [0, 0], [0, 0]])


def _spread(x: tf.Tensor, stride: int, height: int, width: int) -> tf.Tensor:
    """[H', W', B, C] -> [height, width, B, C] with the numbers `stride` apart and zeros between."""
    if stride == 1:
        return x
    rows, columns, batch, channels = x.shape
    wide = tf.pad(x[:, None, :, None], [[0, 0], [0, stride - 1], [0, 0], [0, stride - 1], [0, 0], [0, 0]])
    return tf.reshape(wide, [rows * stride, columns * stride, batch, channels])[:height, :width]
