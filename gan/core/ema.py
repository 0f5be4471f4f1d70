"""The moving average of the generator's parameters: what samples, metrics and exports are made of."""

import math

import tensorflow as tf

from gan.core.base import Nest

_SMALLEST = 1e-8  # images; a half-life of 0 forgets everything


def update(
    averages: Nest, params: Nest, images_seen: tf.Tensor, batch: int, half_life: float | tf.Tensor, ramp: float = 0.05
) -> Nest:
    """The averages after an update of `params` on a global batch of `batch` images.

    The weight of what was before halves with every `half_life` images. While the run is young the half-life is only
    `ramp` times the images seen before this update, as long as that is less: the first weights, which are noise, are
    forgotten soon (as the code of StyleGAN2-ADA has it: Karras et al. 2020, "Training generative adversarial networks
    with limited data"). A ramp of 0 turns that off. At the first update the averages become the parameters, exactly.
    """
    half_life = tf.cast(half_life, tf.float32)
    if ramp:
        half_life = tf.minimum(half_life, ramp * tf.cast(images_seen, tf.float32))
    keep = tf.exp(-math.log(2.0) * batch / tf.maximum(half_life, _SMALLEST))
    return tf.nest.map_structure(lambda average, new: new + keep * (average - new), averages, params)
