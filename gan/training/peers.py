"""Several workers that train one run: how they come together, what they agree on, how one that is lost is noticed.

They meet in TensorFlow's own ways: small texts go through the store of its coordination service, decisions and the
state through an all-reduce.
"""

import contextlib
import dataclasses
import json
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gan.errors import LostPeerError, UserError
from gan.machine import cluster, signals
from gan.training import replicas
from gan.training.coordination import Service
from gan.training.replicas import Placement, Task, Training
from gan.training.team import ToldError, Wish

_SHOWN = 30  # characters of a value that is another one
_GRACE_SECONDS = 2.0  # in which the main thread may end by itself once a worker is lost
_ABORTED = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
_REMEDY = "nothing half done was saved: start the same command on all workers, they continue from the newest checkpoint"


@contextlib.contextmanager
def joined(kind: str, start_minutes: float, peer_seconds: float) -> Iterator["Several"]:
    """This process as one of the workers that the environment names, once all have come.

    To be entered before TensorFlow has computed anything. Raises `UserError`, and `LostPeerError` when a worker does
    not come in time, or is lost within the context: at the latest after so many seconds of silence.
    """
    found = replicas.workers(kind)
    service = Service(found, peer_seconds)
    addresses = {task.name: task.address for task in found.tasks}
    with cluster.assembled(addresses, found.tasks[found.number].name, start_minutes), signals.held_back():
        placement = replicas.over_workers(found)
    watch = _Watch(found, service, peer_seconds)
    team = Several(found, placement, service, watch)
    try:
        yield team
    except ToldError:
        raise
    except UserError as error:
        with contextlib.suppress(tf.errors.OpError):  # where nobody is left to be told
            team.fail(error)
        raise
    except tf.errors.OpError as error:
        if lost := watch.lost_or(error):
            raise lost from error
        raise
    finally:
        watch.stop()


class Several:
    """This process as one of several workers: a `Team`, from `joined` on.

    Before they train they come to the same places in the same order; the texts that they leave there are numbered. One
    that fails leaves its error at the next place.
    """

    def __init__(self, found: replicas.Workers, placement: Placement, service: Service, watch: "_Watch"):
        self.placement, self._service, self._watch = placement, service, watch
        self._tasks, self.number = found.tasks, found.number
        self.count, self.is_chief = len(found.tasks), found.number == 0
        self._place, self._trains = 0, False
        signature = [tf.TensorSpec([self.count, len(Wish._fields)], tf.float64)]
        self._sum = tf.function(
            lambda table: replicas.sums(placement, [table])[0], input_signature=signature, autograph=False
        )

    def compare(self, what: str, facts: Mapping[str, Any]) -> None:
        """Raises the same `UserError` on all workers if the facts of one are not those of the chief."""
        self._write({"value": dict(facts)})
        first, *others = (self._read(number) for number in range(self.count))
        self.leave()  # together: whoever goes on, or ends, takes nobody's texts with it
        for task, own in zip(self._tasks[1:], others, strict=True):
            names = [name for name in {**first, **own} if first.get(name) != own.get(name)]
            if names:
                differ = "; ".join(
                    f"{name} {_short(own.get(name))} and not {_short(first.get(name))}" for name in names
                )
                line = f"{task.name} has other {what} than {self._tasks[0].name}: {differ}"
                raise ToldError(f"{line}; start all workers with the same command, data and versions")

    def lead(self, value: Any = None) -> Any:
        """What the chief gives, on all workers; as JSON has it on those that follow."""
        if self.is_chief:
            self._write({"value": dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value})
            return value
        self._place += 1
        return self._read(0)

    def fail(self, error: UserError) -> None:
        """Tells the others of an error before they train, by which all end; nothing once they do."""
        if self._trains:
            return
        self._write({"error": str(error), "code": error.exit_code})
        self.leave()

    def leave(self) -> None:
        """Says that this worker has read what lies at this place; the chief, with whom the texts go, waits for all."""
        self._service.write(f"{self._key}/read/{self.number}", "yes")
        if self.is_chief:
            for number in range(self.count):
                self._service.read(f"{self._key}/read/{number}", self._watch.has_lost)

    def _write(self, content: Mapping[str, Any]) -> None:
        """Leaves something at the next place."""
        self._place += 1
        self._service.write(f"{self._key}/{self.number}", json.dumps(content))

    def _read(self, number: int) -> Any:
        """What a worker has left at this place; raises its error."""
        found = json.loads(self._service.read(f"{self._key}/{number}"))
        if "error" in found:
            self.leave()
            raise ToldError(f"{self._tasks[number].name}: {found['error']}", found["code"])
        return found["value"]

    @property
    def _key(self) -> str:
        return f"gan/{self._place}"

    def spread(self, training: Training) -> None:
        """Gives the variables on all workers the chief's values."""
        self._trains = True
        variables = tf.nest.flatten(training)
        words = [_words(variable.read_value()) for variable in variables]
        if not self.is_chief:
            words = [tf.zeros_like(each) for each in words]
        found = tf.function(lambda: replicas.sums(self.placement, words), autograph=False)()
        for variable, each in zip(variables, found, strict=True):
            variable.assign(_of_words(each, variable.dtype, variable.shape))

    def meet(self, wish: Wish) -> tuple[Wish, ...]:
        """The wishes of all workers, the chief's first; waits for all of them."""
        table = np.zeros([self.count, len(wish)])
        table[self.number] = wish
        rows = self._sum(tf.constant(table)).numpy()
        kinds = [type(value) for value in Wish._field_defaults.values()]
        return tuple(Wish(*(kind(value) for kind, value in zip(kinds, row, strict=True))) for row in rows)

    def name(self, number: int) -> str:
        """A worker by its number, for people."""
        return self._tasks[number].name


