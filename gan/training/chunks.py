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


class Plan(NamedTuple):
    """What a run's chunks are made by; `batch` is the global one.

    Every `log_every` steps a line of the log is due, every `period` updates a lazy penalty. With `jit` XLA compiles the
    whole chunk, for one replica.
    """

    seed: int
    batch: int
    log_every: int
    period: int = 1
    jit: bool = False


class Chunk:
    """`chunk(step, *arrays [n, draws * batch, ...])`, of what a feed reads, runs the n steps after `step`.

    It returns the lines of the log that are due in them, and has then waited for the devices. `compiled` is the
    function of tensors, traced once for any n; `most_steps` is the largest n. XLA compiles it once as well.
    """

    def __init__(
        self, compiled: Callable[..., tuple[tf.Tensor, tf.Tensor]], names: Sequence[str], plan: Plan, most_steps: int
    ):
        self.compiled = compiled
        self.most_steps = min(most_steps, LINES * plan.log_every, pace.LONGEST_CHUNK)
        self._names, self._plan = tuple(names), plan

    def __call__(self, step: int, *inputs: np.ndarray) -> list[Line]:
        count, every = len(inputs[0]), self._plan.log_every
        until_line, turn = min(every - step % every, _NEVER), step % self._plan.period
        scalars = (tf.constant(number, tf.int32) for number in (count, until_line, turn))
        totals, counts = (tensor.numpy() for tensor in self.compiled(*scalars, *map(self._tensor, inputs)))
        due = range(step + until_line, step + count + 1, every)
        return [Line(at, means(self._names, *row)) for at, *row in zip(due, totals, counts, strict=False)]

    def _tensor(self, array: np.ndarray) -> tf.Tensor:
        """The array as it is given to the devices: what fills it up is not sent there."""
        tensor, missing = tf.constant(array), self.most_steps - len(array)
        return tf.pad(tensor, [[0, missing], *[[0, 0]] * (array.ndim - 1)]) if self._plan.jit and missing else tensor


def means(names: Sequence[str], totals: np.ndarray, count: int) -> dict[str, float]:
    """The mean of each metric from the sums float32 [M] over so many steps."""
    return {name: float(total) / max(int(count), 1) for name, total in zip(names, totals, strict=True)}


def compile_chunk(placement: Placement, training: Training, step: Step, feed: Feed, plan: Plan) -> Chunk:
    """The chunk of a run. Step i takes [i] of what the feed reads; each replica the same part of each of its draws.

    The feed reads for the replicas of this process.
    """
    one_step, line = _step(placement, training, step, feed, plan), _line(training)
    log_every, scalar = min(plan.log_every, _NEVER), tf.TensorSpec([], tf.int32)

    @tf.function(input_signature=(*[scalar] * 3, *feed.specs), autograph=False, jit_compile=plan.jit or None)
    def chunk(count, until_line, turn, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def steps(i: tf.Tensor) -> tuple[tf.Tensor]:
            replicas.run(placement, one_step, (turn + i) % plan.period, *(tensor[i] for tensor in inputs))
            return (i + 1,)

        def lines(i, ends, place, totals, counts):
            (i,) = tf.while_loop(lambda i: i < tf.minimum(count, ends), steps, [i], parallel_iterations=1)
            found, number = replicas.run(placement, line, i == ends)
            here = tf.equal(places, place)  # a choice everywhere: what scatters may wait for the host on a GPU
            totals, counts = tf.where(here[:, None], found, totals), tf.where(here, number, counts)
            return i, ends + log_every, place + 1, totals, counts

        places = tf.range(LINES + 1, dtype=tf.int64)  # one more for the steps after the last line
        empty = tf.zeros([LINES + 1, len(training.totals)]), tf.zeros_like(places)
        start = 0, until_line, tf.zeros([], tf.int64), *empty
        *_, totals, counts = tf.while_loop(lambda i, *_: i < count, lines, start, parallel_iterations=1)
        return totals, counts

    return Chunk(chunk, list(training.totals), plan, feed.most_steps)


def _step(placement: Placement, training: Training, step: Step, feed: Feed, plan: Plan) -> Callable[..., None]:
    """A step of one replica on its variables, of (turn, *what the feed has for all replicas)."""
    share, local = plan.batch // placement.num_replicas_in_sync, replicas.local(placement)

    def on_replica(turn: tf.Tensor, *inputs: tf.Tensor) -> None:
        first = replicas.number() * share  # in the global batch
        here = replicas.number() % local * share  # among those that this process has
        before = replicas.read(training)
        images, labels = feed.images(*(_share(tensor, here, share, local * share) for tensor in inputs))
        labels = tf.cast(labels, tf.int64)  # those of 32 bits, and what is computed from them, go to the host and back
        address = rng.stream(plan.seed, before.state.step, first)
        state, metrics = step(before.state, images, labels, address, replicas.replica_mean, turn)
        totals = {name: total + metrics[name] for name, total in before.totals.items()}
        replicas.write(training, Training(state, totals, before.count + 1))

    return on_replica


def _line(training: Training) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """The sums float32 [M] and the number of their steps, of one replica; they begin anew if a line `ends`."""
    sums = training.totals, training.count

    def on_replica(ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        totals, count = now = replicas.read(sums)
        replicas.write(sums, tf.nest.map_structure(lambda value: tf.where(ends, tf.zeros_like(value), value), now))
        return tf.stack([totals[name] for name in training.totals]), count

    return on_replica


def _share(tensor: tf.Tensor, first: tf.Tensor, share: int, batch: int) -> tf.Tensor:
    """Of [draws * batch, ...] the examples first to first + share of each draw: [draws * share, ...]."""
    if share == batch:
        return tensor
    draws, rest = tensor.shape[0] // batch, tensor.shape[1:]
    parts = tf.reshape(tensor, [draws, batch, *rest])[:, first : first + share]
    return tf.reshape(parts, [draws * share, *rest])
