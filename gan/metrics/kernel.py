"""The kernel distance (KID): the squared maximum mean discrepancy under a cubic kernel, without bias.

Binkowski et al. 2018, "Demystifying MMD GANs". Its expectation does not depend on the sample size, and is 0 for two
samples of one distribution; so single values may be negative.
"""

import numpy as np

from gan.metrics import samples

DIVISIONS = 10  # how often the samples are divided anew
SUBSET_SIZE = 1000


def cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The kernel (x.y / D + 1)^3 of each row of `x` [N, D] with each of `y` [M, D]: [N, M]."""
    values = x @ y.T
    values /= x.shape[1]
    values += 1.0
    return values * values * values


def discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate of MMD^2 from `x` [N, D] and `y` [M, D] (Gretton et al. 2012, equation 3), in float64."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    return _mean_of_pairs(cubic(x, x)) + _mean_of_pairs(cubic(y, y)) - 2.0 * float(cubic(x, y).mean())


def kernel(real: np.ndarray, fake: np.ndarray, seed: int, subset_size: int = SUBSET_SIZE) -> dict[str, float]:
    """{"kernel_distance", "kernel_distance_stderr"} of `real` [N, D] and `fake` [M, D] features.

    Both sets are shuffled and divided into as many disjoint subsets of `subset_size` as the smaller set allows (at
    least 2; smaller ones for few samples), `DIVISIONS` times, each time addressed by `seed`. The value is the mean over
    all pairs of subsets. The standard error comes from the spread within a division, whose subsets share no sample:
    it holds for new samples of both sides and, the divisions averaging, is rather too large than too small.

    Raises `ValueError` for fewer than 4 samples, for values that are not finite and for two dimensions.
    """
    real, fake = samples.checked_pair(real, fake, least=4)
    fewest = min(len(real), len(fake))
    size = min(subset_size, fewest // 2)
    count = fewest // size
    values = np.empty((DIVISIONS, count))
    for division in range(DIVISIONS):
        real_order = _permutation(seed, 2 * division, len(real))
        fake_order = _permutation(seed, 2 * division + 1, len(fake))
        for i in range(count):
            part = slice(i * size, (i + 1) * size)
            values[division, i] = discrepancy(real[real_order[part]], fake[fake_order[part]])
    variance = values.var(axis=1, ddof=1).mean() / count
    return {"kernel_distance": float(values.mean()), "kernel_distance_stderr": float(np.sqrt(variance))}


def _mean_of_pairs(values: np.ndarray) -> float:
    """The mean of a square matrix without its diagonal: a sample is not compared with itself."""
    return float(values.sum() - np.trace(values)) / (len(values) * (len(values) - 1))


def _permutation(seed: int, stream: int, count: int) -> np.ndarray:
    """An order of [0, count) from the words of Philox with key (seed, stream), which no version of NumPy changes."""
    words = np.random.Philox(key=np.array([seed, stream], np.uint64)).random_raw(count)
    return np.argsort(words, kind="stable")
