"""What any pair of networks is made by: the same for all, so that any pair can stand for any other.

Images are float32 [B, H, W, C] in [0, 1] on both sides, logits float32 [B], labels int32 [B].
"""

from typing import NamedTuple

import tensorflow as tf

from gan.core.base import Mean, Shape, identity
from gan.networks.convolutions import Convolver


class GeneratorSpec(NamedTuple):
    """A generator of images of `size` (height, width) and `channels`."""

    size: tuple[int, int]
    channels: int
    latent_size: int
    width: int  # channels of the smallest map
    output: str  # last activation: "sigmoid" or "linear"
    output_scale: float  # factor of the Glorot range of the last kernel
    convolver: Convolver
    dtype: tf.DType  # of the activations; parameters stay float32
    depth: int = 0  # blocks at each size of map; 0: as the pair has it
    num_classes: int = 0  # 0: labels are ignored, and there are no parameters for them
    mean: Mean = identity  # averages a nest over the replicas


class DiscriminatorSpec(NamedTuple):
    """A discriminator of images of `size` (height, width) and `channels`."""

    size: tuple[int, int]
    channels: int
    width: int  # channels of the first convolution; sngan: of all
    dropout: float
    input_noise: float  # standard deviation
    symmetric: bool  # whether pixels are seen in [-1, 1]
    convolver: Convolver
    dtype: tf.DType  # of the activations; parameters stay float32
    depth: int = 0  # blocks at each size of map; 0: as the pair has it
    num_classes: int = 0  # 0: labels are ignored, and there are no parameters for them
    minibatch_deviation: int = 0  # examples in each group whose deviation is seen; 0: none

    @property
    def input_shape(self) -> Shape:
        """(H, W, C) of an image."""
        return *self.size, self.channels
