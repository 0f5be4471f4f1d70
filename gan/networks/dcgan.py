"""The deep convolutional pair of Radford, Metz & Chintala 2016, scaled to the sizes of small images.

Differences from the paper, all in how and not in what kind: the generator starts from the map of 4 to 8 pixels that
doubles to the image's size, so that 28 x 28 is native; it doubles by nearest upsampling and a 5 x 5 convolution where
the paper has a fractionally strided one, which leaves a checkerboard; the discriminator has no batch normalization, so
that its logits depend on each image alone and gradient penalties have a meaning.
"""

from gan.core.base import Network
from gan.networks import conditioning, layers, pyramid, sizes
from gan.networks.blocks import deviation, halving_conv
from gan.networks.normalization import batch_norm
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

_SLOPE = 0.2
_TAPS = 5


def generator(spec: GeneratorSpec) -> Network:
    """Latents [B, latent_size] -> images [B, H, W, channels].

    Dense to a small map of `width` channels, half as many after each doubling, batch normalization and ReLU after each
    layer but the last. There is no use for `depth`.
    """
    (rows, columns), doublings = sizes.base(spec.size)

    def stack(labels) -> list[layers.Constructor]:
        active = [batch_norm(spec.convolver, spec.mean), layers.relu()]
        trunk = [*conditioning.added(labels, spec.num_classes), layers.cast(spec.dtype)]
        trunk += [layers.dense(rows * columns * spec.width), layers.to_images(spec.convolver, rows, columns), *active]
        for i in range(1, doublings):
            trunk += [layers.conv(spec.convolver, max(1, spec.width >> i), _TAPS, "SAME", 2), *active]
        trunk += [layers.conv(spec.convolver, spec.channels, _TAPS, "SAME", 2, scale=spec.output_scale)]
        return [*trunk, *pyramid.image_output(spec)]

    return conditioning.by_labels((spec.latent_size,), spec.num_classes, stack)


def discriminator(spec: DiscriminatorSpec) -> Network:
    """Images [B, H, W, channels] -> logits [B].

    Convolutions of 5 x 5 with stride 2 down to the small map, of `width` filters and twice as many each time, leaky
    ReLU and dropout after each, then a dense layer. There is no use for `depth`.
    """

    def stack(labels) -> list[layers.Constructor]:
        trunk = pyramid.image_input(spec)
        for i in range(sizes.base(spec.size)[1]):
            trunk += [halving_conv(spec.convolver, spec.width << i, _TAPS), layers.leaky_relu(_SLOPE)]
            trunk += [layers.dropout(spec.dropout, spec.convolver.enter)]
        trunk += [*deviation(spec.convolver, spec.minibatch_deviation), layers.flatten(spec.convolver)]
        return [*trunk, *conditioning.logits(labels, spec.num_classes)]

    return conditioning.by_labels(spec.input_shape, spec.num_classes, stack)
