"""The pair of the article "Fashion GAN".

At 28 x 28 x 1, latents of 128 and the default widths they have 2,450,049 and 1,113,345 parameters and compute what the
article's Keras models compute, but for the discriminator's sigmoid, which belongs to the loss.
"""

from gan.core.base import Network
from gan.networks import conditioning, layers, pyramid, sizes
from gan.networks.blocks import deviation
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

_SLOPE = 0.2
_FULL_SIDE = 32  # above it the discriminator's first convolution has a stride
_SMALLEST = 20  # four valid 5 x 5 convolutions take 16 pixels


def check_size(size: sizes.Size) -> str:
    """Empty, or why images of (height, width) do not fit."""
    return sizes.check_size(size, _SMALLEST)


def generator(spec: GeneratorSpec) -> Network:
    """Latents [B, latent_size] -> images [B, H, W, channels].

    Dense to a small map, then upsampling convolutions to the full size, two more there and one to the channels. There
    is no use for `depth`, which `check_depth` refuses, nor for `mean`: nothing is normalized.
    """
    (rows, columns), doublings = sizes.base(spec.size)

    def block(upsample: int) -> list[layers.Constructor]:
        return [layers.conv(spec.convolver, spec.width, 5, "SAME", upsample), layers.leaky_relu(_SLOPE)]

    def stack(labels) -> list[layers.Constructor]:
        entry = [*conditioning.added(labels, spec.num_classes), layers.cast(spec.dtype)]
        entry += [
            layers.dense(rows * columns * spec.width),
            layers.leaky_relu(_SLOPE),
            layers.to_images(spec.convolver, rows, columns),
        ]
        last = layers.conv(spec.convolver, spec.channels, 4, "SAME", scale=spec.output_scale)
        return [*entry, *(doublings * block(2)), *(2 * block(1)), last, *pyramid.image_output(spec)]

    return conditioning.by_labels((spec.latent_size,), spec.num_classes, stack)


def discriminator(spec: DiscriminatorSpec) -> Network:
    """Images [B, H, W, channels] -> logits [B].

    Four valid 5 x 5 convolutions of `width` times 1, 2, 4, 8 filters, each with dropout, then dropout and a dense
    layer. Images larger than 32 pixels are brought down by the stride of the first convolution, so that the last layer
    does not grow without bound. There is no use for `depth`.
    """
    stride = max(1, 2 ** (sizes.base(spec.size)[1] - sizes.base((_FULL_SIDE, _FULL_SIDE))[1]))

    def stack(labels) -> list[layers.Constructor]:
        trunk = pyramid.image_input(spec)
        for i in range(4):
            trunk += [layers.conv(spec.convolver, spec.width * 2**i, 5, "VALID", stride=stride if i == 0 else 1)]
            trunk += [layers.leaky_relu(_SLOPE), layers.dropout(spec.dropout, spec.convolver.enter)]
        trunk += [*deviation(spec.convolver, spec.minibatch_deviation), layers.flatten(spec.convolver)]
        return [*trunk, layers.dropout(spec.dropout), *conditioning.logits(labels, spec.num_classes)]

    return conditioning.by_labels(spec.input_shape, spec.num_classes, stack)
