"""The directions in which latents change images most: principal components of the generator's first layer.

Härkönen et al. 2020, "GANSpace: discovering interpretable GAN controls". The first layer is linear and latents are
standard normal, so its principal components are known exactly, without drawing any: with the kernel K [latents, units]
its output z K has the covariance K' K, whose components are the images of the left singular vectors of K.
"""

from typing import NamedTuple

import numpy as np

from gan.core.base import Params
from gan.settings import Config

COUNT = 10


class Direction(NamedTuple):
    """A unit vector [latent_size] float32, and the share in (0, 1] of the first layer's variance that lies along it.

    A standard normal latent has the standard deviation 1 along it.
    """

    share: float
    vector: np.ndarray


def principal(config: Config, params: Params, count: int = COUNT) -> list[Direction]:
    """The `count` strongest directions, or as many as there are, strongest first; the largest component is positive.

    Whatever else the first layer adds, offsets and embeddings of labels, moves its mean and no direction.
    """
    kernel = first_kernel(config, params)
    strengths, vectors = np.linalg.eigh(kernel @ kernel.T)  # ascending, [N]; in columns, [N, N]
    strengths = np.maximum(strengths, 0.0)
    total = strengths.sum()
    shares = strengths / total if total > 0 else np.full_like(strengths, 1 / len(strengths))
    strongest = range(len(strengths) - 1, max(len(strengths) - 1 - count, -1), -1)
    return [Direction(float(shares[i]), _signed(vectors[:, i]).astype(np.float32)) for i in strongest]


def first_kernel(config: Config, params: Params) -> np.ndarray:
    """The kernel float64 [latent_size, units] of the layer that a generator's latents enter; also of settled ones."""
    kernel = np.asarray(params.get("parameters", params)["dense_1"]["kernel"], np.float64)
    if kernel.ndim != 2 or len(kernel) != config.latent_size:
        raise ValueError(f"a first layer of {kernel.shape} is not for latents of {config.latent_size}")
    return kernel


def _signed(vector: np.ndarray) -> np.ndarray:
    """The one of two opposite vectors whose largest component is positive."""
    return vector * np.sign(vector[np.argmax(np.abs(vector))])
