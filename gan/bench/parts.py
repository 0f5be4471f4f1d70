"""Where the time of a step goes: the operations that TensorFlow's profiler saw, by part.

Operations run side by side, so their times do not add up to the step's. Therefore the clock is split, not the
operations: each instant belongs in equal shares to the operations that run in it, or to none. So the parts add up to
the time measured, and what belongs to no operation is shown as such.
"""

import glob
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import tensorflow as tf

from gan.bench import windows

CONVOLUTIONS = "convolutions and products"
ELEMENT_WISE = "element-wise"
RANDOM = "random numbers"
OPTIMIZER = "optimizer"
LAYOUT = "layout"
COMPILED = "compiled by XLA"
OTHER = "other operations"
BETWEEN = "between operations"
INPUT = "input"
HOST = "host"
PARTS = (CONVOLUTIONS, ELEMENT_WISE, RANDOM, OPTIMIZER, LAYOUT, COMPILED, OTHER, BETWEEN, INPUT, HOST)

# A name scope tells more than the type of an operation: the first that fits decides.
_SCOPES = ((OPTIMIZER, {"optimizer", "ema"}), (RANDOM, {"random"}))
_TYPES = (
    (CONVOLUTIONS, r"(DepthwiseConv|Conv[23]D|MatMul|BatchMatMul|Einsum)"),
    (RANDOM, r"(Stateless)?(Random|Truncated|Multinomial)"),
    (OPTIMIZER, r"ResourceApply"),
    (COMPILED, r"Xla"),
    (
        LAYOUT,
        r"(Transpose|Reshape|Concat|Pad|MirrorPad|Slice|StridedSlice|Pack|Unpack|Split|Tile|BroadcastTo|Gather"
        r"|ExpandDims|Squeeze|DepthToSpace|SpaceToDepth|Resize|Reverse|Roll|ToTf|InputConversion)",
    ),
    (
        ELEMENT_WISE,
        r"(Mul|Add|Sub|Div|RealDiv|Neg|Square|Sqrt|Rsqrt|Reciprocal|Inv|Pow|Exp|Log|Sigmoid|Tanh|Softplus|Sin|Cos"
        r"|Relu|LeakyRelu|Elu|Gelu|Select|Greater|Less|Equal|NotEqual|Logical|Bitwise|Bitcast|Cast|Bias|Sum|Mean"
        r"|Max|Min|Prod|L2Loss|ZerosLike|OnesLike|Fill|Floor|Round|Rint|Abs|Sign|Clip|AvgPool|FusedBatchNorm|IsFinite"
        r"|Softmax|LogSoftmax|All|Any|StatelessSelect|Eltwise)",
    ),
)
_XLA_RUNS = {"CpuExecutable::ExecuteAsyncOnStream", "BlockUntilReady"}  # on a CPU, around what XLA computes
_OPERATION = re.compile(r"([^\s:]+):(\w+)")
_PREFIXES = re.compile(r"^_?(Mkl|Native|Fused|ITEX)*_?(?=[A-Z])")


class Parts(NamedTuple):
    """Seconds a step by part, which add up to `step`, the profiled one; `largest` operations as (name, seconds)."""

    seconds: dict[str, float]
    step: float
    largest: list[tuple[str, float]]


class Event(NamedTuple):
    """An interval in picoseconds on one thread, or on one stream of a device."""

    name: str
    begin: int
    end: int


