"""Batch normalization outside of training: statistics that stand still, so that images do not depend on each other.

The standing statistics of Brock et al. 2019, "Large scale GAN training for high fidelity natural image synthesis".
Those of a batch are of what happens to be drawn together; of images of one class they would take away what tells it.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.core.base import Mean, Network, Params, identity

_STEP = -3  # the step that names the random numbers: training has 0 and above, samples -2
BATCHES, BATCH = 4, 128
_LATENTS, _NETWORK = range(2)  # streams


def standing(make: Callable[[Mean], Network], latent_size: int, labels: np.ndarray) -> Network:
    """The generator that `make(mean over the replicas)` makes, for use outside of training.

    It is applied with what its `settle(params)` makes of the parameters: those and the statistics of 4 batches of 128,
    averaged. They are always of the same latents, with `labels` int32 [512].
    """

    def settle(params: Params) -> Params:
        batches = np.split(labels, BATCHES)
        passes = [_statistics(make, params, i * BATCH, latent_size, part) for i, part in enumerate(batches)]
        means = [tf.add_n(values) / BATCHES for values in zip(*passes, strict=True)]
        return {"parameters": params, "statistics": {f"{i:03}": value for i, value in enumerate(means)}}

    def apply(params: Params, x: tf.Tensor, labels, stream: rng.Stream, training: bool) -> tf.Tensor:
        kept = iter(sorted(params["statistics"].items()))
        network = make(lambda of_this_batch: next(kept)[1])
        return network.apply(params["parameters"], x, labels, stream, training)

    return make(identity)._replace(apply=apply, settle=settle)


def _statistics(
    make: Callable[[Mean], Network], params: Params, first: int, latent_size: int, labels: np.ndarray
) -> list[tf.Tensor]:
    """What the normalizations ask the mean over the replicas of, in the order in which they do, for a batch."""
    seen = []

    def noted(value: tf.Tensor) -> tf.Tensor:
        seen.append(value)
        return value

    root = rng.stream(seed=0, step=_STEP, first=first)
    latents = rng.normal(rng.fold(root, _LATENTS), (BATCH, latent_size))
    make(noted).apply(params, latents, tf.constant(labels), rng.fold(root, _NETWORK), False)
    return seen
