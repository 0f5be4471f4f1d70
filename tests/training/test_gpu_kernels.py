"""What a chunk would do on a GPU, as far as TensorFlow tells without one.

Every operation has a kernel there for its types: what has none is computed on the CPU, and the device waits for it in
each step. No kernel wants on the host what another has computed on the device. And none is of those that TensorFlow
refuses to run on a GPU, or runs on the CPU, where it is to be deterministic.
"""

import functools
from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

from gan import build, config
from gan.build import Numerics
from gan.core import step as steps
from gan.data.batches import Batches
from gan.data.source import Held, Source, array_reader
from gan.training import chunks, feeds, replicas

ARGUMENTS = {"Placeholder"}  # of a function: they are no operations of it
EXAMPLES, CLASSES = 20, 3
NOT_DETERMINISTIC = {  # in TensorFlow's kernels for GPUs; what scatters is computed on the CPU in their place
    *("AdjustContrastv2", "Bincount", "DenseBincount", "DepthwiseConv2dNativeBackpropFilter"),
    *("CropAndResizeGradBoxes", "CropAndResizeGradImage", "ResizeNearestNeighborGrad"),
    *("SoftmaxCrossEntropyWithLogits", "SparseTensorDenseMatMul"),
}


def bodies(function: tf.types.experimental.ConcreteFunction) -> Iterator[dict]:
    """The operations by name of a function, and of each function that it calls those that lead to a result."""
    graph = function.graph.as_graph_def()
    yield {node.name: node for node in graph.node}
    for inner in graph.library.function:
        all_of_it, needed = {node.name: node for node in inner.node_def}, {}
        pending = [*inner.ret.values(), *inner.control_ret.values()]
        while pending:
            name = pending.pop().removeprefix("^").partition(":")[0]
            if name in all_of_it and name not in needed:
                needed[name] = all_of_it[name]
                pending += needed[name].input
        yield needed


def fits(kernel, node) -> bool:
    """Whether a kernel is for the types of an operation."""
    for constraint in kernel.constraint:
        value = node.attr[constraint.name]
        if not {value.type, *value.list.type} - {0} <= set(constraint.allowed_values.list.type):
            return False
    return True


