"""Images from a generator: example i of a seed is the same however many are drawn with it."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.core.layers import Network
from gan.engine.pictures import to_uint8

_SAMPLE_STEP = -2  # the step that names the random numbers of samples; training has 0 and above
BATCH = 128

Sampler = Callable[[object, int, int], Iterator[np.ndarray]]


def make_sampler(generator: Network, latent_size: int, batch: int = BATCH) -> Sampler:
    """`sample(params, seed, count)` yields uint8 [n, H, W, C], `count` in all.

    All batches are computed at one size and the last one is cut, so that no image depends on `count`.
    """

    @tf.function(autograph=False)
    def draw(params, seed: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        address = rng.stream(seed, _SAMPLE_STEP, first)
        latents = rng.normal(rng.fold(address, 0), (batch, latent_size))
        labels = tf.fill([batch], -1)
        return generator.apply(params, latents, labels, rng.fold(address, 1), False)

    def sample(params, seed: int, count: int) -> Iterator[np.ndarray]:
        for first in range(0, count, batch):
            images = draw(params, tf.constant(seed, tf.int64), tf.constant(first, tf.int64))
            yield to_uint8(images.numpy())[: count - first]

    return sample
