"""Replicas: the only module that names `tf.distribute`.

A step is a pure function of tensors; here it meets variables and devices. Each replica holds a copy of all variables,
computes on its slice of the global batch, averages gradients and metrics with the others and writes the same values.

A multi-worker strategy would be made in `strategy` and needs nothing else here.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import rng
from gan.core.base import Nest
from gan.core.state import State
from gan.core.step import Step
from gan.errors import UserError
from gan.text import counted

Placement = tf.distribute.Strategy


class Training(NamedTuple):
    """What a checkpoint holds: the state, and the sums of the metrics over the `count` steps since the last log."""

    state: State
    totals: dict[str, Any]
    count: Any


Chunk = Callable[[tf.Tensor, tf.Tensor], None]


def strategy(name: str, count: int = 0) -> Placement:
    """The placement for one_device, mirrored or auto, over the first `count` devices.

    Without a count that is over all for mirrored, and for auto where they are GPUs. Raises `UserError` if there are
    not so many.
    """
    gpus = tf.config.list_logical_devices("GPU")
    devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
    if count > len(devices):
        there = counted(len(devices), "devices")
        raise UserError(f"--replicas={count} needs as many devices, and this process has {there}: give fewer")
    devices = devices[:count] if count else devices
    if name == "mirrored" or (name == "auto" and len(devices) > 1 and (count or gpus)):
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.OneDeviceStrategy(devices[0])


def check_batch(batch_size: int, replicas: int) -> None:
    """Raises `UserError` if the global batch cannot be shared out evenly."""
    if batch_size % replicas:
        raise UserError(f"--batch_size={batch_size} is global and must be divisible by the {replicas} replicas")


def variables(placement: Placement, nest: Nest) -> Nest:
    """A variable for each tensor of `nest`, one copy on each replica.

    No aggregation: a replica writes its own copy, and what it writes has been averaged before. Reading and saving take
    the first copy.
    """

    def create(tensor: tf.Tensor) -> tf.Variable:
        return tf.Variable(
            tensor,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_WRITE,
            aggregation=tf.VariableAggregation.NONE,
        )

    with placement.scope():
        return tf.nest.map_structure(create, nest)


def training_variables(placement: Placement, state: State, metrics: Sequence[str]) -> Training:
    """The variables of a run whose steps yield metrics of these names."""
    totals = {name: tf.zeros([]) for name in metrics}
    return variables(placement, Training(state, totals, tf.zeros([], tf.int64)))


def read(nest: Nest) -> Nest:
    """The values of variables as tensors, from the first replica."""
    return tf.nest.map_structure(lambda variable: variable.read_value(), nest)


def assign(nest: Nest, values: Nest) -> None:
    """Writes values into the variables on every replica."""
    tf.nest.map_structure(lambda variable, value: variable.assign(value), nest, values)


def compile_chunk(
    placement: Placement,
    training: Training,
    step: Step,
    seed: int,
    batch: int,
    draws: int,
    image_shape: Sequence[int],
) -> Chunk:
    """`chunk(images uint8 [n, draws * batch, H, W, C], labels int32 [n, draws * batch])` runs n steps.

    It is traced once, for any n. Step i takes the images [i]; each replica the same part of each of its draws.
    """
    specs = (
        tf.TensorSpec([None, draws * batch, *image_shape], tf.uint8),
        tf.TensorSpec([None, draws * batch], tf.int32),
    )
    replicas = placement.num_replicas_in_sync
    share = batch // replicas

    def replica_step(images: tf.Tensor, labels: tf.Tensor) -> None:
        context = tf.distribute.get_replica_context()
        first = context.replica_id_in_sync_group * share
        before = read(training)
        part = (_share(tensor, first, share, batch) for tensor in (images, labels))
        state, metrics = step(before.state, *part, rng.stream(seed, before.state.step, first), replica_mean)
        totals = {name: total + metrics[name] for name, total in before.totals.items()}
        tf.nest.map_structure(_write, training, Training(state, totals, before.count + 1))

    # AutoGraph would rewrite the source of every layer, loss and optimizer for one loop: it takes longer than tracing.
    as_written = tf.autograph.experimental.do_not_convert(replica_step)

    @tf.function(input_signature=specs, autograph=False)
    def chunk(images: tf.Tensor, labels: tf.Tensor) -> None:
        def body(i: tf.Tensor) -> tuple[tf.Tensor]:
            placement.run(as_written, args=(images[i], labels[i]))
            return (i + 1,)

        tf.while_loop(lambda i: i < tf.shape(images)[0], body, [tf.constant(0)], parallel_iterations=1)

    return chunk


def replica_mean(nest: Nest) -> Nest:
    """The mean of a nest over the replicas, within a replica; outside of any, and of only one, the nest itself.

    Gradients pass through it.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return nest
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, nest)


def _share(tensor: tf.Tensor, first: tf.Tensor, share: int, batch: int) -> tf.Tensor:
    """Of [draws * batch, ...] the examples first to first + share of each draw: [draws * share, ...]."""
    if share == batch:
        return tensor
    draws, rest = tensor.shape[0] // batch, tensor.shape[1:]
    parts = tf.reshape(tensor, [draws, batch, *rest])[:, first : first + share]
    return tf.reshape(parts, [draws * share, *rest])


def _write(variable: tf.Variable, value: tf.Tensor) -> None:
    """Writes this replica's own copy; the raw operation is the one way that a replica may."""
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)
