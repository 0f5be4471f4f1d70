"""A residual pair without any normalization.

What takes its place is the initialization: the last convolution of each block is zero, so that the networks begin as a
few linear layers, and the convolution before it is scaled down with the number of blocks (Zhang, Dauphin & Ma 2019,
"Fixup"; Huang et al. 2024, "The GAN is dead; long live the GAN!", from where the head of the discriminator is, too).
Channels are many where maps are small and few at the full size, where they cost most.
"""

import math

from gan.core.base import Network
from gan.networks import conditioning, layers, pyramid, sizes
from gan.networks.blocks import average_pool, deviation, pointwise, residual, upsample, weighted_sum
from gan.networks.convolutions import Convolver
from gan.networks.layers import Constructor
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

_SLOPE = 0.2
_MOST_BLOCKS = 48
_TAPS = 3
_FEWEST = 16  # channels that a map has at least, unless the first has fewer
_GAIN = math.sqrt(2.0 / (1.0 + _SLOPE**2))  # keeps the variance through a leaky ReLU (He et al. 2015)


def check_depth(depth: int, size: sizes.Size) -> str:
    """Empty, or why so many blocks at each size are too many: each layer draws from one of 63 random streams."""
    _, doublings = sizes.base(size)
    most = _MOST_BLOCKS // (doublings + 1)
    where = f"each of the {doublings + 1} sizes of map"
    return f"at most {most} blocks fit at {where}; give a smaller one" if depth > most else ""


def generator(spec: GeneratorSpec) -> Network:
    """Latents [B, latent_size] -> images [B, H, W, channels].

    Dense to a small map of `width` channels, then `depth` blocks (0: one) at each size; the first after a doubling
    brings the upsampling and halves the channels. There is no use for `mean`: nothing is normalized.
    """
    (rows, columns), doublings = sizes.base(spec.size)
    convolver, width, depth = spec.convolver, spec.width, spec.depth or 1
    scale = _GAIN / math.sqrt(depth * (doublings + 1))

    def block(filters: int, doubled: bool) -> Constructor:
        first = layers.conv(convolver, filters, _TAPS, "SAME", 2 if doubled else 1, scale=scale)
        return residual(
            [layers.leaky_relu(_SLOPE), first, *_last(convolver, filters)],
            [pointwise(filters), upsample(convolver)] if doubled else [],
        )

    def stack(labels) -> list[Constructor]:
        trunk = [*conditioning.added(labels, spec.num_classes), layers.cast(spec.dtype)]
        trunk += [layers.dense(rows * columns * width), layers.to_images(convolver, rows, columns)]
        trunk += [block(width, doubled=False)] * depth
        for i in range(1, doublings + 1):
            filters = min(width, max(width >> i, _FEWEST))
            trunk += [block(filters, doubled=True), *[block(filters, doubled=False)] * (depth - 1)]
        trunk += [layers.leaky_relu(_SLOPE)]
        trunk += [layers.conv(convolver, spec.channels, _TAPS, "SAME", scale=spec.output_scale)]
        return [*trunk, *pyramid.image_output(spec)]

    return conditioning.by_labels((spec.latent_size,), spec.num_classes, stack)


def discriminator(spec: DiscriminatorSpec) -> Network:
    """Images [B, H, W, channels] -> logits [B].

    A convolution to `width` channels, then `depth` blocks (0: one) at each size; the last before a halving pools and
    doubles the channels. With `minibatch_deviation` another convolution sees it. For each channel a weighted sum over
    the small map makes a feature; dropout and a dense layer follow.
    """
    _, halvings = sizes.base(spec.size)
    convolver, width, depth = spec.convolver, spec.width, spec.depth or 1
    scale = _GAIN / math.sqrt(depth * (halvings + 1))

    def block(filters: int, out: int) -> Constructor:
        first = [layers.leaky_relu(_SLOPE), layers.conv(convolver, filters, _TAPS, "SAME", scale=scale)]
        if filters == out:
            return residual([*first, *_last(convolver, filters)])
        # Pooling comes before the last convolution, which then costs a quarter.
        last = [layers.leaky_relu(_SLOPE), average_pool(convolver), layers.conv(convolver, out, _TAPS, "SAME", scale=0)]
        return residual([*first, *last], [average_pool(convolver), pointwise(out)])

    def stack(labels) -> list[Constructor]:
        trunk = pyramid.image_input(spec)
        trunk += [layers.conv(convolver, width, _TAPS, "SAME")]
        for i in range(halvings):
            trunk += [*[block(width << i, width << i)] * (depth - 1), block(width << i, width << (i + 1))]
        small = width << halvings
        trunk += [block(small, small)] * depth
        if spec.minibatch_deviation:
            trunk += deviation(convolver, spec.minibatch_deviation)
            trunk += [layers.conv(convolver, small, _TAPS, "SAME")]
        trunk += [layers.leaky_relu(_SLOPE), weighted_sum(convolver)]
        trunk += [layers.dropout(spec.dropout)]
        return [*trunk, *conditioning.logits(labels, spec.num_classes)]

    return conditioning.by_labels(spec.input_shape, spec.num_classes, stack)


def _last(convolver: Convolver, filters: int) -> list[Constructor]:
    """The second half of a block at one size: zero at first."""
    return [layers.leaky_relu(_SLOPE), layers.conv(convolver, filters, _TAPS, "SAME", scale=0.0)]
