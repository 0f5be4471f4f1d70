"""The engine's networks as functions of any number of examples, in operations that other runtimes have.

The parameters are constants of the function, the arithmetic is float32, images are [N, H, W, C] throughout, and no
shape but N is left open. Of an engine's network only the convolutions are others: those of the stock route ask for the
size of the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gan import build
from gan.core import rng
from gan.core.base import Network, identity
from gan.networks.convolutions import Convolver, folded_kernel, plain
from gan.settings import Config

Function = Callable[..., tf.Tensor]

LATENTS, LABELS, IMAGES, PROBABILITIES = "latents", "labels", "images", "probabilities"  # names of what goes in and out


def generator(config: Config, image_shape: Sequence[int], params: Mapping, class_shares: Sequence[float]) -> Function:
    """latents [N, latent_size] (, labels int32 [N] of a conditional run) -> images [N, H, W, C] in [0, 1].

    `params` are those of a checkpoint. Where the network normalizes, by statistics that stand still: what the engine's
    own `settle` has made of the parameters is taken as well.
    """
    network = build.sampling_generator(config, image_shape, build.PLAIN, class_shares, CONVOLVER)
    if network.settle and "statistics" not in params:
        params = build.sampling_generator(config, image_shape, build.PLAIN, class_shares).settle(params)
    constants = _constants(params)
    return lambda latents, *labels: tf.clip_by_value(_applied(network, constants, latents, *labels), 0.0, 1.0)


def discriminator(
    config: Config, image_shape: Sequence[int], params: Mapping, class_shares: Sequence[float], real_sign: float
) -> Function:
    """images [N, H, W, C] in [0, 1] (, labels) -> the probability [N, 1] that each is fake.

    For networks that look at each image alone. The logits of what is taken to be real have the sign `real_sign`.
    """
    network = build.discriminator(config, image_shape, build.PLAIN, len(class_shares), CONVOLVER)
    constants = _constants(params)
    return lambda images, *labels: tf.sigmoid(-real_sign * _applied(network, constants, images, *labels))[:, None]


def _constants(params: Any) -> Any:
    return tf.nest.map_structure(np.asarray, params)


def _applied(network: Network, constants: Any, x: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
    return network.apply(constants, x, labels, rng.stream(seed=0, step=0), False)


def generator_inputs(config: Config) -> list[tf.TensorSpec]:
    """What a generator takes: `latents`, and in a conditional run `labels`."""
    return _inputs(config, tf.TensorSpec([None, config.latent_size], tf.float32, LATENTS))


def discriminator_inputs(config: Config, image_shape: Sequence[int]) -> list[tf.TensorSpec]:
    """What a discriminator takes: `images`, and in a conditional run `labels`."""
    return _inputs(config, tf.TensorSpec([None, *image_shape], tf.float32, IMAGES))


def _inputs(config: Config, first: tf.TensorSpec) -> list[tf.TensorSpec]:
    return [first, *([tf.TensorSpec([None], tf.int32, LABELS)] if config.conditional else [])]


def _convolve(x: tf.Tensor, kernel: np.ndarray, padding: str, upsample: int = 1, stride: int = 1) -> tf.Tensor:
    """What `convolutions.plain` returns, for any number of images: the kernel of an upsampling is folded beforehand."""
    if upsample == 2 and padding == "SAME" and stride == 1:
        return _doubled(x, kernel)
    if padding == "VALID" and upsample == 1:
        return tf.nn.conv2d(x, kernel, strides=stride, padding=padding)
    return plain(x, kernel, padding, upsample, stride)


def _doubled(x: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """[N, H, W, C], [k, k, C, K] -> [N, 2 H, 2 W, K]: nearest upsampling and convolution "SAME" at the small size.

    A `folded_kernel` has zeros around what each of the four places in a block needs. For k = 3 all four fit into 2 x 2
    taps that begin one pixel apart: 4 products for each output in the place of 9.
    """
    with tf.init_scope():  # computed now, so that the function holds the result
        folded = folded_kernel(tf.constant(kernel), 2).numpy()
    if kernel.shape[0] != 3:
        return tf.nn.depth_to_space(tf.nn.conv2d(x, folded, strides=1, padding="SAME"), 2)
    _, height, width, _ = x.shape
    filters = kernel.shape[3]
    places = [(row, column) for row in (0, 1) for column in (0, 1)]
    parts = np.split(folded, 4, axis=3)  # [3, 3, C, K] each
    short = np.concatenate([part[r : r + 2, c : c + 2] for part, (r, c) in zip(parts, places, strict=True)], axis=3)
    y = tf.nn.conv2d(x, short, strides=1, padding=[[0, 0], [1, 1], [1, 1], [0, 0]])  # [N, H + 1, W + 1, 4 K]
    blocks = [y[:, r : r + height, c : c + width, i * filters : (i + 1) * filters] for i, (r, c) in enumerate(places)]
    return tf.nn.depth_to_space(tf.concat(blocks, axis=3), 2)


CONVOLVER = Convolver("portable", identity, identity, _convolve)
