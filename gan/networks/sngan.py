"""The residual pair of Miyato et al. 2018, "Spectral normalization for generative adversarial networks", table 4.

Batch normalization in the generator, spectral normalization in the discriminator, the same number of channels at all
sizes. The generator starts from the map of 4 to 8 pixels that doubles to the image's size, so that 28 x 28 is native.
With classes the generator's scales and offsets are by class and the discriminator projects (Miyato & Koyama 2018).
"""

from gan.core.base import Network
from gan.networks import conditioning, layers, pyramid, sizes
from gan.networks.blocks import average_pool, deviation, pointwise, residual, total, upsample
from gan.networks.layers import Constructor
from gan.networks.normalization import batch_norm, spectral_normalization
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

_TAPS = 3
_SMALL_BLOCKS = 2  # of the discriminator, at the smallest map


def generator(spec: GeneratorSpec) -> Network:
    """Latents [B, latent_size] -> images [B, H, W, channels].

    Dense to a small map, then a block for each doubling, all of `width` channels. Labels act by the batch
    normalizations alone. There is no use for `depth`.
    """
    (rows, columns), doublings = sizes.base(spec.size)

    def stack(labels) -> list[Constructor]:
        active = [batch_norm(spec.convolver, spec.mean, labels, spec.num_classes), layers.relu()]
        main = [*active, layers.conv(spec.convolver, spec.width, _TAPS, "SAME", 2)]
        main += [*active, layers.conv(spec.convolver, spec.width, _TAPS, "SAME")]
        block = residual(main, [pointwise(spec.width), upsample(spec.convolver)])
        trunk = [
            layers.cast(spec.dtype),
            layers.dense(rows * columns * spec.width),
            layers.to_images(spec.convolver, rows, columns),
        ]
        trunk += [*[block] * doublings, batch_norm(spec.convolver, spec.mean), layers.relu()]
        trunk += [layers.conv(spec.convolver, spec.channels, _TAPS, "SAME", scale=spec.output_scale)]
        return [*trunk, *pyramid.image_output(spec)]

    return conditioning.by_labels((spec.latent_size,), spec.num_classes, stack)


def discriminator(spec: DiscriminatorSpec) -> Network:
    """Images [B, H, W, channels] -> logits [B], of parameters that have been normalized.

    A block for each halving and two at the small map, all of `width` channels; the sum over the map, dropout and a
    dense layer. There is no use for `depth`.
    """

    def conv() -> Constructor:
        return layers.conv(spec.convolver, spec.width, _TAPS, "SAME")

    def stack(labels) -> list[Constructor]:
        pool = average_pool(spec.convolver)
        first = residual([conv(), layers.relu(), conv(), pool], [pool, pointwise(spec.width)])
        halving = residual([layers.relu(), conv(), layers.relu(), conv(), pool], [pool, pointwise(spec.width)])
        plain = residual([layers.relu(), conv(), layers.relu(), conv()])
        trunk = pyramid.image_input(spec)
        trunk += [first, *[halving] * (sizes.base(spec.size)[1] - 1), *[plain] * _SMALL_BLOCKS, layers.relu()]
        trunk += [*deviation(spec.convolver, spec.minibatch_deviation), total(spec.convolver)]
        trunk += [layers.dropout(spec.dropout)]
        return [*trunk, *conditioning.logits(labels, spec.num_classes)]

    return spectral_normalization(conditioning.by_labels(spec.input_shape, spec.num_classes, stack))
