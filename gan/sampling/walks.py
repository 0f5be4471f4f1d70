"""Walks through the latents of a seed, from each to the next and back to the first, and their images as animations."""

import numpy as np

from gan.pictures import raster
from gan.sampling import sampler

_FEWEST = 2  # latents: one alone has none to go to
_FEWEST_OF_LOOP = 4  # two would be gone to and fro


def rows(seed: int, count: int, steps: int, latent_size: int) -> np.ndarray:
    """[count * steps, latent_size]: row i goes from latent i to the next one, the last one to the first."""
    return _walk(seed, max(count, _FEWEST), steps, latent_size)[: count * steps]


def loop(seed: int, cells: int, steps: int, latent_size: int) -> np.ndarray:
    """[N * steps, latent_size], a closed walk through N latents: one for each cell that is to walk it, at least 4."""
    return _walk(seed, loop_frames(cells, steps) // steps, steps, latent_size)


def loop_frames(cells: int, steps: int) -> int:
    """The length of the closed walk for so many cells."""
    return max(cells, _FEWEST_OF_LOOP) * steps


def frames(images: np.ndarray, shape: tuple[int, int], steps: int) -> list[np.ndarray]:
    """Grids of `shape` (rows, columns) uint8 [H', W', C] in which each cell walks the loop, `steps` ahead of the last.

    `images` uint8 [kinds, T, H, W, C] are the loop in each of its kinds (classes), which the rows show in turn; cells
    of one kind follow each other.
    """
    kinds, length = images.shape[:2]
    row, column = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    ahead = (row // kinds * shape[1] + column) * steps
    return [raster.grid(images[row % kinds, (t + ahead) % length], *shape) for t in range(length)]


def _walk(seed: int, count: int, steps: int, latent_size: int) -> np.ndarray:
    ends = sampler.latents(seed, 0, count, latent_size).numpy()
    return sampler.between(ends, steps).reshape(count * steps, latent_size)
