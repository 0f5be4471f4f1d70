"""Replicas: the only module that names `tf.distribute`.

A step is a pure function of tensors; here it meets variables and devices. Each replica holds a copy of all variables,
computes on its slice of the global batch, averages gradients and metrics with the others and writes the same values.
They are devices of one process, or of several workers.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver

from gan.core.base import Nest
from gan.core.state import State
from gan.errors import UserError
from gan.machine import cluster
from gan.text import counted

_FIRST_PORT, _JOBS = 20000, 128  # of Slurm: below the ports that Linux gives to clients

Placement = tf.distribute.Strategy


class Task(NamedTuple):
    """A worker: its name for people, its name for TensorFlow, and where it listens."""

    name: str
    target: str
    address: str


class Workers(NamedTuple):
    """Several processes that train together: all of them, the chief first, and the `number` of this one."""

    tasks: tuple[Task, ...]
    number: int
    resolver: Any


class Training(NamedTuple):
    """What a checkpoint holds: the state, and the sums of the metrics over the `count` steps since the last log."""

    state: State
    totals: dict[str, Any]
    count: Any


def strategy(name: str, count: int = 0) -> Placement:
    """The placement for one_device, mirrored or auto, over the first `count` devices.

    Without a count that is over all for mirrored, and for auto where they are GPUs. Raises `UserError` if there are
    not so many.
    """
    if name == "multi_worker_mirrored":
        raise UserError(
            "--strategy=multi_worker_mirrored needs several workers, and neither TF_CONFIG nor Slurm names any: "
            "give --workers=2 to start two here, or --strategy=auto"
        )
    gpus = tf.config.list_logical_devices("GPU")
    devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
    if count > len(devices):
        there = counted(len(devices), "devices")
        raise UserError(f"--replicas={count} needs as many devices, and this process has {there}: give fewer")
    devices = devices[:count] if count else devices
    if name == "mirrored" or (name == "auto" and len(devices) > 1 and (count or gpus)):
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.OneDeviceStrategy(devices[0])


def workers(kind: str) -> Workers:
    """What the environment tells of the workers, where `gan.machine.cluster` has found some of this kind.

    Raises `UserError` where it cannot be understood.
    """
    try:
        if kind == "Slurm":
            os.environ[cluster.VARIABLE] = _of_slurm()
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        spec, own = resolver.cluster_spec(), (resolver.task_type, resolver.task_id)
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError) as error:
        raise UserError(f"{kind} does not tell which workers there are: {error!r}") from error
    pairs = [(job, index) for job in ("chief", "worker") if job in spec.jobs for index in spec.task_indices(job)]
    tasks = [
        Task(f"{job} {index}", f"/job:{job}/replica:0/task:{index}", spec.task_address(job, index))
        for job, index in pairs
    ]
    return Workers(tuple(tasks), pairs.index(own), resolver)


def _of_slurm() -> str:
    """The workers of a job step of Slurm as TF_CONFIG would name them; each job has ports of its own.

    TensorFlow's resolver understands what Slurm says of nodes and tasks. It also sorts them by the alphabet, node 10
    before node 2, where Slurm does not, and gives GPUs to tasks, which Slurm does (--gpus-per-task): so only its
    understanding is used.
    """
    step = {name: os.environ[f"SLURM_{name}"] for name in ("PROCID", "STEP_NODELIST", "STEP_TASKS_PER_NODE")}
    nodes = slurm_cluster_resolver.expand_hostlist(step["STEP_NODELIST"])
    tasks = slurm_cluster_resolver.expand_tasks_per_node(step["STEP_TASKS_PER_NODE"])
    first = _FIRST_PORT + cluster.MOST_ON_A_NODE * (int(os.environ.get("SLURM_JOB_ID", "0")) % _JOBS)
    addresses = [f"{node}:{first + i}" for node, count in zip(nodes, tasks, strict=True) for i in range(count)]
    return cluster.described(addresses, int(step["PROCID"]))


def over_workers(found: Workers) -> Placement:
    """The placement over the devices of all workers; waits until each of them has come to this.

    To be made before TensorFlow has computed anything.
    """
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=found.resolver)


def local(placement: Placement) -> int:
    """How many of the replicas are in this process."""
    return len(placement.extended.worker_devices)


def names(placement: Placement) -> list[str]:
    """The devices of this process that train."""
    return [device.split("/")[-1].removeprefix("device:") for device in placement.extended.worker_devices]


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


def run(placement: Placement, function: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a function of tensors on every replica; returns what it returns on the first."""
    # AutoGraph would rewrite the source of every layer, loss and optimizer for one loop: it takes longer than tracing.
    as_written = tf.autograph.experimental.do_not_convert(function)
    results = placement.run(as_written, args=arguments)
    return tf.nest.map_structure(lambda result: placement.experimental_local_results(result)[0], results)


def number() -> tf.Tensor:
    """The number of this replica, within a replica."""
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def gather(variable: tf.Variable, indices: tf.Tensor) -> tf.Tensor:
    """Within a replica: the elements along the first axis of its own copy. Of bytes only this operation is for GPUs."""
    return tf.raw_ops.ResourceGather(resource=variable.handle, indices=indices, dtype=variable.dtype)


def replica_mean(nest: Nest) -> Nest:
    """The mean of a nest over the replicas, within a replica; outside of any, and of only one, the nest itself.

    Gradients pass through it.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return nest
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, nest)


def sums(placement: Placement, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Tensors of this process, float64, added up over all workers; where only one has other than 0, as it has them."""

    def on_replica(*own: tf.Tensor) -> list[tf.Tensor]:
        context, counts = tf.distribute.get_replica_context(), number() % local(placement) == 0  # one of each worker
        parts = [tf.where(counts, tensor, tf.zeros_like(tensor)) for tensor in own]
        return context.all_reduce(tf.distribute.ReduceOp.SUM, parts)

    return run(placement, on_replica, *tensors)


def write(nest: Nest, values: Nest) -> None:
    """Within a replica: writes its own copies of the variables; the raw operation is the one way that it may."""
    tf.nest.map_structure(
        lambda variable, value: tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value), nest, values
    )
