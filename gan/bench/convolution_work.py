"""Which convolutions a training step consists of: recorded while it is traced, counted in the graph.

The step is built a second time with a convolver that computes the plain definition and leaves its mark, a name scope.
What the graph then holds of each mark is what the step needs: a gradient that nobody uses is not among it. What a step
computes now and then, the lazy penalty, counts by how often that is. Where replicas share a batch, the work is that of
one of them.
"""

import collections
import math
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

from gan.data.source import Source
from gan.networks.convolutions import DIRECT, Convolver, plain
from gan.settings import Config
from gan.training import session
from gan.training.session import Machine

FORWARD, INPUT_GRADIENT, FILTER_GRADIENT = "forward", "input gradient", "filter gradient"
_KINDS = {"Conv2D": FORWARD, "Conv2DBackpropInput": INPUT_GRADIENT, "Conv2DBackpropFilter": FILTER_GRADIENT}
_MARK = re.compile(r"(?:^|/)recorded_(\d+)(?:/|$)")


class Convolution(NamedTuple):
    """Of images [batch, height, width, channels] by `filters` kernels of `taps` x `taps`."""

    batch: int
    height: int
    width: int
    channels: int
    filters: int
    taps: int
    padding: str
    upsample: int
    stride: int

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of what comes out."""
        lost = 0 if self.padding == "SAME" else self.taps - 1
        return tuple(-(-(side * self.upsample - lost) // self.stride) for side in (self.height, self.width))

    @property
    def flops(self) -> int:
        """Of a pass as defined, forward or a gradient: two a multiply-add, zeros of the padding included."""
        return 2 * self.batch * math.prod(self.output) * self.taps**2 * self.channels * self.filters

    def bytes(self, size: int) -> int:
        """Of input, kernel and output once, at `size` bytes a number: the least that each pass has to move."""
        images = self.batch * (self.height * self.width * self.channels + math.prod(self.output) * self.filters)
        return size * (images + self.taps**2 * self.channels * self.filters)

    def __str__(self) -> str:
        upsampled = f" x{self.upsample}" if self.upsample > 1 else ""
        strided = f" /{self.stride}" if self.stride > 1 else ""
        size = f"{self.height} x {self.width}{upsampled}{strided}"
        return f"{self.taps} x {self.taps}, {self.channels} -> {self.filters}, {size} {self.padding.lower()}"


class Use(NamedTuple):
    """A convolution as the step calls it: how many times each pass is computed for one forward call's sake."""

    convolution: Convolution
    passes: tuple[tuple[str, int], ...]  # (kind, times) in the order of `_KINDS`


Work = dict[Use, Fraction]  # how often in a step, on the average over many


class Counts(NamedTuple):
    """Of each pass (mark, kind) how many operations compute it; of each mark the share of the steps that have it."""

    passes: Mapping[tuple[int, str], int]
    shares: Mapping[int, Fraction]


def of_step(config: Config, source: Source, machine: Machine) -> Work:
    """The convolutions of a step of the config, on each of the machine's replicas."""
    calls: list[Convolution] = []
    on = machine._replace(numerics=machine.numerics._replace(jit_compile=False))
    run = session.prepare(config, source, on, session.game(config, source, on, _recorder(calls)), Path())
    graph = run.chunk.compiled.get_concrete_function().graph.as_graph_def()
    counts = counted(graph, Fraction(1, config.penalty_every_steps))
    uses: Work = {}
    for mark, convolution in enumerate(calls):
        needed = tuple((kind, counts.passes[mark, kind]) for kind in _KINDS.values() if (mark, kind) in counts.passes)
        if needed:
            use = Use(convolution, needed)
            uses[use] = uses.get(use, Fraction(0)) + counts.shares[mark] / on.replicas  # every replica is traced
    return uses


def flops(work: Work) -> float:
    """Floating-point operations of a step's convolutions."""
    return float(sum(number * passes(use) * use.convolution.flops for use, number in work.items()))


def passes(use: Use) -> int:
    """How many passes of the convolution a use consists of."""
    return sum(times for _, times in use.passes)


def counted(graph: GraphDef, branch: Fraction) -> Counts:
    """What is needed by what the graph returns or writes; any condition in it holds in the share `branch` of steps."""
    functions = {function.signature.name: function for function in graph.library.function}
    counts: collections.Counter[tuple[int, str]] = collections.Counter()
    shares: dict[int, Fraction] = {}

    def visit(nodes: Mapping[str, NodeDef], wanted: list[str], share: Fraction) -> None:
        seen: set[str] = set()
        pending = list(wanted)
        while pending:
            name = pending.pop()
            node = nodes.get(name)
            if node is None or name in seen:
                continue
            seen.add(name)
            mark = _MARK.search(node.name)
            if mark and node.op in _KINDS:
                counts[int(mark[1]), _KINDS[node.op]] += 1
                shares[int(mark[1])] = share
            for attribute, called in _called(node):
                function = functions[called]
                results = [_node_name(end) for end in (*function.ret.values(), *function.control_ret.values())]
                taken = {"then_branch": branch, "else_branch": 1 - branch}.get(attribute, 1)
                visit({inner.name: inner for inner in function.node_def}, results, share * taken)
            pending += [_node_name(source) for source in node.input]

    visit({node.name: node for node in graph.node}, [node.name for node in graph.node], Fraction(1))
    return Counts(counts, shares)


def _called(node: NodeDef) -> list[tuple[str, str]]:
    """The functions that a node calls, each with the name of the attribute that says so; a loop's body once."""
    return [
        (name, function.name)
        for name, value in node.attr.items()
        for function in ([value.func] if value.HasField("func") else value.list.func)
    ]


def _node_name(tensor: str) -> str:
    """The node in `^node`, `node:0` or `node:output:0`."""
    return tensor.removeprefix("^").partition(":")[0]


def _recorder(calls: list[Convolution]) -> Convolver:
    """A convolver that adds each of its calls to `calls` and marks the operations by its place there."""

    def apply(x, kernel, padding, upsample=1, stride=1):
        batch, height, width, channels = x.shape
        taps, _, _, filters = kernel.shape
        with tf.name_scope(f"recorded_{len(calls)}"):
            calls.append(Convolution(batch, height, width, channels, filters, taps, padding, upsample, stride))
            return plain(x, kernel, padding, upsample, stride)

    return DIRECT._replace(name="recorded", apply=apply)  # in the layout that `plain` takes
