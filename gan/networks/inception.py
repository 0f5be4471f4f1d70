"""Inception v3 up to its 2048 features, as images are compared by in the literature.

Szegedy et al. 2015, "Rethinking the Inception architecture for computer vision". The network is a table that is walked
twice: for the shapes of its convolutions, and for the features. Its convolutions are named as in PyTorch, and stand in
the order in which Keras makes them. Average pools do not count the padding. The network of 2015 that FID is defined by
differs from others in one place: the pool of its last block takes the maximum.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

SIZE = 299  # pixels a side of the images that it sees
NUM_FEATURES = 2048
EPSILON = 1e-3  # beside variances
_AVERAGE, _MAXIMUM = "AVG", "MAX"


class Convolution(NamedTuple):
    """A convolution without bias, normalized by the statistics of its training, and a ReLU."""

    name: str
    filters: int
    rows: int = 1
    columns: int = 1
    stride: int = 1
    padding: str = "SAME"


class Pool(NamedTuple):
    """Pooling over 3 x 3 positions."""

    kind: str
    stride: int = 1


class Normalized(NamedTuple):
    """A convolution's kernel [rows, columns, inputs, filters], and what normalizes it, each [filters]."""

    kernel: np.ndarray
    scale: np.ndarray
    offset: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


Parameters = list[tuple[tf.Tensor, tf.Tensor]]  # kernel and bias of each convolution, in order


def shapes() -> dict[str, tuple[int, int, int, int]]:
    """The shape of each convolution's kernel, [rows, columns, inputs, filters], by its name."""
    found: dict[str, tuple[int, int, int, int]] = {}

    def walked(steps: Sequence, channels: int) -> int:
        for step in steps:
            if isinstance(step, Convolution):
                found[step.name] = (step.rows, step.columns, channels, step.filters)
                channels = step.filters
            elif not isinstance(step, Pool):
                channels = sum(walked(branch, channels) for branch in step)
        return channels

    walked(_network(_AVERAGE), 3)
    return found


def folded(layers: Sequence[Normalized]) -> Parameters:
    """The convolutions with their normalization in kernel and bias, float32, computed in float64."""

    def one(layer: Normalized) -> tuple[tf.Tensor, tf.Tensor]:
        kernel, scale, offset, mean, variance = (np.asarray(array, np.float64) for array in layer)
        factor = scale / np.sqrt(variance + EPSILON)
        return tf.constant(kernel * factor, tf.float32), tf.constant(offset - mean * factor, tf.float32)

    return [one(layer) for layer in layers]


def features(params: Parameters, x: tf.Tensor, of_2015: bool) -> tf.Tensor:
    """Images [B, 299, 299, 3] in about [-1, 1] -> features [B, 2048], the means over the last block's positions."""
    remaining = iter(params)
    return tf.reduce_mean(_walked(_network(_MAXIMUM if of_2015 else _AVERAGE), x, remaining), axis=[1, 2])


def _walked(steps: Sequence, x: tf.Tensor, remaining: Iterator[tuple[tf.Tensor, tf.Tensor]]) -> tf.Tensor:
    """`x` [B, H, W, C] through the steps, whose convolutions take the next of the `remaining` parameters."""
    for step in steps:
        if isinstance(step, Convolution):
            kernel, bias = next(remaining)
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, step.stride, step.padding), bias))
        elif isinstance(step, Pool):
            x = tf.nn.pool(x, (3, 3), step.kind, (step.stride,) * 2, "SAME" if step.stride == 1 else "VALID")
        else:
            x = tf.concat([_walked(branch, x, remaining) for branch in step], axis=3)
    return x