def measure(window: Callable[[int], float], steps: int) -> Parts:
    """The parts of a step, from a profiled window of `steps` steps of a run that is compiled already."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        begin = time.perf_counter()
        try:
            window(steps)
            seconds = time.perf_counter() - begin
        finally:
            tf.profiler.experimental.stop()
        (path,) = glob.glob(f"{folder}/plugins/profile/*/*.xplane.pb")
        with open(path, "rb") as file:
            return of_trace(file.read(), seconds, steps)


def of_trace(trace: bytes, seconds: float, steps: int) -> Parts:
    """The parts of a window of `seconds`, from the profiler's trace (an XSpace)."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace.FromString(trace)
    devices = [plane for plane in space.planes if plane.name.startswith("/device:GPU")]
    hosts = [plane for plane in space.planes if plane.name.startswith("/host:CPU")]
    threads = [list(_events(plane, line)) for plane in devices or hosts for line in plane.lines]
    marks = {event.name: event for plane in hosts for line in plane.lines for event in _events(plane, line)}
    reading, chunk = marks[windows.INPUT], marks[windows.CHUNK]
    pieces = [piece for thread in threads for piece in innermost(filter(_is_operation, thread))]
    shares = shared([piece for piece in pieces if piece.begin < chunk.end and piece.end > chunk.begin])

    result = dict.fromkeys(PARTS, 0.0)
    for name, picoseconds in shares.items():
        result[part(name)] += picoseconds / 1e12
    inside = (chunk.end - chunk.begin) / 1e12
    result[BETWEEN] = inside - sum(result.values())
    result[INPUT] = (reading.end - reading.begin) / 1e12
    result[HOST] = seconds - inside - result[INPUT]
    largest = sorted(shares.items(), key=lambda item: -item[1])[:20]
    return Parts(
        {name: value / steps for name, value in result.items()},
        seconds / steps,
        [(name, picoseconds / 1e12 / steps) for name, picoseconds in largest],
    )


def part(operation: str) -> str:
    """The part that an operation, `scope/name:Type`, belongs to."""
    name, _, kind = operation.rpartition(":")
    scopes = {re.sub(r"_\d+$", "", scope) for scope in name.split("/")}
    for found, words in _SCOPES:
        if scopes & words:
            return found
    plain = _PREFIXES.sub("", kind)
    return next((found for found, pattern in _TYPES if re.match(pattern, plain)), OTHER)


def innermost(events: Iterable[Event]) -> list[Event]:
    """The events of one thread cut so that each instant belongs to the innermost alone."""
    pieces: list[Event] = []
    open_: list[Event] = []  # outermost first
    now = 0

    def close(until: float) -> None:
        nonlocal now
        while open_ and open_[-1].end <= until:
            ended = open_.pop()
            if ended.end > now:
                pieces.append(Event(ended.name, now, ended.end))
                now = ended.end

    for event in sorted(events, key=lambda event: (event.begin, -event.end)):
        close(event.begin)
        if open_ and event.begin > now:
            pieces.append(Event(open_[-1].name, now, event.begin))
        now = max(now, event.begin)
        open_.append(event)
    close(float("inf"))
    return pieces


def shared(pieces: Sequence[Event]) -> dict[str, float]:
    """Picoseconds by name: each instant in equal shares to the pieces that it lies in."""
    edges = sorted(
        [(piece.begin, 1, i) for i, piece in enumerate(pieces)] + [(piece.end, 0, i) for i, piece in enumerate(pieces)]
    )
    shares: dict[str, float] = {}
    running: set[int] = set()
    now = 0
    for instant, begins, i in edges:
        for j in running:
            name = pieces[j].name
            shares[name] = shares.get(name, 0.0) + (instant - now) / len(running)
        now = instant
        running.add(i) if begins else running.discard(i)
    return shares


def _is_operation(event: Event) -> bool:
    return _OPERATION.fullmatch(event.name) is not None


def _events(plane, line) -> Iterable[Event]:
    """The events of a line; on a device they are kernels, which bear the name of their operation."""
    for event in line.events:
        begin = 1000 * line.timestamp_ns + event.offset_ps
        yield Event(_name(plane, event), begin, begin + event.duration_ps)


def _name(plane, event) -> str:
    """The operation that a kernel belongs to, or else the event's own name; what XLA runs gets the type `Xla`."""
    stats = {plane.stat_metadata[stat.metadata_id].name: stat for stat in event.stats}
    name = plane.event_metadata[event.metadata_id].name
    if "tf_op" in stats:
        return stats["tf_op"].str_value or plane.stat_metadata[stats["tf_op"].ref_value].name
    return f"{name.replace(':', '')}:Xla" if "hlo_op" in stats or name in _XLA_RUNS else name
