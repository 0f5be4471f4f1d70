"""Layers on maps in either layout of a convolver: changes of size, 1 x 1 convolutions, residual blocks, statistics.

Pooling and upsampling work in place: with the rows first, [H, W, B, C] is one image of B C channels to the stock
operations. So no map is transposed on its way, and gradients of any order are those of the stock operations.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

from gan.core import rng
from gan.core.base import Shape
from gan.networks import layers
from gan.networks.convolutions import Convolver, upsample_nearest
from gan.networks.layers import Constructor, Layer

_DEVIATION_EPSILON = 1e-8  # under the square root, as Karras et al. have it


def upsample(convolver: Convolver) -> Constructor:
    """[H, W, C] -> [2 H, 2 W, C], each pixel repeated."""

    def layer(shape: Shape) -> Layer:
        height, width, channels = shape
        return _in_place("upsample", convolver, (2 * height, 2 * width, channels), lambda x: upsample_nearest(x, 2))

    return layer


def average_pool(convolver: Convolver) -> Constructor:
    """[H, W, C] -> [H / 2, W / 2, C], the mean of each 2 x 2 pixels; even sizes only."""

    def layer(shape: Shape) -> Layer:
        height, width, channels = shape
        if height % 2 or width % 2:
            raise ValueError(f"maps of {height} x {width} cannot be halved")
        out = (height // 2, width // 2, channels)
        return _in_place("average_pool", convolver, out, lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"))

    return layer


def pointwise(filters: int, scale: float = 1.0) -> Constructor:
    """1 x 1 convolution with bias [H, W, C] -> [H, W, filters], in any layout: one product over the channels."""

    def layer(shape: Shape) -> Layer:
        height, width, channels = shape

        def apply(params, x, stream, training):
            y = tf.matmul(tf.reshape(x, [-1, channels]), tf.cast(params["kernel"], x.dtype))
            y = tf.nn.bias_add(y, tf.cast(params["bias"], x.dtype))
            return tf.reshape(y, [-1, *x.shape[1:3], filters])

        kernel, out = (channels, filters), (height, width, filters)
        init, costs = layers.affine_init(kernel, scale), layers.affine_costs(kernel, height * width)
        return Layer("pointwise", out, init, apply, *costs)

    return layer


def halving_conv(convolver: Convolver, filters: int, taps: int) -> Constructor:
    """Convolution of odd `taps` with stride 2 and padding (taps - 1) / 2: [H, W, C] -> [H / 2, W / 2, filters]."""
    lost = taps - 1
    side = [lost // 2, lost // 2]
    around = [side, side, [0, 0], [0, 0]] if convolver.rows_first else [[0, 0], side, side, [0, 0]]
    valid = layers.conv(convolver, filters, taps, "VALID", stride=2)

    def layer(shape: Shape) -> Layer:
        height, width, channels = shape
        if height % 2 or width % 2 or taps % 2 == 0:
            raise ValueError(f"no stride of 2 for {taps} taps on maps of {height} x {width}")
        conv = valid((height + lost, width + lost, channels))
        return conv._replace(
            apply=lambda params, x, stream, training: conv.apply(params, tf.pad(x, around), stream, training)
        )

    return layer


def residual(main: Sequence[Constructor], shortcut: Sequence[Constructor] = ()) -> Constructor:
    """shortcut(x) + main(x), each a chain of layers; without a shortcut x itself.

    One layer with the parameters of all, those of the shortcut under a name of their own. Nothing in it may be random:
    all its layers are given the block's own stream, and draw from different ones only to be initialized.
    """

    ways = {"": main, "shortcut_": shortcut}

    def layer(shape: Shape) -> Layer:
        chains = {prefix: layers.chain(shape, part, prefix) for prefix, part in ways.items()}
        parts = [part for chain in chains.values() for part in chain]

        def apply(params, x, stream, training):
            ends = []
            # Two chains read x. TensorFlow's graph rewriter would fuse what made x with an activation that begins one
            # of them, find the other without its input, and give up on the whole graph: this operation is in its way.
            begins = {"": tf.ensure_shape(x, x.shape), "shortcut_": x}
            for prefix, chain in chains.items():
                y = begins[prefix]
                for part in chain:
                    y = part.apply(params.get(part.name, {}), y, stream, training)
                ends.append(y)
            return ends[0] + ends[1]

        costs = [
            sum(costs)
            for costs in zip(*((p.parameters, p.multiply_adds, layers.outputs(p)) for p in parts), strict=True)
        ]
        return Layer("block", chains[""][-1].shape, lambda stream: layers.first_params(parts, stream), apply, *costs)

    return layer


def deviation(convolver: Convolver, group: int, kinds: int = 2) -> list[Constructor]:
    """Minibatch standard deviation (Karras et al. 2018, section 3): [H, W, C] -> [H, W, C + 1]; no layer if group is 0.

    The batch holds `kinds` of examples in turn, in training real, fake, real, fake; a group is of `group` consecutive
    examples of one kind. Each gets the standard deviation within its group, the mean of it over all places and
    channels. (In a batch of one kind alone the groups are other ones, and as good.) Groups are smaller where the batch
    is not divisible by `kinds` times `group`; where every replica's is, groups do not depend on the number of replicas.
    """

    def layer(shape: Shape) -> Layer:
        def apply(params, x, stream, training):
            y = tf.cast(convolver.leave(x), tf.float32)
            batch = y.shape[0]
            ways = math.gcd(batch, kinds)
            size = math.gcd(batch // ways, group)
            y = tf.reshape(y, [batch // (size * ways), size, ways, math.prod(shape)])
            spread = tf.sqrt(tf.math.reduce_variance(y, axis=1, keepdims=True) + _DEVIATION_EPSILON)
            spread = tf.tile(tf.reduce_mean(spread, axis=3, keepdims=True), [1, size, 1, 1])
            spread = tf.broadcast_to(tf.reshape(spread, [batch, 1, 1, 1]), [batch, *shape[:2], 1])
            return tf.concat([x, convolver.enter(tf.cast(spread, x.dtype))], axis=3)

        return Layer("deviation", (*shape[:2], shape[2] + 1), lambda stream: {}, apply)

    return [layer] if group else []


def weighted_sum(convolver: Convolver) -> Constructor:
    """Maps [H, W, C] -> features [B, C], float32: for each channel a learned weighted sum over the places.

    The discriminative basis of R3GAN (Huang et al. 2024): a depthwise convolution as large as the map.
    """

    def layer(shape: Shape) -> Layer:
        places, channels = shape[0] * shape[1], shape[2]

        def init(stream):
            limit = math.sqrt(3.0 / places)  # the sum keeps the variance
            uniform = tf.reshape(rng.uniform(stream, (1, places * channels)), [places, channels])
            return {"weights": limit * (2.0 * uniform - 1.0)}

        def apply(params, x, stream, training):
            y = tf.reshape(tf.cast(convolver.leave(x), tf.float32), [-1, places, channels])
            return tf.reduce_sum(y * params["weights"], axis=1)

        return Layer("weighted_sum", (channels,), init, apply, places * channels, places * channels)

    return layer


def total(convolver: Convolver) -> Constructor:
    """Maps [H, W, C] -> features [B, C], float32: the sum over the places."""

    def layer(shape: Shape) -> Layer:
        return layers.function_layer(
            "total", shape[2:], lambda x: tf.reduce_sum(tf.cast(convolver.leave(x), tf.float32), axis=[1, 2])
        )

    return layer


def _in_place(name: str, convolver: Convolver, out: Shape, function) -> Layer:
    """A layer that changes the size of [N, H, W, C] by `function`, in the convolver's layout as it is."""

    def apply(x):
        if not convolver.rows_first:
            return function(x)
        height, width, batch, channels = x.shape
        y = function(tf.reshape(x, [1, height, width, batch * channels]))
        return tf.reshape(y, [*out[:2], batch, channels])

    return layers.function_layer(name, out, apply)