class _Watch:
    """A thread that asks every worker for its health, and ends this process where a loss holds its main thread up."""

    def __init__(self, found: replicas.Workers, service: Service, peer_seconds: float):
        self._others = [task for i, task in enumerate(found.tasks) if i != found.number]
        self._service, self._seconds = service, peer_seconds
        self._stopped = threading.Event()
        self._lost: Task | None = None
        threading.Thread(target=self._watch, name="gan-peers", daemon=True).start()

    def lost_or(self, error: tf.errors.OpError) -> LostPeerError | None:
        """What to tell of an error: that a worker was lost, or None if all are there and it is another error."""
        ill = [task for task in self._others if not self._service.is_well(task, self._seconds / 4)]
        aborted = isinstance(error, _ABORTED)
        if self._lost or ill:
            return _lost(self._lost or ill[0])
        return LostPeerError(f"another worker was lost; {_REMEDY}") if aborted else None

    def has_lost(self) -> bool:
        """Whether a worker is known to be lost."""
        return self._lost is not None

    def stop(self) -> None:
        """Lets the workers go."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._seconds / 4):
            for task in self._others:
                if self._service.is_well(task, self._seconds / 4) or self._stopped.is_set():
                    continue
                self._lost = task
                if not self._stopped.wait(_GRACE_SECONDS):
                    _end(f"error: {_lost(task)}", LostPeerError.exit_code)


def _lost(task: Task) -> LostPeerError:
    return LostPeerError(f"{task.name} ({task.address}) was lost; {_REMEDY}")


def _end(line: str, code: int) -> None:
    """Ends the process whatever its main thread is doing."""
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode())
    os._exit(code)


def _short(value: Any) -> str:
    """A value in few words."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _words(tensor: tf.Tensor) -> tf.Tensor:
    """The bits of a tensor of 32 or 64 bits a value as whole numbers in float64, which have them exactly."""
    return tf.cast(tf.bitcast(tensor, tf.int32), tf.float64)


def _of_words(words: tf.Tensor, dtype: tf.DType, shape: tf.TensorShape) -> tf.Tensor:
    """What `_words` was made of."""
    return tf.reshape(tf.bitcast(tf.cast(words, tf.int32), dtype), shape)
