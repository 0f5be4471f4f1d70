"""A chunk: a number of steps in one compiled call, with the lines of the log that fall into it.

The sums of the metrics stay on the devices. Where a line of the log is due in the middle of a chunk they are laid aside
there and begin anew, and the host reads all lines together at the chunk's end: so no device waits for a log.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.core.step import Step
from gan.training import replicas
from gan.training.replicas import Placement, Training

LINES = 512  # of the log in a chunk, at most: their writing must not hold a stop up either
_NEVER = 1 << 30  # steps: no chunk is so long


class Line(NamedTuple):
    """A line of the log: the means of the metrics over the steps up to `step` since the line before."""

    step: int
    means: dict[str, float]


class Chunk:
    """`chunk(step, images uint8 [n, draws * batch, H, W, C], labels int32 [n, draws * batch])` runs the next n steps.

    It returns the lines of the log that are due in them, and has then waited for the devices. `compiled` is the
    function of tensors, traced once for any n; `most_steps` is the largest n.
    """

    def __init__(self, compiled: Callable[..., tuple[tf.Tensor, tf.Tensor]], names: Sequence[str], log_every: int):
        self.compiled, self.most_steps = compiled, LINES * log_every
        self._names, self._log_every = tuple(names), log_every

    def __call__(self, step: int, *inputs: np.ndarray) -> list[Line]:
        count, every = len(inputs[0]), self._log_every
        until_line = min(every - step % every, _NEVER)
        scalars = (tf.constant(number, tf.int32) for number in (count, until_line))
        totals, counts = (tensor.numpy() for tensor in self.compiled(*scalars, *map(tf.constant, inputs)))
        due = range(step + until_line, step + count + 1, every)
        return [Line(at, means(self._names, *row)) for at, *row in zip(due, totals, counts, strict=False)]


def means(names: Sequence[str], totals: np.ndarray, count: int) -> dict[str, float]:
    """The mean of each metric from the sums float32 [M] over so many steps."""
    return {name: float(total) / max(int(count), 1) for name, total in zip(names, totals, strict=True)}


def compile_chunk(
    placement: Placement,
    training: Training,
    step: Step,
    seed: int,
    batch: int,
    draws: int,
    image_shape: Sequence[int],
    log_every: int,
) -> Chunk:
    """The chunk of a run. Step i takes the images [i]; each replica the same part of each of its draws."""
    share = batch // placement.num_replicas_in_sync
    every = min(log_every, _NEVER)

    def replica_step(images: tf.Tensor, labels: tf.Tensor) -> None:
        first = replicas.number() * share
        before = replicas.read(training)
        part = (_share(tensor, first, share, batch) for tensor in (images, labels))
        address = rng.stream(seed, before.state.step, first)
        state, metrics = step(before.state, *part, address, replicas.replica_mean)
        totals = {name: total + metrics[name] for name, total in before.totals.items()}
        replicas.write(training, Training(state, totals, before.count + 1))

    def replica_line(ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The sums float32 [M] and the number of their steps; they begin anew if a line `ends`."""
        sums = training.totals, training.count
        totals, count = now = replicas.read(sums)
        replicas.write(sums, tf.nest.map_structure(lambda sum_: tf.where(ends, tf.zeros_like(sum_), sum_), now))
        return tf.stack([totals[name] for name in training.totals]), count

    specs = (
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([None, draws * batch, *image_shape], tf.uint8),
        tf.TensorSpec([None, draws * batch], tf.int32),
    )

    @tf.function(input_signature=specs, autograph=False)
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

    return Chunk(chunk, list(training.totals), log_every)


def _share(tensor: tf.Tensor, first: tf.Tensor, share: int, batch: int) -> tf.Tensor:
    """Of [draws * batch, ...] the examples first to first + share of each draw: [draws * share, ...]."""
    if share == batch:
        return tensor
    draws, rest = tensor.shape[0] // batch, tensor.shape[1:]
    parts = tf.reshape(tensor, [draws, batch, *rest])[:, first : first + share]
    return tf.reshape(parts, [draws * share, *rest])
