"""The ends that all pairs of networks share: sizes of maps, how images come in and go out."""

import tensorflow as tf

from gan.networks import layers
from gan.networks.layers import Constructor
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

_LARGEST_BASE = 8  # networks end at a map of 4 to 8 pixels a side
_SMALLEST = 10  # with one doubling


def check_resolution(resolution: int, smallest: int = _SMALLEST) -> str:
    """Empty if `resolution` is 4 to 8 pixels times 2, 4, 8, ... and not below `smallest`; otherwise the reason."""
    if resolution < smallest:
        return f"{resolution} pixels a side are too few for these networks, {smallest} are the least"
    if base(resolution)[0] > _LARGEST_BASE:
        return f"{resolution} pixels a side are not a base of 4 to 8 times a power of two (28, 32, 40, 48, 56, 64, ...)"
    return ""


def base(resolution: int) -> tuple[int, int]:
    """(side of the smallest map, number of doublings from it to `resolution`)."""
    side, doublings = resolution, 0
    while side > _LARGEST_BASE and side % 2 == 0:
        side, doublings = side // 2, doublings + 1
    return side, doublings


def image_input(spec: DiscriminatorSpec) -> list[Constructor]:
    """Float32 images [B, H, W, C] in [0, 1] -> maps in the convolver's layout."""
    stack = [layers.gaussian_noise(spec.input_noise)]
    stack += [layers.affine(2.0, -1.0)] if spec.symmetric else []
    return [*stack, layers.cast(spec.dtype), layers.enter(spec.convolver)]


def image_output(spec: GeneratorSpec) -> list[Constructor]:
    """Maps of the image's channels in the convolver's layout -> float32 images [B, H, W, C].

    The output is "sigmoid", or "linear": 1/2 + x/2, which the caller clips to [0, 1] to show it.
    """
    last = layers.sigmoid() if spec.output == "sigmoid" else layers.affine(0.5, 0.5)
    return [layers.leave(spec.convolver), layers.cast(tf.float32), last]