def missing(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """The operations without a kernel for GPUs, with their types."""
    found = set()
    for node in (node for body in bodies(function) for node in body.values()):
        if node.op not in ARGUMENTS and not kernel_of(node):
            types = {name: tf.as_dtype(value.type).name for name, value in node.attr.items() if value.type}
            found.add(f"{node.op} {types} {node.name}")
    return found


def kernel_of(node):
    """The kernel that GPUs have for an operation; None where they have none."""
    return next((one for one in kernels_of(node.op) if fits(one, node)), None)


@functools.cache
def kernels_of(kind: str) -> list:
    """The kernels that GPUs have for a kind of operation."""
    registered = kernels.get_registered_kernels_for_op(kind).kernel
    return [one for one in registered if one.device_type in ("GPU", "DEFAULT")]


def waiting(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """The operations whose kernels want on the host what another has computed on the device."""
    found = set()
    for body in bodies(function):
        for node in body.values():
            kernel = None if node.op in ARGUMENTS else kernel_of(node)
            for place, name in _places(node) if kernel else ():
                before = body.get(node.input[place].partition(":")[0])  # None: what the function is given
                if name in kernel.host_memory_arg and before is not None and not _on_host(before, body):
                    found.add(f"{node.op} of {before.op} {node.name}")
    return found


def not_deterministic(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """The operations that cannot be both deterministic and on a GPU."""
    kinds = {node.op for body in bodies(function) for node in body.values()}
    return {kind for kind in kinds if kind in NOT_DETERMINISTIC or "Scatter" in kind}


def _places(node) -> Iterator[tuple[int, str]]:
    """Each place among the inputs of an operation with the name of its argument."""
    place = 0
    for argument in op_def_registry.get(node.op).input_arg:
        many = node.attr[argument.type_list_attr].list.type if argument.type_list_attr else None
        count = node.attr[argument.number_attr].i if argument.number_attr else 1 if many is None else len(many)
        yield from ((place + i, argument.name) for i in range(count))
        place += count


def _is_constant(node, body) -> bool:
    """Whether TensorFlow knows the value of an operation before it runs."""
    inputs = [body.get(name.partition(":")[0]) for name in node.input if not name.startswith("^")]
    return node.op == "Const" or bool(inputs) and all(one and _is_constant(one, body) for one in inputs)


def _on_host(node, body) -> bool:
    """Whether what an operation puts out is on the host, as all of it is or nothing; loops keep what they are given."""
    if node.op in ARGUMENTS | {"VarHandleOp", "While", "StatelessWhile"} or _is_constant(node, body):
        return True
    outputs = {argument.name for argument in op_def_registry.get(node.op).output_arg}
    return outputs <= set(kernel_of(node).host_memory_arg)


if not any(kernel.device_type == "GPU" for kernel in kernels.get_registered_kernels_for_op("Conv2D").kernel):
    pytest.skip("this TensorFlow was built without kernels for GPUs", allow_module_level=True)


def test_an_operation_without_a_kernel_is_found():
    """TensorFlow gathers bytes on GPUs from variables alone."""
    gather = tf.function(lambda x: tf.gather(x, tf.constant([1])), autograph=False)
    assert missing(gather.get_concrete_function(tf.TensorSpec([4], tf.float32))) == set()
    (found,) = missing(gather.get_concrete_function(tf.TensorSpec([4], tf.uint8)))
    assert found.startswith("GatherV2") and "uint8" in found


def test_an_operation_that_waits_for_the_device_is_found():
    """A choice by a number of 64 bits does: those are on the device, and those of 32 bits on the host."""

    def choosing(number):
        return tf.cond(tf.equal(number % 3, 0), lambda: tf.ones([2]), lambda: tf.zeros([2]))

    chosen = tf.function(choosing, autograph=False)
    assert waiting(chosen.get_concrete_function(tf.TensorSpec([], tf.int32))) == set()
    (found,) = waiting(chosen.get_concrete_function(tf.TensorSpec([], tf.int64)))
    assert found.startswith("StatelessIf of Equal")


def test_an_operation_that_is_not_deterministic_is_found():
    def gradients(x):
        grown = tf.image.resize(x, [4, 4], "nearest")
        return tf.gradients(grown, x), tf.tensor_scatter_nd_add(x, [[0, 0, 0, 0]], [1.0])

    traced = tf.function(gradients, autograph=False).get_concrete_function(tf.TensorSpec([1, 2, 2, 1], tf.float32))
    assert not_deterministic(traced) == {"ResizeNearestNeighborGrad", "TensorScatterAdd"}


def chunk(chosen: config.Config, precision: str, cut: bool, resident: bool) -> chunks.Chunk:
    """The chunk of a run of noise, `cut` at places or not, that is sent or lies on the device."""
    size = 32 if chosen.networks == "residual" else 28
    shape = (size, size, 3 if chosen.augmentation == "adaptive_colour" else 1)
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *shape), np.uint8)
    labels = (np.arange(EXAMPLES) % CLASSES).astype(np.int32)
    held = Held(images, labels)
    if cut:
        begins = np.arange(EXAMPLES) * images[0].size
        held = Held(images.reshape(-1), labels, begins, np.full((EXAMPLES, 2), size))
    source = Source(
        "noise", EXAMPLES, shape, tuple("abc"), "", "", array_reader(images, labels), in_memory=True, held=held,
        has_places=cut,
    )  # fmt: skip
    numerics, placement = Numerics(precision, "direct", False), replicas.strategy("one_device")
    game = build.game(chosen, shape, numerics, CLASSES)
    state, names = build.initial_state(chosen, game), steps.metric_names(game)
    training = replicas.training_variables(placement, state, names)
    batches = Batches(source, seed=0, batch=8, draws=chosen.d_steps, flip=chosen.flip, random_places=cut)
    feed = feeds.resident(batches, placement) if resident else feeds.streamed(batches)
    period = game.regularization.every if game.regularization else 1
    return chunks.compile_chunk(placement, training, steps.make_step(game), feed, chunks.Plan(0, 8, 5, period))


@pytest.mark.parametrize(
    ("preset", "settings", "precision", "cut", "resident"),
    [
        ("modern", {"flip": True, "augmentation": "adaptive_colour"}, "mixed_bfloat16", True, True),
        ("modern_conditional", {"optimizer": "adamw", "gradient_clip": 1.0}, "mixed_float16", False, False),
        ("article", {"d_dropout": 0.4, "d_input_noise": 0.1, "d_steps": 2}, "float32", False, True),
        ("sngan", {"d_steps": 1, "minibatch_deviation": 2, "optimizer": "rmsprop"}, "mixed_float16", False, True),
        ("dcgan", {"augmentation": "diffaugment", "optimizer": "sgd"}, "mixed_bfloat16", False, True),
    ],
)
def test_all_operations_of_a_chunk_have_kernels_for_gpus_and_none_waits(preset, settings, precision, cut, resident):
    chosen = config.assembled(preset, width=0.1, batch_size=8, **settings)
    function = chunk(chosen, precision, cut, resident).compiled.get_concrete_function()
    assert missing(function) == set() and waiting(function) == set()
    assert not_deterministic(function) == set()
