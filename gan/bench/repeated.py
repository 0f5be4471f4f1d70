"""The passes of a convolution computed over and over within one graph, so that starting it does not count.

A single call from Python costs as much as many a convolution of a small network. In the loop nothing can be spared:
each call has other inputs than the one before it, since two sets of them change places, which moves no data, and a
number of each result is added up. One call ends before the next one begins.
"""

import time
from collections.abc import Callable, Sequence

import tensorflow as tf

from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, INPUT_GRADIENT, Convolution
from gan.bench.lanes import Lanes
from gan.networks.convolutions import Convolver

Repeated = Callable[[int], float]  # calls -> seconds of each
Operands = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # input, kernel [k, k, C, K] float32, gradient of the output


def repeated(
    route: Convolver, convolution: Convolution, kinds: Sequence[str], dtype: tf.DType, lanes: Lanes
) -> Repeated:
    """Computes these passes by a route in a precision, `calls` times in each of the lanes, in all of them at once.

    Of lanes side by side on one device each call counts, of those on different devices one: they share its work.
    """
    operands = []
    for device in lanes.all:
        with tf.device(device):
            operands.append([_operands(route, convolution, dtype, seed) for seed in (0, 1)])

    def passes(x: tf.Tensor, kernel: tf.Tensor, upstream: tf.Tensor) -> list[tf.Tensor]:
        return computed(route, convolution, kinds, (x, kernel, upstream))

    @tf.function(autograph=False)
    def compute(calls: tf.Tensor, operands: list[list[Operands]]) -> list[tf.Tensor]:
        sums = []
        for device, (first, second) in zip(lanes.all, operands, strict=True):
            with tf.device(device):
                sums.append(loop(passes, calls, first, second))
        return sums

    graph = compute.get_concrete_function(tf.constant(1), operands)

    def run(calls: int) -> float:
        begin = time.perf_counter()
        for total in graph(tf.constant(calls), operands):
            total.numpy()  # waits for the device
        return (time.perf_counter() - begin) / (calls * lanes.abreast)

    return run


def loop(
    function: Callable[..., Sequence[tf.Tensor]], calls: tf.Tensor, first: Sequence, second: Sequence
) -> tf.Tensor:
    """The sum of the first number of each result of so many calls, with the first and the second operands in turn."""

    def body(i: tf.Tensor, total: tf.Tensor, now: Sequence, following: Sequence) -> tuple:
        for result in function(*now):
            total += tf.cast(tf.reshape(result, [-1])[0], tf.float32)
        return i + 1, total, following, now

    start = (tf.constant(0), tf.zeros([]), tuple(first), tuple(second))
    return tf.while_loop(lambda i, *_: i < calls, body, start, parallel_iterations=1)[1]


def computed(route: Convolver, convolution: Convolution, kinds: Sequence[str], operands: Operands) -> list[tf.Tensor]:
    """The output where the forward pass is among the kinds, then the gradients that are, and nothing else."""
    x, kernel, upstream = operands
    with tf.GradientTape() as tape:
        tape.watch((x, kernel))
        y = route.apply(x, kernel, convolution.padding, convolution.upsample, convolution.stride)
    wanted = {INPUT_GRADIENT: x, FILTER_GRADIENT: kernel}
    sources = [wanted[kind] for kind in kinds if kind != FORWARD]
    gradients = tape.gradient(y, sources, upstream) if sources else []
    return ([y] if FORWARD in kinds else []) + gradients


def _operands(route: Convolver, c: Convolution, dtype: tf.DType, seed: int) -> Operands:
    x = route.enter(_numbers([c.batch, c.height, c.width, c.channels], dtype, seed))
    kernel = _numbers([c.taps, c.taps, c.channels, c.filters], tf.float32, seed)
    return x, kernel, route.enter(_numbers([c.batch, *c.output, c.filters], dtype, seed))


def _numbers(shape: list[int], dtype: tf.DType, seed: int) -> tf.Tensor:
    """Numbers of both signs around 0; what they are does not matter to the time, but zeros and denormals would."""
    values = tf.random.stateless_normal(shape, seed=[0, seed]) * 0.1
    return tf.cast(values, dtype)
