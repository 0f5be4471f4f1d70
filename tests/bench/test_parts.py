"""Parts of a step: which operation belongs where, and that the parts add up to the time whatever runs at once."""

import pytest
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from gan.bench import parts, windows
from gan.bench.parts import Event


@pytest.mark.parametrize(
    ("operation", "part"),
    [
        ("while/body/_1/while/Conv2D_3:Conv2D", parts.CONVOLUTIONS),
        ("while/conv:_FusedConv2D", parts.CONVOLUTIONS),
        ("gradient_tape/while/Conv2D/Conv2DBackpropFilter:_MklNativeConv2DBackpropFilter", parts.CONVOLUTIONS),
        ("while/MatMul_68:_MklBatchMatMulV2", parts.CONVOLUTIONS),
        ("while/dense:_MklFusedMatMul", parts.CONVOLUTIONS),
        ("while/LeakyRelu:LeakyRelu", parts.ELEMENT_WISE),
        ("while/BiasAddGrad:BiasAddGrad", parts.ELEMENT_WISE),
        ("while/mul:_MklMul", parts.ELEMENT_WISE),
        ("while/Cast:Cast", parts.ELEMENT_WISE),
        ("while/StatelessRandomUniformFullIntV2_5:StatelessRandomUniformFullIntV2", parts.RANDOM),
        ("while/random_2/Cast:Cast", parts.RANDOM),
        ("while/optimizer_1/mul_7:Mul", parts.OPTIMIZER),
        ("while/transpose:Transpose", parts.LAYOUT),
        ("while/depth:DepthToSpace", parts.LAYOUT),
        ("while/strided_slice:StridedSlice", parts.LAYOUT),
        ("cluster_0:XlaLaunch", parts.COMPILED),
        ("while/AssignVariableOp:AssignVariableOp", parts.OTHER),
        ("while/ReadVariableOp:ReadVariableOp", parts.OTHER),
    ],
)
def test_operations_are_told_apart(operation, part):
    assert parts.part(operation) == part


def test_each_instant_of_a_thread_belongs_to_the_innermost():
    nested = [
        Event("outer", 0, 10),
        Event("inner", 2, 4),
        Event("deep", 3, 4),
        Event("inner", 6, 9),
        Event("next", 12, 13),
    ]
    pieces = parts.innermost(nested)
    length = {
        name: sum(e.end - e.begin for e in pieces if e.name == name) for name in ("outer", "inner", "deep", "next")
    }
    assert length == {"outer": 5, "inner": 4, "deep": 1, "next": 1}
    assert sum(e.end - e.begin for e in pieces) == 11


def test_an_instant_is_shared_by_what_runs_in_it():
    shares = parts.shared([Event("a", 0, 10), Event("b", 4, 8), Event("a", 6, 12), Event("c", 20, 21)])
    assert shares == pytest.approx({"a": 4 + 1 + 2 * 2 / 3 + 2 + 2, "b": 1 + 2 / 3, "c": 1})
    assert sum(shares.values()) == pytest.approx(13)


def trace(*threads):
    """An XSpace with a line for each thread of (name, begin, end) in microseconds."""
    space = xplane_pb2.XSpace()
    plane = space.planes.add(name="/host:CPU")
    for thread in threads:
        line = plane.lines.add(timestamp_ns=1000)
        for name, begin, end in thread:
            number = len(plane.event_metadata) + 1
            plane.event_metadata[number].name = name
            line.events.add(metadata_id=number, offset_ps=begin * 10**6, duration_ps=(end - begin) * 10**6)
    return space.SerializeToString()


def test_parts_add_up_to_the_window():
    main = [(windows.INPUT, 0, 5), (windows.CHUNK, 6, 96), ("EagerLocalExecute: chunk", 6, 96), ("x:Cast", 0, 3)]
    one = [("ExecutorState::Process", 10, 90), ("a/Conv2D:Conv2D", 10, 50), ("a/random/x:Cast", 50, 60)]
    two = [("a/MatMul:_MklMatMul", 30, 40), ("a/optimizer/mul:Mul", 60, 80)]
    found = parts.of_trace(trace(main, one, two), seconds=100e-6, steps=2)
    expected = {parts.CONVOLUTIONS: 20e-6, parts.RANDOM: 5e-6, parts.OPTIMIZER: 10e-6, parts.BETWEEN: 10e-6}
    expected |= {parts.INPUT: 2.5e-6, parts.HOST: 2.5e-6}
    assert {name: seconds for name, seconds in found.seconds.items() if seconds} == pytest.approx(expected)
    assert found.step == pytest.approx(50e-6) == sum(found.seconds.values())
    assert found.largest[0] == ("a/Conv2D:Conv2D", pytest.approx(17.5e-6))


def test_on_a_gpu_the_kernels_count_by_the_operation_they_belong_to():
    space = xplane_pb2.XSpace.FromString(trace([(windows.INPUT, 0, 1), (windows.CHUNK, 1, 11), ("a:Cast", 1, 9)]))
    plane = space.planes.add(name="/device:GPU:0")
    plane.stat_metadata[1].name = "tf_op"
    plane.event_metadata[1].name = "sm90_xmma_fprop"
    event = plane.lines.add(timestamp_ns=1000).events.add(metadata_id=1, offset_ps=2 * 10**6, duration_ps=6 * 10**6)
    event.stats.add(metadata_id=1, str_value="a/Conv2D:Conv2D")
    found = parts.of_trace(space.SerializeToString(), seconds=11e-6, steps=1)
    assert found.seconds[parts.CONVOLUTIONS] == pytest.approx(6e-6)
    assert found.seconds[parts.ELEMENT_WISE] == 0
    assert found.seconds[parts.BETWEEN] == pytest.approx(4e-6)


def test_what_xla_runs_counts_as_compiled():
    marks = [(windows.INPUT, 0, 1), (windows.CHUNK, 1, 11)]
    one = [("ExecutorState::Process", 1, 11), ("CpuExecutable::ExecuteAsyncOnStream", 2, 6), ("inner", 3, 5)]
    found = parts.of_trace(trace(marks, one, [("BlockUntilReady", 5, 9)]), seconds=11e-6, steps=1)
    assert found.seconds[parts.COMPILED] == pytest.approx(7e-6)
    assert found.seconds[parts.BETWEEN] == pytest.approx(3e-6)
