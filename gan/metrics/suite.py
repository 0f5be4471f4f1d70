"""All metrics that compare two sets of features, by name."""

from collections.abc import Callable
from functools import partial

import numpy as np

from gan.metrics import frechet, kernel, manifold

Metric = Callable[[np.ndarray, np.ndarray], dict[str, float]]  # (real [N, D], fake [M, D]) -> values by name


def evaluate(real: np.ndarray, fake: np.ndarray, k: int = 5, seed: int = 0) -> dict[str, float]:
    """The values of all metrics of `real` [N, D] and `fake` [M, D], after the sample sizes.

    `k` is the number of neighbours, `seed` addresses the subsets of the kernel distance. The keys are real_samples,
    fake_samples, frechet_distance, kernel_distance, kernel_distance_stderr, precision, recall, density, coverage.

    Raises `ValueError` for features or a `k` that a metric cannot use.
    """
    values: dict[str, float] = {"real_samples": len(real), "fake_samples": len(fake)}
    for metric in METRICS.values():
        values |= metric(k, seed)(real, fake)
    return values


METRICS: dict[str, Callable[[int, int], Metric]] = {  # from (k, seed)
    "frechet": lambda k, seed: frechet.frechet,
    "kernel": lambda k, seed: partial(kernel.kernel, seed=seed),
    "manifold": lambda k, seed: partial(manifold.manifold, k=k),
}

# Which way each metric is better: 1 for more, -1 for less, 0 for neither.
BETTER = {
    "frechet_distance": -1,
    "kernel_distance": -1,
    "kernel_distance_stderr": 0,
    "precision": 1,
    "recall": 1,
    "density": 1,
    "coverage": 1,
    "inception_score": 1,
    "class_entropy": 1,
    "smallest_class_share": 1,
    "label_agreement": 1,
    "classification_accuracy_score": 1,
}
