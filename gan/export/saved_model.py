"""The networks as TensorFlow modules: the engine's own functions and parameters behind a signature of any batch size.

A generator has `generate(latents [N, latent_size])`, which gives images [N, H, W, C] in [0, 1] (as `serve` does), and
`sample(num, seed)`, which gives those of bin/sample; a discriminator `serve(images [N, H, W, C])`, the probability
[N, 1] that each is fake, and `logits(images)`, the logits [N] that it is made of. Conditional networks take int32
labels [N] beside them, and raise InvalidArgumentError for one that is no class; their `sample` draws classes as
frequent as in the data and gives (images, labels).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.core.base import Network, Shape
from gan.export.networks import BATCH, Networks
from gan.sampling import sampler

_BLOCK = 32  # examples, of networks that look at each alone

Served = Callable[..., Any]
Signature = Sequence[tf.TensorSpec]


class _Module(tf.Module):
    """Parameters as variables, and functions of them, each with its signature."""

    def __init__(self, params: Any, functions: Mapping[str, tuple[Served, Signature]]):
        super().__init__()
        self.parameters = tf.nest.map_structure(lambda value: tf.Variable(value, trainable=False), params)
        for name, (function, signature) in functions.items():
            setattr(self, name, tf.function(self._bound(function), input_signature=signature, autograph=False))

    def _bound(self, function: Served) -> Served:
        return lambda *inputs: function(tf.nest.map_structure(tf.convert_to_tensor, dict(self.parameters)), *inputs)


def generator(of: Networks) -> tf.Module:
    """The module of a generator."""
    network, classes = of.generator.network, of.num_classes

    def images(params, latents, labels=None):
        return tf.clip_by_value(_applied(network, params, latents, labels), 0.0, 1.0)

    signature = _signature(tf.TensorSpec([None, of.config.latent_size], tf.float32, "latents"), classes)
    served = _checked(in_blocks(images, network.table[-1].shape, whole=False), classes)
    sample = _sampling(served, of.config.latent_size, of.class_shares if classes else ())
    counts = [tf.TensorSpec([], tf.int32, "num"), tf.TensorSpec([], tf.int64, "seed")]
    functions = {"serve": (served, signature), "generate": (served, signature), "sample": (sample, counts)}
    return _Module(of.generator.applied, functions)


def _sampling(served: Served, latent_size: int, class_shares: Sequence[float]) -> Served:
    """`sample(params, num, seed)`: the first images of a seed, with classes (images, labels)."""
    ends = tf.constant(np.cumsum(class_shares or [1.0]), tf.float64)

    def sample(params, num: tf.Tensor, seed: tf.Tensor):
        check = tf.debugging.Assert(num >= 1, ["num must be at least 1; it is", num])
        with tf.control_dependencies([check]):
            firsts = tf.range(0, tf.identity(num), _BLOCK)
        latents = _of_blocks(lambda first: sampler.latents(seed, first, _BLOCK, latent_size), firsts, (latent_size,))
        latents = latents[:num]
        if not class_shares:
            return served(params, latents)
        places = _of_blocks(lambda first: sampler.label_places(seed, first, _BLOCK), firsts, ())[:num]
        # As `shares.labels_at` has it.
        labels = tf.searchsorted(ends, tf.cast(places, tf.float64) * ends[-1], side="right")
        labels = tf.minimum(labels, len(class_shares) - 1)
        return served(params, latents, labels), labels

    return sample


def _of_blocks(drawn: Callable[[tf.Tensor], tf.Tensor], firsts: tf.Tensor, shape: Shape) -> tf.Tensor:
    """What is drawn for the blocks of examples that begin at `firsts`, one after the other: [N, *shape]."""
    spec = tf.TensorSpec([_BLOCK, *shape], tf.float32)
    return tf.reshape(tf.map_fn(drawn, firsts, fn_output_signature=spec, parallel_iterations=1), [-1, *shape])


def signatures(module: tf.Module, of: Networks) -> dict[str, Any]:
    """What a saved module answers to from other languages, by name; outputs of the generator's have names, too."""
    serving = {"serving_default": module.serve}
    if not hasattr(module, "sample"):
        return serving
    names = ("images", "labels") if of.num_classes else ("images",)

    def named(function: Any) -> Any:
        def call(*inputs):
            return dict(zip(names, tf.nest.flatten(function(*inputs)), strict=False))

        return tf.function(call, input_signature=function.input_signature, autograph=False)

    return {**serving, "generate": named(module.generate), "sample": named(module.sample)}


def discriminator(of: Networks) -> tf.Module:
    """The module of a discriminator."""
    network, classes = of.discriminator.network, of.num_classes

    def logits(params, images, labels=None):
        return _applied(network, params, images, labels)

    def is_fake(params, images, labels=None):
        return tf.sigmoid(-of.real_sign * logits(params, images, labels))[:, None]

    signature = _signature(tf.TensorSpec([None, *of.image_shape], tf.float32, "images"), classes)
    functions = {"serve": in_blocks(is_fake, (1,), of.whole), "logits": in_blocks(logits, (), of.whole)}
    return _Module(
        of.discriminator.applied, {name: (_checked(each, classes), signature) for name, each in functions.items()}
    )


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
