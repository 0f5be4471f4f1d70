"""Labels in a network: added to the generator's latents, projected on the discriminator's features.

Layers take labels by being made of them: `by_labels` builds the layers anew for the labels of a call. Labels are int32
[B]; one outside of [0, num_classes) stands for no class: its embedding is zero. A discriminator also takes [B, K], K
labels to be judged with each image, and answers with [B, K] logits. Embeddings are products with one-hot
vectors, whose gradient is an ordinary tensor and a sum in a fixed order.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from gan.core import rng
from gan.core.base import Network, Shape
from gan.networks import layers
from gan.networks.layers import Constructor, Layer


def by_labels(input_shape: Shape, num_classes: int, stack: Callable[[tf.Tensor | None], list[Constructor]]) -> Network:
    """The network of the layers `stack(labels)`; with `num_classes` 0 that of `stack(None)`, which ignores labels."""
    plain = layers.serial(input_shape, stack(None))
    if not num_classes:
        return plain

    def apply(params, x, labels, stream, training):
        return layers.serial(input_shape, stack(labels)).apply(params, x, labels, stream, training)

    return plain._replace(apply=apply)


def embedded(labels: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """Rows [B, N] of `table` [num_classes, N] by label."""
    return tf.matmul(tf.one_hot(labels, table.shape[0], dtype=table.dtype), table)


def added(labels: tf.Tensor | None, num_classes: int) -> list[Constructor]:
    """[B, N] -> [B, N]: the latents moved by their label's embedding, at first of length 1 where they have sqrt(N).

    Added, not put beside them: classes may overlap as real ones do. As long as the latents, the embedding would be
    learned before them: all images of a class become the same one. No layer at all if there are no classes.
    """

    def layer(shape: Shape) -> Layer:
        def init(stream):
            return {"embedding": rng.normal(stream, (num_classes, shape[0])) / math.sqrt(shape[0])}

        def apply(params, x, stream, training):
            return x + tf.cast(embedded(labels, params["embedding"]), x.dtype)

        return Layer("embedding", shape, init, apply, num_classes * shape[0])

    return [layer] if num_classes else []


def logits(labels: tf.Tensor | None, num_classes: int) -> list[Constructor]:
    """Features [B, N] -> float32 logits [B]: a dense layer, with classes a projection discriminator.

    Labels of [B, K] lead to [B, K].
    """
    head = projection(labels, num_classes) if num_classes else layers.dense(1)
    return [head, layers.cast(tf.float32), *([] if _several(labels) else [_column])]


def projection(labels: tf.Tensor | None, num_classes: int) -> Constructor:
    """Features [B, N] -> [B, 1]: w f + b + <embedding of the label, f> (Miyato & Koyama 2018, figure 1d), float32.

    Of labels [B, K] each has its column in [B, K]: further labels cost no further pass through the network.
    """

    def layer(shape: Shape) -> Layer:
        size = shape[0]

        def init(stream):
            kernel, embedding = (
                layers.glorot_uniform(rng.fold(stream, i), s) for i, s in enumerate([(size, 1), (num_classes, size)])
            )
            return {"kernel": kernel, "bias": tf.zeros([1]), "embedding": embedding}

        def apply(params, x, stream, training):
            x = tf.cast(x, tf.float32)
            # Slices: what unstacks integers on a GPU gives them to the host, which waits for them.
            columns = [labels[:, i] for i in range(labels.shape[1])] if _several(labels) else [labels]
            inner = [tf.reduce_sum(x * embedded(column, params["embedding"]), axis=1) for column in columns]
            return tf.matmul(x, params["kernel"]) + params["bias"] + tf.stack(inner, axis=1)

        parameters = size + 1 + num_classes * size
        return Layer("projection", (1,), init, apply, parameters, 2 * size)

    return layer


def _several(labels: tf.Tensor | None) -> bool:
    """Whether labels are [B, K]."""
    return labels is not None and len(labels.shape) == 2


def _column(shape: Shape) -> Layer:
    """[B, 1] -> [B]."""
    return Layer("column", (), lambda stream: {}, lambda params, x, stream, training: x[:, 0])
