"""The ends that all pairs of networks share: sizes of maps, how images come in and go out."""

import tensorflow as tf

from gan.core.base import Shape
from gan.networks import layers
from gan.networks.layers import Constructor, Layer
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec


def image_input(spec: DiscriminatorSpec) -> list[Constructor]:
    """Float32 images [B, H, W, C] in [0, 1] -> maps in the convolver's layout."""
    stack = [layers.gaussian_noise(spec.input_noise)]
    stack += [layers.affine(2.0, -1.0)] if spec.symmetric else []
    stack += [patches(spec.patch)] if spec.patch > 1 else []
    return [*stack, layers.cast(spec.dtype), layers.enter(spec.convolver)]


def image_output(spec: GeneratorSpec) -> list[Constructor]:
    """Maps of the channels of an image's patches in the convolver's layout -> float32 images [B, H, W, C].

    The output is "sigmoid", or "linear": 1/2 + x/2, which the caller clips to [0, 1] to show it.
    """
    last = layers.sigmoid() if spec.output == "sigmoid" else layers.affine(0.5, 0.5)
    joined = [pixels(spec.patch)] if spec.patch > 1 else []
    return [layers.leave(spec.convolver), *joined, layers.cast(tf.float32), last]


def patches(side: int) -> Constructor:
    """[B, H, W, C] -> [B, H / side, W / side, side side C]: the pixels of each square as channels of one place."""

    def layer(shape: Shape) -> Layer:
        height, width, channels = shape
        out = (height // side, width // side, side * side * channels)
        return layers.function_layer("patches", out, lambda x: tf.nn.space_to_depth(x, side))

    return layer


def pixels(side: int) -> Constructor:
    """[B, H, W, side side C] -> [B, side H, side W, C]: back from `patches`."""

    def layer(shape: Shape) -> Layer:
        height, width, channels = shape
        out = (side * height, side * width, channels // side**2)
        return layers.function_layer("pixels", out, lambda x: tf.nn.depth_to_space(x, side))

    return layer
