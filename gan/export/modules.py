"""The networks as TensorFlow modules: the engine's own functions and parameters behind a signature of any batch size.

`serve(latents [N, latent_size])` gives images [N, H, W, C] in [0, 1]; `serve(images [N, H, W, C])` the probability
[N, 1] that each is fake, and `logits(images)` the logits [N] that it is made of. Conditional networks take int32 labels
[N] beside them, and raise InvalidArgumentError for one that is no class.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gan.core import rng
from gan.core.base import Network, Shape

BATCH = 128  # of networks that look at the whole batch
_BLOCK = 32  # of others

Served = Callable[..., tf.Tensor]


class _Module(tf.Module):
    """Parameters as variables, and functions of them."""

    def __init__(self, params: Any, signature: Sequence[tf.TensorSpec], functions: dict[str, Served]):
        super().__init__()
        self.parameters = tf.nest.map_structure(lambda value: tf.Variable(value, trainable=False), params)
        for name, function in functions.items():
            setattr(self, name, tf.function(self._bound(function), input_signature=signature, autograph=False))

    def _bound(self, function: Served) -> Served:
        return lambda *inputs: function(tf.nest.map_structure(tf.convert_to_tensor, dict(self.parameters)), *inputs)


def generator(network: Network, params: Any, latent_size: int, num_classes: int = 0) -> tf.Module:
    """The module of a generator; of a conditional one there are classes."""

    def images(params, latents, labels=None):
        return tf.clip_by_value(_applied(network, params, latents, labels), 0.0, 1.0)

    signature = _signature(tf.TensorSpec([None, latent_size], tf.float32, "latents"), num_classes)
    served = in_blocks(images, network.table[-1].shape, whole=False)
    return _Module(params, signature, {"serve": _checked(served, num_classes)})


def discriminator(
    network: Network, params: Any, image_shape: Sequence[int], real_sign: float, num_classes: int, whole: bool
) -> tf.Module:
    """The module of a discriminator whose logits have the sign `real_sign` for what it takes to be real.

    Of a conditional one there are classes; `whole` says that it looks at the whole batch.
    """

    def logits(params, images, labels=None):
        return _applied(network, params, images, labels)

    def is_fake(params, images, labels=None):
        return tf.sigmoid(-real_sign * logits(params, images, labels))[:, None]

    signature = _signature(tf.TensorSpec([None, *image_shape], tf.float32, "images"), num_classes)
    functions = {"serve": in_blocks(is_fake, (1,), whole), "logits": in_blocks(logits, (), whole)}
    return _Module(params, signature, {name: _checked(served, num_classes) for name, served in functions.items()})


def _checked(function: Served, num_classes: int) -> Served:
    """The function, which refuses labels that are no classes, and another number of them than of what they belong to.

    The networks would take them: rows of a table that stand for no class, images that nobody asked for.
    """

    if not num_classes:
        return function

    def checked(params, x, labels):
        known = tf.reduce_all((labels >= 0) & (labels < num_classes))
        range_line = f"labels must be from 0 to {num_classes - 1}; the least and the largest are"
        checks = [
            tf.debugging.Assert(tf.shape(labels)[0] == tf.shape(x)[0], ["there must be one label for each input"]),
            tf.debugging.Assert(known, [range_line, tf.reduce_min(labels), tf.reduce_max(labels)]),
        ]
        with tf.control_dependencies(checks):
            return function(params, tf.identity(x), tf.identity(labels))

    return checked


def in_blocks(function: Served, shape: Shape, whole: bool) -> Served:
    """`function(params, x [N, ...], ...)` -> [N, *shape] for any N, of one that must know the batch when it is traced.

    Where the network looks at the `whole` batch, in batches of 128, of which the last is filled up with the first
    examples. Otherwise in blocks of 32, and what is left over one by one.
    """

    def served(params, *inputs):
        count = tf.shape(inputs[0])[0]
        if whole:
            places = tf.range((count + BATCH - 1) // BATCH * BATCH) % tf.maximum(count, 1)
            batches = [tf.gather(x, places) for x in inputs]
            return _mapped(function, params, batches, BATCH, shape)[:count]
        full = count // _BLOCK * _BLOCK
        blocks = _mapped(function, params, [x[:full] for x in inputs], _BLOCK, shape)
        rest = _mapped(function, params, [x[full:] for x in inputs], 1, shape)
        return tf.concat([blocks, rest], axis=0)

    return served


def _mapped(function: Served, params, inputs: Sequence[tf.Tensor], size: int, shape: Shape) -> tf.Tensor:
    """The function on one block of `size` examples after the other; how many there are is known at run time alone."""
    blocks = tuple(tf.reshape(x, [-1, size, *x.shape[1:]]) for x in inputs)
    spec = tf.TensorSpec([size, *shape], tf.float32)
    y = tf.map_fn(lambda block: function(params, *block), blocks, fn_output_signature=spec, parallel_iterations=1)
    return tf.reshape(y, [-1, *shape])


def _signature(first: tf.TensorSpec, num_classes: int) -> list[tf.TensorSpec]:
    return [first, tf.TensorSpec([None], tf.int32, "labels")] if num_classes else [first]


def _applied(network: Network, params, x: tf.Tensor, labels: tf.Tensor | None) -> tf.Tensor:
    """The output of a network in inference mode; without labels those that stand for no class."""
    labels = tf.fill([x.shape[0]], -1) if labels is None else labels
    return network.apply(params, x, labels, rng.stream(seed=0, step=0), False)
