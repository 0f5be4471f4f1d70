"""The ends that all pairs of networks share: sizes of maps, how images come in and go out."""

import tensorflow as tf

from gan.networks import layers
from gan.networks.layers import Constructor
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec


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
