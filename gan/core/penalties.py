"""Penalties on the discriminator's slope: (critic, real [B, H, W, C], fake, stream) -> [B], in float32.

A critic is the discriminator as a function of images alone, and a penalty is made of the gradient of its logits in
them; an example's logit is taken to depend on its own image. It takes [B, ...], or [2B, ...] with a real image and the
fake beside it in turn. Images are in [0, 1], and those that the discriminator
sees: behind the augmentation where there is one. The weight may be a scalar tensor.

`inner_scale` multiplies the logits before that gradient is taken and divides it in float32 afterwards: a discriminator
in float16 loses small gradients otherwise. With a power of two this changes no bit in float32. It is itself the first
gradient that a network in float16 sees, so it must be at most 2^15.
"""

from collections.abc import Callable

import tensorflow as tf

from gan.core import loss_scale, rng
from gan.core.base import Nest, Scalar
from gan.core.loss_scale import Scale

Critic = Callable[[tf.Tensor], tf.Tensor]
Penalty = Callable[[Critic, tf.Tensor, tf.Tensor, rng.Stream], tf.Tensor]

_SMALLEST = 1e-30  # the root of 0 has no slope


def r1(weight: Scalar, inner_scale: Scalar = 1.0) -> Penalty:
    """weight / 2 |d critic / d image|^2 for each real image (Mescheder et al. 2018, equation 9)."""
    return lambda critic, real, fake, stream: weight / 2.0 * _squared_slope(critic, real, inner_scale)


def r2(weight: Scalar, inner_scale: Scalar = 1.0) -> Penalty:
    """The same on fakes (Mescheder et al. 2018, equation 10)."""
    return lambda critic, real, fake, stream: weight / 2.0 * _squared_slope(critic, fake, inner_scale)


def r1_r2(weight: Scalar, inner_scale: Scalar = 1.0) -> Penalty:
    """Both, with one weight (Huang et al. 2024: together they make relativistic pairing converge).

    In one pass: the operations of narrow networks are the faster the more images they are given.
    """

    def penalty(critic: Critic, real: tf.Tensor, fake: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
        both = tf.reshape(tf.stack([real, fake], axis=1), [-1, *real.shape[1:]])
        return weight / 2.0 * tf.reduce_sum(tf.reshape(_squared_slope(critic, both, inner_scale), [-1, 2]), axis=1)

    return penalty


def wgan_gp(weight: Scalar, inner_scale: Scalar = 1.0, centre: float = 1.0) -> Penalty:
    """weight (|d critic / d image| - centre)^2 at a random point between a real image and a fake.

    Gulrajani et al. 2017, equation 3. The centre 0 penalizes every slope (Thanh-Tung et al. 2019).
    """

    def penalty(critic: Critic, real: tf.Tensor, fake: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
        share = rng.uniform(stream, (real.shape[0], 1, 1, 1))
        return weight * _from_centre(critic, share * real + (1.0 - share) * fake, inner_scale, centre)

    return penalty


def dragan(weight: Scalar, inner_scale: Scalar = 1.0, centre: float = 1.0, deviation: float = 0.1) -> Penalty:
    """weight (|d critic / d image| - centre)^2 at real images with Gaussian noise (Kodali et al. 2017).

    `deviation` is that of the noise, in units of the pixels' range.
    """

    def penalty(critic: Critic, real: tf.Tensor, fake: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
        return weight * _from_centre(critic, real + deviation * rng.normal(stream, real.shape), inner_scale, centre)

    return penalty


def lazy_gradient(
    value: Callable[[Nest], tf.Tensor], params: Nest, update: tf.Tensor, every: int, scale: Scale = ()
) -> tuple[tf.Tensor, Nest]:
    """(`every` times value(params), its gradient) in updates number 0, every, 2 every, ...; zeros in all others.

    Lazy regularization (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", appendix B): the
    factor keeps the penalty's strength over time. Between its turns nothing of it is computed, the penalty's own
    gradients included, also in a compiled graph. The value returned is what this update adds to the loss, so its mean
    over many updates is that of the penalty. `value(params) -> []` has to be a function of the params it is given. The
    gradient is that times the `scale`, if there is one.
    """

    def due() -> tuple[tf.Tensor, Nest]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(params)
            penalty = every * value(params)
        # A penalty on slopes does not see the last bias.
        zero = tf.UnconnectedGradients.ZERO
        return penalty, loss_scale.gradient(tape, penalty, params, scale, unconnected_gradients=zero)

    def not_due() -> tuple[tf.Tensor, Nest]:
        return tf.zeros([]), tf.nest.map_structure(tf.zeros_like, params)

    return due() if every == 1 else tf.cond(tf.equal(update % every, 0), due, not_due)


def _squared_slope(critic: Critic, images: tf.Tensor, inner_scale: Scalar) -> tf.Tensor:
    """|d critic / d image|^2 for each image, [B] float32."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = critic(images)  # [B]
    upstream = tf.fill(logits.shape, tf.cast(inner_scale, logits.dtype))
    gradient = tape.gradient(logits, images, output_gradients=upstream)  # [B, H, W, C]
    return tf.reduce_sum(tf.square(tf.cast(gradient, tf.float32) / inner_scale), axis=[1, 2, 3])


def _from_centre(critic: Critic, images: tf.Tensor, inner_scale: Scalar, centre: float) -> tf.Tensor:
    """(|d critic / d image| - centre)^2 for each image, [B] float32; its gradient is finite at a slope of 0."""
    return tf.square(tf.sqrt(tf.maximum(_squared_slope(critic, images, inner_scale), _SMALLEST)) - centre)


PENALTIES: dict[str, Callable[..., Penalty]] = {
    "r1": r1,
    "r2": r2,
    "r1_r2": r1_r2,
    "wgan_gp": wgan_gp,
    "dragan": dragan,
}
