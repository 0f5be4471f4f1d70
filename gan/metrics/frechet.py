"""The Frechet distance between two sets of features, each taken for a Gaussian.

Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (as FID, on
features of Inception); Dowson and Landau 1982. The value is biased upwards by about 1/N: compare equal sample sizes.
"""

import numpy as np

from gan.metrics import samples

BLOCK_ROWS = 4096  # rows that are float64 at a time


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [D] and the covariance [D, D] (divided by N - 1) of `features` [N, D], in float64.

    Raises `ValueError` for fewer than 2 samples and for values that are not finite.
    """
    features = samples.checked(features, "these")
    mean = features.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((len(mean), len(mean)))
    for start in range(0, len(features), BLOCK_ROWS):
        centred = features[start : start + BLOCK_ROWS] - mean
        covariance += centred.T @ centred
    return mean, covariance / (len(features) - 1)


def distance(m1: np.ndarray, c1: np.ndarray, m2: np.ndarray, c2: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(c1 + c2 - 2 (c1 c2)^1/2) of means [D] and covariances [D, D]: squared Wasserstein-2 distance.

    With c1 = A A' and c2 = B B' the trace of the root is the sum of the singular values of A' B. That is real, needs no
    inverse, and loses no digits where a covariance is singular, as it is with fewer samples than dimensions.
    Never negative: what rounding leaves below 0 is 0. Raises `ValueError` for shapes that do not belong together.
    """
    if not (m1.shape == m2.shape and c1.shape == c2.shape == m1.shape * 2):
        raise ValueError(f"moments do not fit: means {m1.shape}, {m2.shape}, covariances {c1.shape}, {c2.shape}.")
    overlap = _factor(c1).T @ _factor(c2)
    root_trace = np.linalg.svd(overlap, compute_uv=False).sum()
    difference = m1 - m2
    return max(0.0, float(difference @ difference + np.trace(c1) + np.trace(c2) - 2.0 * root_trace))


def frechet(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    """{"frechet_distance"} of `real` [N, D] and `fake` [M, D] features.

    Raises `ValueError` for fewer than 2 samples, for values that are not finite and for two dimensions.
    """
    real, fake = samples.checked_pair(real, fake)
    return {"frechet_distance": distance(*moments(real), *moments(fake))}


def _factor(covariance: np.ndarray) -> np.ndarray:
    """A [D, R] with A A' = covariance; R is its numerical rank, counted as `numpy.linalg.matrix_rank` counts."""
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > variances[-1] * len(variances) * np.finfo(np.float64).eps
    return directions[:, kept] * np.sqrt(variances[kept])
