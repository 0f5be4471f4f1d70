"""A chunk: a number of steps in one compiled call, with the lines of the log that fall into it.

The sums of the metrics stay on the devices. Where a line of the log is due in the middle of a chunk they are laid aside
there and begin anew, and the host reads all lines together at the chunk's end: so no device waits for a log.

Where one device trains, XLA can compile the loop as a whole. It compiles anew for each shape, so such a chunk is always
given as much as the longest one takes, and beside it the number of steps that count.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.core.step import Step
from gan.training import pace, replicas
from gan.training.feeds import Feed
from gan.training.replicas import Placement, Training

LINES = 512  # of the log in a chunk, at most: their writing must not hold a stop up either
_NEVER = 1 << 30  # steps: no chunk is so long


class Line(NamedTuple):
    """A line of the log: the means of the metrics over the steps up to `step` since the line before."""

    step: int
    means: dict[str, float]


class Chunk:
    """`chunk(step, *arrays [n, draws * batch, ...])`, of what a feed reads, runs the n steps after `step`.

    It returns the lines of the log that are due in them, and has then waited for the devices. `compiled` is the
    function of tensors, traced once for any n; `most_steps` is the largest n. A `padded` one is compiled once as well.
    """

    def __init__(
        self,
        compiled: Callable[..., tuple[tf.Tensor, tf.Tensor]],
        names: Sequence[str],
        log_every: int,
        most_steps: int,
        padded: bool,
    ):
        self.compiled = compiled
        self.most_steps = min(most_steps, LINES * log_every, pace.LONGEST_CHUNK)
        self._names, self._log_every, self._padded = tuple(names), log_every, padded

    def __call__(self, step: int, *inputs: np.ndarray) -> list[Line]:
        count, every = len(inputs[0]), self._log_every
        until_line = min(every - step % every, _NEVER)
        scalars = (tf.constant(number, tf.int32) for number in (count, until_line))
        totals, counts = (tensor.numpy() for tensor in self.compiled(*scalars, *map(self._tensor, inputs)))
        due = range(step + until_line, step + count + 1, every)
        return [Line(at, means(self._names, *row)) for at, *row in zip(due, totals, counts, strict=False)]

    def _tensor(self, array: np.ndarray) -> tf.Tensor:
        """The array as it is given to the devices: what fills it up is not sent there."""
        tensor, missing = tf.constant(array), self.most_steps - len(array)
        return tf.pad(tensor, [[0, missing], *[[0, 0]] * (array.ndim - 1)]) if self._padded and missing else tensor


def means(names: Sequence[str], totals: np.ndarray, count: int) -> dict[str, float]:
    """The mean of each metric from the sums float32 [M] over so many steps."""
    return {name: float(total) / max(int(count), 1) for name, total in zip(names, totals, strict=True)}


def compile_chunk(
    placement: Placement,
    training: Training,
    step: Step,
    feed: Feed,
    seed: int,
    batch: int,
    log_every: int,
    jit: bool = False,
) -> Chunk:
    """The chunk of a run. Step i takes [i] of what the feed reads; each replica the same part of each of its draws.

    With `jit` XLA compiles the whole loop, for one replica.
    """
    share = batch // placement.num_replicas_in_sync
    every = min(log_every, _NEVER)

    def replica_step(*inputs: tf.Tensor) -> None:
        first = replicas.number() * share
        before = replicas.read(training)
        images, labels = feed.images(*(_share(tensor, first, share, batch) for tensor in inputs))
        address = rng.stream(seed, before.state.step, first)
        state, metrics = step(before.state, images, labels, address, replicas.replica_mean)
        totals = {name: total + metrics[name] for name, total in before.totals.items()}
        replicas.write(training, Training(state, totals, before.count + 1))

    def replica_line(ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The sums float32 [M] and the number of their steps; they begin anew if a line `ends`."""
        sums = training.totals, training.count
        totals, count = now = replicas.read(sums)
        replicas.write(sums, tf.nest.map_structure(lambda sum_: tf.where(ends, tf.zeros_like(sum_), sum_), now))
        return tf.stack([totals[name] for name in training.totals]), count

    scalar = tf.TensorSpec([], tf.int32)

    @tf.function(input_signature=(scalar, scalar, *feed.specs), autograph=False, jit_compile=jit or None)
    def chunk(count: tf.Tensor, until_line: tf.Tensor, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def one(i: tf.Tensor) -> tuple[tf.Tensor]:
            replicas.run(placement, replica_step, *(tensor[i] for tensor in inputs))
            return (i + 1,)

        def line(i, ends, place, totals, counts):
            (i,) = tf.while_loop(lambda i: i < tf.minimum(count, ends), one, [i], parallel_iterations=1)
            sums, steps = replicas.run(placement, replica_line, i == ends)
            here = tf.equal(places, place)  # a choice everywhere: what scatters may wait for the host on a GPU
            totals, counts = tf.where(here[:, None], sums, totals), tf.where(here, steps, counts)
            return i, ends + every, place + 1, totals, counts

        places = tf.range(LINES + 1, dtype=tf.int64)  # one more for the steps after the last line
        start = (
            0,
            until_line,
            tf.zeros([], tf.int64),
            tf.zeros([LINES + 1, len(training.totals)]),
            tf.zeros_like(places),
        )
        *_, totals, counts = tf.while_loop(lambda i, *_: i < count, line, start, parallel_iterations=1)
        return totals, counts

    return Chunk(chunk, list(training.totals), log_every, feed.most_steps, padded=jit)


def _share(tensor: tf.Tensor, first: tf.Tensor, share: int, batch: int) -> tf.Tensor:
    """Of [draws * batch, ...] the examples first to first + share of each draw: [draws * share, ...]."""
    if share == batch:
        return tensor
    draws, rest = tensor.shape[0] // batch, tensor.shape[1:]
    parts = tf.reshape(tensor, [draws, batch, *rest])[:, first : first + share]
    return tf.reshape(parts, [draws * share, *rest])
