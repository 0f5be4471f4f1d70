"""Random numbers as a pure function of (seed, step, purpose, example), by counter-based Philox.

Every number has an address: the seed is Philox' key, the step and the purpose are the upper half of its counter, and
the index of the example in the global batch is the lower half. So a replica that holds a slice of the batch draws
exactly the slice of the numbers that one device would draw, nothing needs to be checkpointed, and no draw depends on
another.

Philox: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

import math
from typing import NamedTuple

import tensorflow as tf

SCOPE = "random"  # the name scope of what makes random numbers, for profilers
_PHILOX = 1  # tf.random.Algorithm.PHILOX, as the raw operations want it
_WORDS = 4  # 32-bit words that one counter value yields
_VECTOR = 16  # floats in a vector register, at most
_SMALLEST = 1e-7  # below a uniform number's resolution of 2^-23; a logarithm needs it
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
    with tf.name_scope(SCOPE):
        return _cut(_unit(_words(address, shape, per_word=1)), shape)


def normal(address: Stream, shape) -> tf.Tensor:
    """Float32 [B, ...] standard normal (Box & Muller 1958); row i belongs to example `first + i`."""
    with tf.name_scope(SCOPE):
        drawn = tf.reshape(_unit(_words(address, shape, per_word=1)), [-1])
        size = drawn.shape[0]
        # A CPU computes what is left over after whole vectors by other code, whose last bit differs: leave nothing.
        pairs = tf.reshape(tf.pad(drawn, [[0, -size % (2 * _VECTOR)]]), [-1, 2])
        radius = tf.sqrt(-2.0 * tf.math.log(tf.maximum(pairs[:, 0], _SMALLEST)))
        angle = 2.0 * math.pi * pairs[:, 1]
        return _cut(tf.reshape(tf.stack([radius * tf.sin(angle), radius * tf.cos(angle)], axis=1), [-1])[:size], shape)


def bits16(address: Stream, shape) -> tf.Tensor:
    """Uint16 [B, ...] of random bits, two from each word; row i belongs to example `first + i`."""
    with tf.name_scope(SCOPE):
        return _cut(tf.bitcast(_words(address, shape, per_word=2), tf.uint16), shape)


def _words(address: Stream, shape, per_word: int) -> tf.Tensor:
    """Uint32 [B, words], enough for `shape` at `per_word` numbers a word; each example begins at a counter value.

    All numbers are made from these words: XLA's own uniform and normal numbers are others than TensorFlow's, its words
    are the same.
    """
    blocks = -(-math.prod(shape[1:]) // (per_word * _WORDS))
    high = address.step * (1 << _PATH_BITS) + address.path
    counter = tf.bitcast(tf.stack([address.first * blocks, high]), tf.uint64)  # [2], low half first
    key = tf.bitcast(tf.reshape(address.seed, [1]), tf.uint64)
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[shape[0], blocks * _WORDS], key=key, counter=counter, alg=_PHILOX, dtype=tf.uint32
    )


def _unit(words: tf.Tensor) -> tf.Tensor:
    """The lower 23 bits of each word as float32 in [0, 1)."""
    return tf.cast(tf.bitwise.bitwise_and(words, tf.constant(2**23 - 1, tf.uint32)), tf.float32) * 2.0**-23


def _cut(numbers: tf.Tensor, shape) -> tf.Tensor:
    """The first numbers of each example, in `shape`."""
    return tf.reshape(tf.reshape(numbers, [shape[0], -1])[:, : math.prod(shape[1:])], shape)
