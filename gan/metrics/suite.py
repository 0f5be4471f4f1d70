"""All metrics that compare two sets of features, by name."""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from gan.metrics import frechet, kernel, manifold

Metric = Callable[[np.ndarray, np.ndarray], dict[str, float]]  # (real [N, D], fake [M, D]) -> values by name


def evaluate(
    real: np.ndarray, fake: np.ndarray, k: int = 5, seed: int = 0, names: Iterable[str] | None = None
) -> dict[str, float]:
    """The values of the metrics `names` (all, if None) of `real` [N, D] and `fake` [M, D], after the sample sizes.

    `k` is the number of neighbours, `seed` addresses the subsets of the kernel distance. The keys are real_samples,
    fake_samples, frechet_distance, kernel_distance, kernel_distance_stderr, precision, recall, density, coverage.

    Raises `KeyError` for an unknown name, and `ValueError` for features or a `k` that a metric cannot use.
    """
    values: dict[str, float] = {"real_samples": len(real), "fake_samples": len(fake)}
    for name in METRICS if names is None else names:
        values |= METRICS[name](k, seed)(real, fake)
    return values


METRICS: dict[str, Callable[[int, int], Metric]] = {  # from (k, seed)
    "frechet": lambda k, seed: frechet.frechet,
    "kernel": lambda k, seed: partial(kernel.kernel, seed=seed),
    "manifold": lambda k, seed: partial(manifold.manifold, k=k),
}
