"""Random numbers as a pure function of (seed, step, purpose, example), by counter-based Philox.

Every number has an address: the seed is Philox' key, the step and the purpose are the upper half of its counter, and
the index of the example in the global batch is the lower half. So a replica that holds a slice of the batch draws
exactly the slice of the numbers that one device would draw, nothing needs to be checkpointed, and no draw depends on
another.

Philox: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from typing import NamedTuple

import tensorflow as tf

_PHILOX = 1  # tf.random.Algorithm.PHILOX, as the raw operations want it
_WORDS = 4  # 32-bit words that one counter value yields
_CHILDREN = 63  # children of one purpose
_PATH_BITS = 24  # bits of the counter for the purpose; the step has the 40 above


class Stream(NamedTuple):
    """An address of random numbers: scalars int64 `seed`, `step`, `first` (global example index); a static `path`."""

    seed: tf.Tensor
    step: tf.Tensor
    first: tf.Tensor
    path: int = 0


def stream(seed, step, first=0) -> Stream:
    """The root stream of a step; `first` is the index in the global batch of the first example drawn for."""
    return Stream(*(tf.cast(value, tf.int64) for value in (seed, step, first)))


def fold(parent: Stream, child: int) -> Stream:
    """The independent stream number `child` (0 to 62) below `parent`."""
    path = parent.path * (_CHILDREN + 1) + child + 1
    if not 0 <= child < _CHILDREN or path >= 1 << _PATH_BITS:
        raise ValueError(f"stream {child} below path {parent.path} does not fit the counter")
    return parent._replace(path=path)


def interleaved(parent: Stream, ways: int) -> Stream:
    """The stream for a batch in which each example stands for `ways` consecutive ones."""
    return parent._replace(first=parent.first * ways)


def uniform(address: Stream, shape) -> tf.Tensor:
    """Float32 [B, ...] uniform in [0, 1); row i belongs to example `first + i`."""
    return _draw(tf.raw_ops.StatelessRandomUniformV2, address, shape, dtype=tf.float32)


def normal(address: Stream, shape) -> tf.Tensor:
    """Float32 [B, ...] standard normal; row i belongs to example `first + i`."""
    return _draw(tf.raw_ops.StatelessRandomNormalV2, address, shape, dtype=tf.float32)


def bits16(address: Stream, shape) -> tf.Tensor:
    """Uint16 [B, ...] of random bits, two from each word; row i belongs to example `first + i`."""
    batch, size = shape[0], _size(shape)
    blocks = -(-size // (2 * _WORDS))
    words = _draw(tf.raw_ops.StatelessRandomUniformFullIntV2, address, (batch, blocks * _WORDS), dtype=tf.uint32)
    halves = tf.reshape(tf.bitcast(words, tf.uint16), [batch, 2 * blocks * _WORDS])
    return tf.reshape(halves[:, :size], shape)


def _size(shape) -> int:
    """How many numbers one example needs."""
    size = 1
    for extent in shape[1:]:
        size *= extent
    return size


def _draw(operation, address: Stream, shape, dtype: tf.DType) -> tf.Tensor:
    """[B, ...] from one of the stateless raw operations, each example beginning at a counter value of its own."""
    batch, size = shape[0], _size(shape)
    blocks = -(-size // _WORDS)
    high = address.step * (1 << _PATH_BITS) + address.path
    counter = tf.bitcast(tf.stack([address.first * blocks, high]), tf.uint64)  # [2], low half first
    key = tf.bitcast(tf.reshape(address.seed, [1]), tf.uint64)
    drawn = operation(shape=[batch, blocks * _WORDS], key=key, counter=counter, alg=_PHILOX, dtype=dtype)
    return tf.reshape(drawn[:, :size], shape)
