"""The pairs of networks by name.

All factories take the same keyword arguments, so that any pair can stand for any other:

    generator(resolution, channels, latent_size, width, depth, output, output_scale, num_classes,
              convolver, dtype, mean)
    discriminator(resolution, channels, width, depth, dropout, input_noise, symmetric, num_classes,
                  minibatch_deviation, convolver, dtype)

Images are float32 [B, H, W, C] in [0, 1] on both sides, logits float32 [B], labels int32 [B]; `dtype` is that of the
activations, parameters stay float32. `width` counts the channels of the generator's smallest map and of the
discriminator's first convolution; `depth` 0 is the pair's own; `num_classes` 0 ignores labels and has no parameters for
them; `mean` averages a nest over the replicas; `minibatch_deviation` is the size of the groups (0: none).
"""

from collections.abc import Callable
from typing import NamedTuple

from gan.core import article, dcgan, pyramid, residual, sngan
from gan.core.layers import Network


class Pair(NamedTuple):
    """Factories of a generator and a discriminator.

    `check(resolution)` says why a size does not fit, `check_depth(depth, resolution)` why a depth does not, or nothing.
    With `has_batch_statistics` the generator normalizes by the statistics of the global batch. In one that `is_narrow`
    convolutions are too strided and have too few channels for another route than the direct one to pay.
    """

    generator: Callable[..., Network]
    discriminator: Callable[..., Network]
    check: Callable[[int], str]
    check_depth: Callable[[int, int], str]
    has_batch_statistics: bool = False
    is_narrow: bool = False


def _own_depth(depth: int, resolution: int) -> str:
    return f"a depth of {depth} is not to be had: the resolution alone gives these networks theirs" if depth else ""


PAIRS = {
    "article": Pair(article.generator, article.discriminator, pyramid.check_resolution, _own_depth),
    "dcgan": Pair(
        dcgan.generator,
        dcgan.discriminator,
        pyramid.check_resolution,
        _own_depth,
        has_batch_statistics=True,
        is_narrow=True,
    ),
    "residual": Pair(residual.generator, residual.discriminator, pyramid.check_resolution, residual.check_depth),
    "sngan": Pair(
        sngan.generator, sngan.discriminator, pyramid.check_resolution, _own_depth, has_batch_statistics=True
    ),
}
