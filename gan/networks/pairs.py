"""The pairs of networks by name."""

import sys
from collections.abc import Callable
from typing import NamedTuple

from gan.core.base import Network
from gan.networks import article, dcgan, residual, sizes, sngan
from gan.networks.sizes import Size
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec


class Pair(NamedTuple):
    """Factories of a generator and a discriminator.

    `check((height, width))` says why a size does not fit, `check_depth(depth, (height, width))` why a depth does not
    and what to do, or nothing.
    With `has_batch_statistics` the generator normalizes by the statistics of the global batch. Where the
    discriminator's first convolution has fewer channels than `narrow_below`, no other route of convolutions than the
    direct one pays: measured on CPUs without 16-bit units. With `transposes` the direct route upsamples by transposed
    convolutions.
    """

    generator: Callable[[GeneratorSpec], Network]
    discriminator: Callable[[DiscriminatorSpec], Network]
    check: Callable[[Size], str]
    check_depth: Callable[[int, Size], str]
    has_batch_statistics: bool = False
    narrow_below: int = 0
    transposes: bool = False


def _own_depth(depth: int, size: Size) -> str:
    return "the depth of these networks follows from the size of the images; leave it out" if depth else ""


PAIRS = {
    "article": Pair(article.generator, article.discriminator, article.check_size, _own_depth),
    "dcgan": Pair(
        dcgan.generator,
        dcgan.discriminator,
        sizes.check_size,
        _own_depth,
        has_batch_statistics=True,
        narrow_below=sys.maxsize,  # strided, and few channels where maps are large
    ),
    "residual": Pair(
        residual.generator,
        residual.discriminator,
        sizes.check_size,
        residual.check_depth,
        narrow_below=28,  # of 3 x 3 convolutions: with 24 channels both routes take the same time
        transposes=True,
    ),
    "sngan": Pair(
        sngan.generator,
        sngan.discriminator,
        sizes.check_size,
        _own_depth,
        has_batch_statistics=True,
        narrow_below=28,
        transposes=True,
    ),
}
