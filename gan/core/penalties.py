"""Penalties on the discriminator: (critic, images [B, H, W, C]) -> [B], in float32."""

from collections.abc import Callable

import tensorflow as tf

Critic = Callable[[tf.Tensor], tf.Tensor]
Penalty = Callable[[Critic, tf.Tensor], tf.Tensor]


def r1(gamma: float) -> Penalty:
    """gamma / 2 |d critic / d image|^2 for each image (Mescheder et al. 2018, equation 9); images in [0, 1]."""

    def penalty(critic: Critic, images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = critic(images)  # [B]
        gradient = tape.gradient(logits, images)  # [B, H, W, C]: an example's logit depends on its own image alone
        return gamma / 2.0 * tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3])

    return penalty
