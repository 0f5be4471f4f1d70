"""The words of the core: what a network is, and the forms of what goes through a step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import rng

Nest = Any  # of dicts, lists and NamedTuples, with tensors at its leaves
Params = dict[str, Any]  # a nest of float32 tensors: by layer, then by kind
Shape = tuple[int, ...]  # of one example
Scalar = float | tf.Tensor  # a tensor where it may change while a graph runs
Metrics = dict[str, tf.Tensor]  # [] float32 by name
Mean = Callable[[Nest], Nest]  # the mean of a nest over the replicas


def identity(x: Any) -> Any:
    """x: the mean over a single replica, the layout of what has but one, a function as it is instead of compiled."""
    return x


class Row(NamedTuple):
    """A line of a network's table: a layer, the shape of its output, its parameters, and its work for one example.

    `outputs` is how many numbers it puts out, those of layers within it included.
    """

    name: str
    shape: Shape
    parameters: int
    multiply_adds: int
    outputs: int


class Network(NamedTuple):
    """Two pure functions, `init(stream) -> params` and `apply(params, x, labels, stream, training) -> y`; its table.

    A network with `normalize(params, vectors) -> (parameters to apply, next vectors)` is applied with what that makes
    of its parameters; `init_state(stream, params)` gives the first vectors, which the caller keeps. One with
    `settle(params) -> parameters to apply` is for use outside of training.
    """

    init: Callable[[rng.Stream], Params]
    apply: Callable[..., tf.Tensor]
    table: tuple[Row, ...]
    normalize: Callable[[Params, Params], tuple[Params, Params]] | None = None
    init_state: Callable[[rng.Stream, Params], Params] | None = None
    settle: Callable[[Params], Params] | None = None
