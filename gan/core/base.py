"""The words of the core: what a network is, and the forms of what goes through a step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from gan.core import rng

Nest = Any  # of dicts, lists and NamedTuples, with tensors at its leaves
Params = dict[str, Any]  # a nest of float32 tensors
Shape = tuple[int, ...]  # of one example
Scalar = float | tf.Tensor
Metrics = dict[str, tf.Tensor]  # [] float32 by name
Mean = Callable[[Nest], Nest]  # the mean of a nest over the replicas


def identity(nest: Any) -> Any:
    """The mean over one replica."""
    return nest


class Row(NamedTuple):
    """A line of a network's table: of one example's forward pass output shape, multiply-adds and numbers put out."""

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
