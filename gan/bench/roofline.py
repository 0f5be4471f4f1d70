"""The step's convolutions against what the machine can do: arithmetic intensity, rate, and the roof over both.

The roof is what was measured: the rate of a large matrix product, and the memory's bandwidth times the intensity
(Williams, Waterman & Patterson 2009). Operations are counted by the definition of a convolution: a route that needs
fewer, such as the one in the frequency domain, may stand above the roof.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from gan.bench import convolution_work
from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, INPUT_GRADIENT, Work
from gan.bench.lanes import Lanes
from gan.bench.limit import Limit
from gan.pictures.curves import COLORS
from gan.pictures.figures import blank, own_settings, write_figure

_SIDE = 2048  # of the matrices
_NUMBERS = 1 << 25  # of each vector: far more than a cache holds
_REPEATS = 5
_MARKERS = {FORWARD: "o", INPUT_GRADIENT: "^", FILTER_GRADIENT: "s"}


class Roof(NamedTuple):
    """What the machine does at most: floating-point operations and bytes a second."""

    flops: float
    bytes: float


class Point(NamedTuple):
    """A dot: operations a byte, operations a second."""

    name: str
    kind: str
    intensity: float
    flops: float


def measure(dtype: tf.DType, lanes: Lanes) -> Roof:
    """The rates of products of square matrices, and of adding vectors, one in each of the lanes: the best of a few."""
    number = len(lanes.all)
    matrices, vectors = _operands([_SIDE, _SIDE], dtype, lanes), _operands([_NUMBERS // number], dtype, lanes)

    @tf.function(autograph=False)
    def multiply(pairs):
        return [tf.matmul(a, b) for a, b in pairs]

    @tf.function(autograph=False)
    def add(pairs):
        return [a + b for a, b in pairs]

    return Roof(
        number * 2 * _SIDE**3 / _least(lambda: multiply(matrices)),
        number * 3 * (_NUMBERS // number) * dtype.size / _least(lambda: add(vectors)),
    )


def points(work: Work, limit: Limit, dtype: tf.DType, replicas: int = 1) -> list[Point]:
    """A point for each pass of each distinct convolution alone; the last one is the whole step.

    The work is that of one of the replicas; the rates are those of all.
    """
    dots = [
        Point(str(c), kind, c.flops / c.bytes(dtype.size), replicas * c.flops / best.seconds)
        for (c, kind), best in limit.alone.items()
    ]
    flops = convolution_work.flops(work)
    moved = sum(
        number * convolution_work.passes(use) * use.convolution.bytes(dtype.size) for use, number in work.items()
    )
    return [*dots, Point("the step", "step", flops / moved, replicas * flops / limit.step)]


@own_settings()
def write_roofline(path: str | Path, roof: Roof, dots: list[Point], title: str) -> None:
    """Writes the picture as PNG; raises `StorageError`."""
    figure = blank(figsize=(9.6, 5.6), dpi=130, layout="constrained")
    axes = figure.subplots()
    least, greatest = (choose(dot.intensity for dot in dots) for choose in (min, max))
    ridge = roof.flops / roof.bytes
    x = [min(least, ridge) / 2, ridge, max(greatest, ridge) * 2]
    axes.plot(x, [min(roof.flops, roof.bytes * at) / 1e9 for at in x], color="black", linewidth=1.6)
    axes.text(ridge, roof.flops / 1e9, f"  matrix product, {roof.flops / 1e9:,.0f} GFLOP/s", va="bottom", fontsize=9)
    slope = math.sqrt(x[0] * ridge)
    axes.text(slope, roof.bytes * slope / 1e9, f"   memory, {roof.bytes / 1e9:,.1f} GB/s", va="top", fontsize=9)
    names = list(dict.fromkeys(dot.name for dot in dots[:-1]))
    for dot in dots[:-1]:
        color = COLORS[names.index(dot.name) % len(COLORS)]
        axes.plot(dot.intensity, dot.flops / 1e9, _MARKERS[dot.kind], color=color, markersize=6, alpha=0.8)
    step = dots[-1]
    axes.plot(step.intensity, step.flops / 1e9, "*", color="black", markersize=16)
    _legend(axes, names)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("operations a byte of input, kernel and output")
    axes.set_ylabel("GFLOP/s, by the definition of the convolution")
    axes.set_title(title, fontsize=11)
    axes.grid(color="#e4e4e4", linewidth=0.6, which="both")
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)
    write_figure(path, figure)


def _legend(axes, names: list[str]) -> None:
    """Colors by convolution and markers by pass, beside the axes."""
    for i, name in enumerate(names):
        axes.plot([], [], "o", color=COLORS[i % len(COLORS)], label=name)
    for kind, marker in _MARKERS.items():
        axes.plot([], [], marker, color="gray", label=kind)
    axes.plot([], [], "*", color="black", markersize=12, label="the whole step")
    axes.plot([], [], color="black", label="measured roof")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)


def _operands(shape: list[int], dtype: tf.DType, lanes: Lanes) -> list[list[tf.Tensor]]:
    """Two tensors of the shape for each lane, on its device; no two are the same."""
    pairs = []
    for i, device in enumerate(lanes.all):
        with tf.device(device):
            pairs.append([tf.cast(tf.random.stateless_normal(shape, [i, seed]), dtype) for seed in (1, 2)])
    return pairs


def _least(run: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs after a first one."""
    seconds = []
    for _ in range(_REPEATS + 1):
        begin = time.perf_counter()
        run()
        tf.test.experimental.sync_devices()
        seconds.append(time.perf_counter() - begin)
    return min(seconds[1:])
