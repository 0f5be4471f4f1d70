"""How the images of a chunk come to the devices that train on them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.data.batches import Batches
from gan.training import pace

PADDED_BYTES = 1 << 26  # of images in a chunk that always has the same number of them, at most


class Feed(NamedTuple):
    """`read(step, count)`: what a chunk is given for the steps after `step`, arrays [count, draws * B, ...] as `specs`.

    Within the graph `images(*parts)` makes (images uint8 [b, H, W, C], labels int32 [b]) of a replica's part [b, ...]
    of each in one step. A chunk takes at most `most_steps`.
    """

    read: Callable[[int, int], tuple[np.ndarray, ...]]
    specs: tuple[tf.TensorSpec, ...]
    images: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    most_steps: int

    def nothing(self) -> tuple[np.ndarray, ...]:
        """What a chunk of no steps is given."""
        return tuple(np.zeros([0, *spec.shape[1:]], spec.dtype.as_numpy_dtype) for spec in self.specs)


def streamed(batches: Batches, padded: bool = False) -> Feed:
    """The images themselves are sent with each chunk; `padded` ones have the space of the longest."""
    width, shape = batches.draws * batches.batch, batches.source.image_shape
    specs = tf.TensorSpec([None, width, *shape], tf.uint8), tf.TensorSpec([None, width], tf.int32)
    most_bytes = PADDED_BYTES if padded else pace.CHUNK_BYTES
    most_steps = max(1, most_bytes // (width * batches.source.image_bytes))
    return Feed(batches.read, specs, lambda images, labels: (images, labels), most_steps)
