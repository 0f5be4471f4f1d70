"""Layers as values: each knows its parameters, its function and its shape; `serial` makes a network of them.

A layer is made in two stages: a constructor such as `dense(6272)` takes the hyperparameters, and what it returns takes
the shape of the input of one example and gives a `Layer`. Shapes are those of [H, W, C] images whatever layout a
convolver works in.
"""

import collections
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.core.base import Network, Params, Row, Shape, identity
from gan.networks.convolutions import Convolver


class Layer(NamedTuple):
    """`init(stream) -> params`; `apply(params, x, stream, training) -> y`; the output's shape for one example.

    A layer made of others also says how many numbers of an example those put out together, as `outputs`.
    """

    name: str
    shape: Shape
    init: Callable[[rng.Stream], Params]
    apply: Callable[[Params, tf.Tensor, rng.Stream, bool], tf.Tensor]
    parameters: int = 0
    multiply_adds: int = 0
    outputs: int = 0


Constructor = Callable[[Shape], Layer]


def glorot_uniform(stream: rng.Stream, shape: Shape, scale: float = 1.0) -> tf.Tensor:
    """A kernel [..., inputs, outputs] uniform in +-sqrt(6 / (fan_in + fan_out)) * scale (Glorot & Bengio 2010)."""
    receptive = math.prod(shape[:-2])
    limit = scale * math.sqrt(6.0 / (receptive * (shape[-2] + shape[-1])))
    return limit * (2.0 * tf.reshape(rng.uniform(stream, (1, math.prod(shape))), shape) - 1.0)


def affine_init(kernel: Shape, scale: float = 1.0) -> Callable[[rng.Stream], Params]:
    """stream -> the first parameters of a layer with a kernel of that shape and a bias."""

    def init(stream: rng.Stream) -> Params:
        return {"kernel": glorot_uniform(stream, kernel, scale), "bias": tf.zeros(kernel[-1:])}

    return init


def affine_costs(kernel: Shape, positions: int = 1) -> tuple[int, int]:
    """(parameters with the bias, multiply-adds of one example) of a kernel applied at so many positions."""
    return math.prod(kernel) + kernel[-1], positions * math.prod(kernel)


def function_layer(name: str, shape: Shape, function: Callable[[tf.Tensor], tf.Tensor]) -> Layer:
    """A layer of that output shape without parameters or randomness."""
    return Layer(name, shape, lambda stream: {}, lambda params, x, stream, training: function(x))


def dense(units: int) -> Constructor:
    """[B, N] -> [B, units], in the precision of the input."""

    def layer(shape: Shape) -> Layer:
        def apply(params, x, stream, training):
            return tf.matmul(x, tf.cast(params["kernel"], x.dtype)) + tf.cast(params["bias"], x.dtype)

        kernel = (shape[0], units)
        return Layer("dense", (units,), affine_init(kernel), apply, *affine_costs(kernel))

    return layer


