"""The 2048 features of Inception v3 as an extractor: images are made as large as it wants them, then computed.

They are enlarged or reduced as clean-fid does it (Parmar et al. 2022, "On aliased resizing and surprising subtleties in
GAN evaluation"): by Pillow, bicubic with antialiasing, each channel in floats, clipped and not rounded.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from gan.errors import UserError
from gan.evaluation.features import Extractor
from gan.networks import inception
from gan.networks.inception import SIZE, Normalized

BATCH = 16  # images computed at once: a larger one is no faster on a CPU, and takes 25 MB an image
_RESIZED = "bicubic of Pillow, floats, clipped"  # a part of the identity
# What the networks see of a pixel p in [0, 255] is (p - middle) / middle.
_MIDDLE = {False: 127.5, True: 128.0}
_KINDS = {False: "inception_keras", True: "inception_2015"}
_TITLES = {
    False: "Inception v3 of Keras (2048 numbers; not the network of published FID), {}",
    True: "Inception of 2015 in PyTorch's port (2048 numbers), {}",
}


def from_inception(layers: Sequence[Normalized], of_2015: bool, origin: str, image_shape: Sequence[int]) -> Extractor:
    """The features of the network with these layers; `origin` says whose weights they are.

    Raises `UserError` for images that are neither grey nor RGB.
    """
    if image_shape[2] not in (1, 3):
        raise UserError(f"Inception sees grey and RGB images, these have {image_shape[2]} channels; give --channels")
    params, middle = inception.folded(layers), _MIDDLE[of_2015]

    def apply(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.repeat(images, 3, axis=3) if images.shape[3] == 1 else images
        return inception.features(params, x / middle - 1.0, of_2015), tf.zeros([images.shape[0], 0])

    tiled = ", grey repeated for RGB" if image_shape[2] == 1 else ""
    title = f"{_TITLES[of_2015].format(origin)} (images resized to {SIZE} x {SIZE} as by clean-fid{tiled})"
    return Extractor(
        _KINDS[of_2015], title, identity(layers, of_2015), tf.function(apply), batch=BATCH, prepare=resized
    )


def identity(layers: Sequence[Normalized], of_2015: bool) -> str:
    """sha256 (hex) of all that the features depend on: the network, its weights, how images are resized."""
    digest = hashlib.sha256(f"{_KINDS[of_2015]} {_MIDDLE[of_2015]} {_RESIZED}".encode())
    for layer in layers:
        for array in layer:
            digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()


def resized(images: np.ndarray) -> np.ndarray:
    """uint8 [B, H, W, C] -> float32 [B, 299, 299, C] in [0, 255], each channel by itself."""
    found = np.empty((len(images), SIZE, SIZE, images.shape[3]), np.float32)
    for i, image in enumerate(images.astype(np.float32)):
        for channel in range(images.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(image[:, :, channel]))
            found[i, :, :, channel] = plane.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return found.clip(0.0, 255.0, out=found)