def _network(last_pool: str) -> list:
    """All steps from the image to the maps whose means are the features."""
    return [
        Convolution("Conv2d_1a_3x3", 32, 3, 3, 2, "VALID"),
        Convolution("Conv2d_2a_3x3", 32, 3, 3, 1, "VALID"),
        Convolution("Conv2d_2b_3x3", 64, 3, 3),
        Pool(_MAXIMUM, 2),
        Convolution("Conv2d_3b_1x1", 80, padding="VALID"),
        Convolution("Conv2d_4a_3x3", 192, 3, 3, 1, "VALID"),
        Pool(_MAXIMUM, 2),
        _squares("Mixed_5b", 32),
        _squares("Mixed_5c", 64),
        _squares("Mixed_5d", 64),
        _to_17("Mixed_6a"),
        _rows_and_columns("Mixed_6b", 128),
        _rows_and_columns("Mixed_6c", 160),
        _rows_and_columns("Mixed_6d", 160),
        _rows_and_columns("Mixed_6e", 192),
        _to_8("Mixed_7a"),
        _wide("Mixed_7b", _AVERAGE),
        _wide("Mixed_7c", last_pool),
    ]


def _chain(block: str, *parts: tuple) -> tuple[Convolution, ...]:
    """Convolutions one after the other, each given as its name in the block and the rest of its fields."""
    return tuple(Convolution(f"{block}.{name}", *fields) for name, *fields in parts)


def _pooled(block: str, filters: int, kind: str = _AVERAGE) -> tuple:
    return (Pool(kind), *_chain(block, ("branch_pool", filters)))


def _squares(block: str, pooled: int) -> tuple:
    """A block at 35 x 35 positions."""
    return (
        _chain(block, ("branch1x1", 64)),
        _chain(block, ("branch5x5_1", 48), ("branch5x5_2", 64, 5, 5)),
        _chain(block, ("branch3x3dbl_1", 64), ("branch3x3dbl_2", 96, 3, 3), ("branch3x3dbl_3", 96, 3, 3)),
        _pooled(block, pooled),
    )


def _to_17(block: str) -> tuple:
    """The block from 35 x 35 to 17 x 17 positions."""
    double = ("branch3x3dbl_1", 64), ("branch3x3dbl_2", 96, 3, 3), ("branch3x3dbl_3", 96, 3, 3, 2, "VALID")
    return _chain(block, ("branch3x3", 384, 3, 3, 2, "VALID")), _chain(block, *double), (Pool(_MAXIMUM, 2),)


def _rows_and_columns(block: str, inner: int) -> tuple:
    """A block at 17 x 17 positions, whose convolutions are along rows or columns."""
    once = ("branch7x7_1", inner), ("branch7x7_2", inner, 1, 7), ("branch7x7_3", 192, 7, 1)
    twice = (
        ("branch7x7dbl_1", inner),
        ("branch7x7dbl_2", inner, 7, 1),
        ("branch7x7dbl_3", inner, 1, 7),
        ("branch7x7dbl_4", inner, 7, 1),
        ("branch7x7dbl_5", 192, 1, 7),
    )
    return _chain(block, ("branch1x1", 192)), _chain(block, *once), _chain(block, *twice), _pooled(block, 192)


def _to_8(block: str) -> tuple:
    """The block from 17 x 17 to 8 x 8 positions."""
    four = (
        ("branch7x7x3_1", 192),
        ("branch7x7x3_2", 192, 1, 7),
        ("branch7x7x3_3", 192, 7, 1),
        ("branch7x7x3_4", 192, 3, 3, 2, "VALID"),
    )
    two = ("branch3x3_1", 192), ("branch3x3_2", 320, 3, 3, 2, "VALID")
    return _chain(block, *two), _chain(block, *four), (Pool(_MAXIMUM, 2),)


def _wide(block: str, pool: str) -> tuple:
    """A block at 8 x 8 positions, two of whose branches part again."""

    def parted(name: str, first: str, second: str) -> tuple:
        return tuple(_chain(block, part) for part in ((f"{name}_{first}", 384, 1, 3), (f"{name}_{second}", 384, 3, 1)))

    return (
        _chain(block, ("branch1x1", 320)),
        (*_chain(block, ("branch3x3_1", 384)), parted("branch3x3", "2a", "2b")),
        (
            *_chain(block, ("branch3x3dbl_1", 448), ("branch3x3dbl_2", 384, 3, 3)),
            parted("branch3x3dbl", "3a", "3b"),
        ),
        _pooled(block, 192, pool),
    )
