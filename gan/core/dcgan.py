"""The deep convolutional pair of Radford, Metz & Chintala 2016, scaled to the sizes of small images.

Differences from the paper, all in how and not in what kind: the generator starts from the map of 4 to 8 pixels that
doubles to the image's size, so that 28 x 28 is native; it doubles by nearest upsampling and a 5 x 5 convolution where
the paper has a fractionally strided one, which leaves a checkerboard; the discriminator has no batch normalization, so
that its logits depend on each image alone and gradient penalties have a meaning.
"""

import tensorflow as tf

from gan.core import conditioning, layers, pyramid
from gan.core.blocks import deviation, halving_conv, relu
from gan.core.convolutions import Convolver
from gan.core.layers import Network
from gan.core.normalization import Mean, batch_norm, identity

_SLOPE = 0.2
_TAPS = 5


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

    Dense to a small map of `width` channels, half as many after each doubling, batch normalization and ReLU after each
    layer but the last. There is no use for `depth`.
    """
    base, doublings = pyramid.base(resolution)

    def stack(labels) -> list[layers.Constructor]:
        active = [batch_norm(convolver, mean), relu()]
        trunk = [*conditioning.joined(labels, num_classes), layers.cast(dtype)]
        trunk += [layers.dense(base * base * width), layers.to_images(convolver, base, base), *active]
        for i in range(1, doublings):
            trunk += [layers.conv(convolver, max(1, width >> i), _TAPS, "SAME", 2), *active]
        trunk += [layers.conv(convolver, channels, _TAPS, "SAME", 2, scale=output_scale)]
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
    """Images [B, resolution, resolution, channels] -> logits [B].

    Convolutions of 5 x 5 with stride 2 down to the small map, of `width` filters and twice as many each time, leaky
    ReLU and dropout after each, then a dense layer. There is no use for `depth`.
    """

    def stack(labels) -> list[layers.Constructor]:
        trunk = pyramid.image_input(input_noise, symmetric, convolver, dtype)
        for i in range(pyramid.base(resolution)[1]):
            trunk += [halving_conv(convolver, width << i, _TAPS), layers.leaky_relu(_SLOPE)]
            trunk += [layers.dropout(dropout, convolver.enter)]
        trunk += [*deviation(convolver, minibatch_deviation), layers.flatten(convolver)]
        return [*trunk, *conditioning.logits(labels, num_classes)]

    return conditioning.by_labels((resolution, resolution, channels), num_classes, stack)
