"""The limit of a step: the time of its convolutions alone, each by the fastest route there is, and nothing else.

Each pass of each distinct convolution is timed by itself. Routes that share work between the passes (a transform of the
input serves the forward pass and the filter gradient) may be faster where the passes of a use are computed together;
the limit takes whichever is less.
"""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, INPUT_GRADIENT, Convolution, Use, Work
from gan.networks.convolutions import CONVOLVERS, Convolver

REPEATS = 3
_STEP_EVERY = 4  # uses
_HOPELESS = 1.5  # a route that takes so many times the best one's time is not timed again


class Best(NamedTuple):
    """The fastest route for some passes of a convolution, and its seconds."""

    route: str
    seconds: float


class Limit(NamedTuple):
    """Seconds of a step's convolutions: of each pass alone, of each use as a whole, and summed over the step.

    `step` is the median of the steps that were timed between them: what the limit is to be compared with.
    """

    alone: dict[tuple[Convolution, str], Best]
    together: dict[Use, Best]
    seconds: float
    step: float


def measure(work: Work, dtype: tf.DType, step: Callable[[], float]) -> Limit:
    """Times every pass of `work` in the precision `dtype` on this machine, and now and then a whole step."""
    steps = [step()]
    alone: dict[tuple[Convolution, str], Best] = {}
    together: dict[Use, Best] = {}
    for i, use in enumerate(work):
        if i % _STEP_EVERY == _STEP_EVERY - 1:
            steps.append(step())
        kinds = tuple(kind for kind, _ in use.passes)
        for kind in kinds:
            if (use.convolution, kind) not in alone:
                alone[use.convolution, kind] = fastest(use.convolution, (kind,), dtype)
        once = all(times == 1 for _, times in use.passes)
        if len(kinds) > 1 and once:  # passes that are repeated belong to different inputs and share nothing
            together[use] = fastest(use.convolution, kinds, dtype)
    steps.append(step())
    return Limit(alone, together, total(work, alone, together), statistics.median(steps))


def total(work: Work, alone: dict[tuple[Convolution, str], Best], together: dict[Use, Best]) -> float:
    """Seconds of all uses, each at the lesser of its passes one by one and together."""
    seconds = 0.0
    for use, number in work.items():
        one_by_one = sum(times * alone[use.convolution, kind].seconds for kind, times in use.passes)
        seconds += number * min([one_by_one, *([together[use].seconds] if use in together else [])])
    return seconds


def fastest(convolution: Convolution, kinds: tuple[str, ...], dtype: tf.DType) -> Best:
    """The fastest route for these passes in one call: medians of alternating runs, the hopeless left out."""
    runs = {name: _timed(route, convolution, kinds, dtype) for name, route in CONVOLVERS.items()}
    for run in runs.values():
        run()  # traces and compiles
    seconds = {name: [run()] for name, run in runs.items()}
    least = min(first for (first,) in seconds.values())
    for _ in range(REPEATS - 1):
        for name, times in seconds.items():
            if times[0] <= _HOPELESS * least:
                times.append(runs[name]())
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    route = min(medians, key=medians.get)
    return Best(route, medians[route])


def _timed(route: Convolver, convolution: Convolution, kinds: tuple[str, ...], dtype: tf.DType) -> Callable[[], float]:
    """A function that computes these passes once by a route and returns the seconds."""
    c = convolution
    x = route.enter(_numbers([c.batch, c.height, c.width, c.channels], dtype))
    kernel = _numbers([c.taps, c.taps, c.channels, c.filters], tf.float32)
    upstream = route.enter(_numbers([c.batch, *c.output, c.filters], dtype))

    def passes(x, kernel, upstream):
        with tf.GradientTape() as tape:
            tape.watch((x, kernel))
            y = route.apply(x, kernel, c.padding, c.upsample, c.stride)
        wanted = {INPUT_GRADIENT: x, FILTER_GRADIENT: kernel}
        sources = [wanted[kind] for kind in kinds if kind != FORWARD]
        gradients = tape.gradient(y, sources, upstream) if sources else []
        return ([y] if FORWARD in kinds else []) + gradients

    compute = tf.function(passes).get_concrete_function(x, kernel, upstream)

    def run() -> float:
        begin = time.perf_counter()
        compute(x, kernel, upstream)
        tf.test.experimental.sync_devices()
        return time.perf_counter() - begin

    return run


def _numbers(shape: list[int], dtype: tf.DType) -> tf.Tensor:
    """Numbers of both signs around 0; what they are does not matter to the time, but zeros and denormals would."""
    values = tf.random.stateless_normal(shape, seed=[0, 1]) * 0.1
    return tf.cast(values, dtype)
