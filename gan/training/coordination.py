"""TensorFlow's coordination service, through which several workers know of one another.

It has no public interface: what is used of it is here. A key-value store is in the chief's process; each
worker sends it a heartbeat, and what all compute together is aborted when one is missed.
"""

import contextlib
from collections.abc import Callable

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from gan.training.replicas import Task, Workers

_LOOK_SECONDS = 1.0  # between two looks at whether a text is there


class Service:
    """The service of these workers, which tells of a loss after so many seconds; made before anything is computed."""

    def __init__(self, found: Workers, peer_seconds: float):
        self._context = context.context()
        jobs: dict[str, int] = {}
        for task in found.tasks:
            job = task.name.split()[0]
            jobs[job] = jobs.get(job, 0) + 1
        self._context.configure_coordination_service(
            service_type="standalone",
            service_leader=found.tasks[0].target,
            coordinated_jobs=[
                coordination_config_pb2.CoordinatedJob(name=name, num_tasks=count) for name, count in jobs.items()
            ],
            heartbeat_timeout_in_ms=round(1000 * peer_seconds / 2),  # the rest is for finding out who it was
        )

    def write(self, key: str, text: str) -> None:
        """Sets a text, once."""
        self._context.set_config_key_value(key, text)

    def read(self, key: str, in_vain: Callable[[], bool] = lambda: False) -> str:
        """The text of a key; waits until it is set. Empty once it is asked for `in_vain`."""
        while not in_vain():  # in pieces, between which Python takes signals
            with contextlib.suppress(tf.errors.DeadlineExceededError):
                return self._context.get_config_key_value(key, round(1000 * _LOOK_SECONDS))
        return ""

    def is_well(self, task: Task, seconds: float) -> bool:
        """Whether a worker answers in time, and is the one that it was."""
        try:
            self._context.check_collective_ops_peer_health(task.target, max(1, round(1000 * seconds)))
        except tf.errors.OpError:
            return False
        return True
