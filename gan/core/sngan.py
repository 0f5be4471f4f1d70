"""The residual pair of Miyato et al. 2018, "Spectral normalization for generative adversarial networks", table 4.

Batch normalization in the generator, spectral normalization in the discriminator, the same number of channels at all
sizes. The generator starts from the map of 4 to 8 pixels that doubles to the image's size, so that 28 x 28 is native.
With classes the generator's scales and offsets are by class and the discriminator projects (Miyato & Koyama 2018).
"""

import tensorflow as tf

from gan.core import conditioning, layers, pyramid
from gan.core.blocks import average_pool, deviation, pointwise, relu, residual, total, upsample
from gan.core.convolutions import Convolver
from gan.core.layers import Constructor, Network
from gan.core.normalization import Mean, batch_norm, identity, spectral_normalization

_TAPS = 3
_SMALL_BLOCKS = 2  # of the discriminator, at the smallest map


def generator(
    *,
    resolution: int,
    channels: int,
    latent_size: int,
    width: int,
    output: str,
    output_scale: float,
    convolver: Convolver,
    dtype: tf.DType,
    depth: int = 0,
    num_classes: int = 0,
    mean: Mean = identity,
) -> Network:
    """Latents [B, latent_size] -> images [B, resolution, resolution, channels].

    Dense to a small map, then a block for each doubling, all of `width` channels. Labels act by the batch
    normalizations alone. There is no use for `depth`.
    """
    base, doublings = pyramid.base(resolution)

    def stack(labels) -> list[Constructor]:
        active = [batch_norm(convolver, mean, labels, num_classes), relu()]
        main = [*active, layers.conv(convolver, width, _TAPS, "SAME", 2)]
        main += [*active, layers.conv(convolver, width, _TAPS, "SAME")]
        block = residual(main, [pointwise(width), upsample(convolver)])
        trunk = [layers.cast(dtype), layers.dense(base * base * width), layers.to_images(convolver, base, base)]
        trunk += [*[block] * doublings, batch_norm(convolver, mean), relu()]
        trunk += [layers.conv(convolver, channels, _TAPS, "SAME", scale=output_scale)]
        return [*trunk, *pyramid.image_output(output, convolver)]

    return conditioning.by_labels((latent_size,), num_classes, stack)


def discriminator(
    *,
    resolution: int,
    channels: int,
    width: int,
    dropout: float,
    input_noise: float,
    symmetric: bool,
    convolver: Convolver,
    dtype: tf.DType,
    depth: int = 0,
    num_classes: int = 0,
    minibatch_deviation: int = 0,
) -> Network:
    """Images [B, resolution, resolution, channels] -> logits [B], of parameters that have been normalized.

    A block for each halving and two at the small map, all of `width` channels; the sum over the map, dropout and a
    dense layer. There is no use for `depth`.
    """

    def conv() -> Constructor:
        return layers.conv(convolver, width, _TAPS, "SAME")

    def stack(labels) -> list[Constructor]:
        pool = average_pool(convolver)
        first = residual([conv(), relu(), conv(), pool], [pool, pointwise(width)])
        halving = residual([relu(), conv(), relu(), conv(), pool], [pool, pointwise(width)])
        plain = residual([relu(), conv(), relu(), conv()])
        trunk = pyramid.image_input(input_noise, symmetric, convolver, dtype)
        trunk += [first, *[halving] * (pyramid.base(resolution)[1] - 1), *[plain] * _SMALL_BLOCKS, relu()]
        trunk += [*deviation(convolver, minibatch_deviation), total(convolver)]
        trunk += [layers.dropout(dropout, lambda features: features)]
        return [*trunk, *conditioning.logits(labels, num_classes)]

    return spectral_normalization(conditioning.by_labels((resolution, resolution, channels), num_classes, stack))
