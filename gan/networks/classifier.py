"""A small classifier of images and one step of its training. Its features are a measure for generated images.

Convolutions with pooling and a dense layer, whose output is the features, then a dense layer to the classes.
Distances in these features say how a set of images looks to a network that knows this data set; they are no FID, whose
features are those of Inception, and their scale is another for each data set.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan.core import rng
from gan.core.base import Network, Params, Shape
from gan.core.optimizers import Moments, Optimizer
from gan.networks import layers
from gan.networks.convolutions import DIRECT

VERSION = 1  # to be raised when the same images are to give other weights or features
NUM_FEATURES = 128
WIDTHS = (32, 64, 128)  # of the first convolutions; further ones have the last width
LARGEST_SIDE = 64  # larger images are averaged over blocks of pixels first
SMALLEST_MAP = 8  # pixels a side down to which there is a pooling after each convolution


class Classifier(NamedTuple):
    """Two networks: images [B, H, W, C] in [0, 1] -> features [B, NUM_FEATURES] -> logits [B, num_classes]."""

    body: Network
    head: Network

    def init(self, stream: rng.Stream) -> Params:
        """The parameters of both."""
        return {"body": self.body.init(rng.fold(stream, 0)), "head": self.head.init(rng.fold(stream, 1))}

    def features(self, params: Params, images: tf.Tensor) -> tf.Tensor:
        """uint8 images [B, H, W, C] -> float32 [B, NUM_FEATURES], none negative."""
        return self.body.apply(
            params["body"], tf.cast(images, tf.float32) / 255.0, None, rng.stream(seed=0, step=0), False
        )

    def logits(self, params: Params, features: tf.Tensor) -> tf.Tensor:
        """Features -> float32 [B, num_classes]."""
        return self.head.apply(params["head"], features, None, rng.stream(seed=0, step=0), False)


class Fitted(NamedTuple):
    """What a training step changes."""

    params: Params
    slots: Moments


def classifier(image_shape: Shape, num_classes: int) -> Classifier:
    """The classifier of images [H, W, C]: one convolution more than poolings, and no fewer than `WIDTHS`."""
    shrink = max(1, min(image_shape[:2]) // LARGEST_SIDE)
    stack = [_pool(tf.nn.avg_pool2d, shrink)] if shrink > 1 else []
    stack += [layers.affine(2.0, -1.0)]
    side, poolings = -(-max(image_shape[:2]) // shrink), 0
    while side > SMALLEST_MAP:
        side, poolings = -(-side // 2), poolings + 1
    for i in range(max(len(WIDTHS), poolings + 1)):
        width = WIDTHS[min(i, len(WIDTHS) - 1)]
        stack += [layers.conv(DIRECT, width, 3, "SAME", scale=math.sqrt(2.0)), layers.relu()]
        stack += [_pool(tf.nn.max_pool2d, 2)] if i < poolings else []
    stack += [layers.flatten(DIRECT), layers.dense(NUM_FEATURES), layers.relu()]
    return Classifier(layers.serial(image_shape, stack), layers.serial((NUM_FEATURES,), [layers.dense(num_classes)]))


def learning_rate(count: tf.Tensor, steps: int, peak: float, warmup: float = 0.05) -> tf.Tensor:
    """The rate of update number `count` (from 1) of `steps`: up to `peak` in a straight line, down to 0 as a cosine."""
    done = tf.cast(count, tf.float32) / steps
    return peak * tf.minimum(done / warmup, 1.0) * 0.5 * (1.0 + tf.cos(math.pi * done))


def make_step(network: Classifier, optimizer: Optimizer, steps: int, peak: float) -> Callable:
    """(Fitted, count, images uint8 [B, H, W, C], labels [B]) -> (Fitted, mean loss []); pure, without randomness.

    `count` is the number of this update, from 1 to `steps`. Examples with a negative label do not count. Random shifts
    of a pixel did not make a classifier of Fashion-MNIST better in so few passes, so there are none.
    """

    def step(state: Fitted, count: tf.Tensor, images: tf.Tensor, labels: tf.Tensor) -> tuple[Fitted, tf.Tensor]:
        known = tf.cast(labels >= 0, tf.float32)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(state.params)
            logits = network.logits(state.params, network.features(state.params, images))
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(labels, 0), logits)  # [B]
            loss = tf.reduce_sum(known * losses) / tf.maximum(tf.reduce_sum(known), 1.0)
        grads = tape.gradient(loss, state.params)
        rate = learning_rate(count, steps, peak)
        return Fitted(*optimizer.update(grads, state.slots, state.params, count, rate)), loss

    return step


def _pool(pooled: Callable, size: int) -> layers.Constructor:
    """Maximum or mean over blocks of `size` x `size` pixels; what is left over at the edge makes blocks of its own."""

    def layer(shape: Shape) -> layers.Layer:
        out = (-(-shape[0] // size), -(-shape[1] // size), shape[2])
        return layers.function_layer("pool", out, lambda x: pooled(x, size, size, "SAME"))

    return layer