def conv(convolver: Convolver, filters: int, taps: int, padding: str, upsample=1, stride=1, scale=1.0) -> Constructor:
    """Convolution of [H, W, C] by `taps` x `taps`, after nearest upsampling; only every `stride`-th output is kept."""

    def layer(shape: Shape) -> Layer:
        height, width, channels = shape
        lost = 0 if padding == "SAME" else taps - 1
        out = tuple(-(-(size * upsample - lost) // stride) for size in (height, width))

        def apply(params, x, stream, training):
            y = convolver.apply(x, params["kernel"], padding, upsample, stride)
            return tf.nn.bias_add(y, tf.cast(params["bias"], y.dtype))

        kernel = (taps, taps, channels, filters)
        return Layer("conv", (*out, filters), affine_init(kernel, scale), apply, *affine_costs(kernel, math.prod(out)))

    return layer


def relu() -> Constructor:
    """max(x, 0)."""
    return lambda shape: function_layer("relu", shape, tf.nn.relu)


def leaky_relu(slope: float) -> Constructor:
    """max(x, slope * x), slope in (0, 1).

    The gradient takes its sign from the output. One that needs the input keeps TensorFlow's graph rewriter from fusing
    the layer with the convolution and the bias before it, and makes it complain.
    """

    @tf.custom_gradient
    def function(x):
        y = tf.nn.leaky_relu(x, slope)

        def gradient(upstream):
            return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=tf.stop_gradient(y), alpha=slope)

        return y, gradient

    return lambda shape: function_layer("leaky_relu", shape, function)


def sigmoid() -> Constructor:
    """1 / (1 + exp(-x)), in float32."""
    return lambda shape: function_layer("sigmoid", shape, lambda x: tf.sigmoid(tf.cast(x, tf.float32)))


def affine(scale: float, offset: float) -> Constructor:
    """scale * x + offset, without parameters."""
    return lambda shape: function_layer("affine", shape, lambda x: scale * x + offset)


def cast(dtype: tf.DType) -> Constructor:
    """The precision that the following layers compute in."""
    return lambda shape: function_layer("cast", shape, lambda x: tf.cast(x, dtype))


def to_images(convolver: Convolver, height: int, width: int) -> Constructor:
    """[B, H W C] -> [H, W, C] maps in the convolver's layout."""

    def layer(shape: Shape) -> Layer:
        out = (height, width, shape[0] // (height * width))
        return function_layer("reshape", out, lambda x: convolver.enter(tf.reshape(x, [-1, *out])))

    return layer


def enter(convolver: Convolver) -> Constructor:
    """[B, H, W, C] -> the convolver's layout."""
    return lambda shape: function_layer("enter", shape, convolver.enter)


def leave(convolver: Convolver) -> Constructor:
    """The convolver's layout -> [B, H, W, C]."""
    return lambda shape: function_layer("leave", shape, convolver.leave)


def flatten(convolver: Convolver) -> Constructor:
    """Maps in the convolver's layout -> [B, H W C], in the order of [H, W, C]."""
    return lambda shape: function_layer(
        "flatten", (math.prod(shape),), lambda x: tf.reshape(convolver.leave(x), [-1, math.prod(shape)])
    )


def gaussian_noise(deviation: float) -> Constructor:
    """In training, adds normal noise to [B, ...]; otherwise the identity."""

    def layer(shape: Shape) -> Layer:
        def apply(params, x, stream, training):
            return x + deviation * rng.normal(stream, x.shape) if training and deviation else x

        return Layer("gaussian_noise" if deviation else "identity", shape, lambda stream: {}, apply)

    return layer


def dropout(rate: float, to_layout: Callable[[tf.Tensor], tf.Tensor] = identity) -> Constructor:
    """In training, zeroes each number with probability `rate` and divides the others by 1 - rate.

    The mask is drawn as [B, ...], so that it belongs to the examples and not to their place on a device, and brought to
    the layout that the maps are in. Sixteen random bits a number put the rate within 2^-16 of the one asked for. The
    factor for the others must be a number of the precision: in bfloat16 it is the nearest, and the rate (off by 0.2 %
    at most) that of the factor, so that the mean stays unbiased.
    """

    def layer(shape: Shape) -> Layer:
        def apply(params, x, stream, training):
            if not training or rate < 2**-17:
                return x
            batch = x.shape.num_elements() // math.prod(shape)
            factor, threshold = dropout_numbers(rate, x.dtype)
            with tf.name_scope(rng.SCOPE):
                keep = rng.bits16(stream, (batch, *shape)) >= tf.constant(threshold, tf.uint16)
                mask = to_layout(tf.where(keep, tf.constant(factor, x.dtype), tf.zeros([], x.dtype)))
            return x * mask

        return Layer("dropout", shape, lambda stream: {}, apply)

    return layer


def dropout_numbers(rate: float, dtype: tf.DType) -> tuple[float, int]:
    """(factor, threshold): a number with 16 random bits below the threshold is dropped, the others get the factor."""
    threshold = min(round(rate * 2**16), 2**16 - 1)
    factor = float(np.asarray(2**16 / (2**16 - threshold), dtype.as_numpy_dtype))
    return factor, round((1.0 - 1.0 / factor) * 2**16)


def serial(input_shape: Shape, constructors: Sequence[Constructor]) -> Network:
    """The network that applies the layers in turn; params is a dict by name for those layers that have any.

    Each layer draws from a stream of its own.
    """
    layers = chain(input_shape, constructors)

    def apply(params: Params, x: tf.Tensor, labels, stream: rng.Stream, training: bool) -> tf.Tensor:
        for i, layer in enumerate(layers):
            x = layer.apply(params.get(layer.name, {}), x, rng.fold(stream, i), training)
        return x

    return Network(lambda stream: first_params(layers, stream), apply, tuple(map(_row, layers)))


def chain(shape: Shape, constructors: Sequence[Constructor], prefix: str = "") -> list[Layer]:
    """The layers, each on the output of the one before; their names numbered by kind: conv_1, conv_2, dense_1, ..."""
    layers, counts = [], collections.Counter()
    for constructor in constructors:
        layer = constructor(shape)
        counts[layer.name] += 1
        layers.append(layer._replace(name=f"{prefix}{layer.name}_{counts[layer.name]}"))
        shape = layer.shape
    return layers


def first_params(layers: Sequence[Layer], stream: rng.Stream) -> Params:
    """The first parameters by name of those layers that have any, each drawn from a stream of its own."""
    drawn = {layer.name: layer.init(rng.fold(stream, i)) for i, layer in enumerate(layers)}
    return {name: params for name, params in drawn.items() if params}


def outputs(layer: Layer) -> int:
    """Numbers of an example that a layer puts out, with those of the layers that it is made of."""
    return layer.outputs or math.prod(layer.shape)


def _row(layer: Layer) -> Row:
    return Row(layer.name, layer.shape, layer.parameters, layer.multiply_adds, outputs(layer))
