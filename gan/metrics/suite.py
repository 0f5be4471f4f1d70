"""The table of all metrics: what each is made of, its function, and which way each of its values is better.

A new metric is one function in this folder and one line in `METRICS`. Beside this folder only NumPy is imported: the
table also gives a setting its choices, before the flags are parsed.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gan.metrics import classification, frechet, kernel, manifold

NEIGHBOURS = 5  # k of precision, recall, density and coverage, unless another is given
SEED = 0  # of the subsets of the kernel distance (and of the latents), unless another is given
SHARE = "class_share/"  # before the class, in the name of the share of generated images taken for it
SCORE = "classification_accuracy_score"


class Inputs(NamedTuple):
    """What metrics are made of; None is what these images or their features do not have."""

    real: np.ndarray  # features [N, D]
    fake: np.ndarray  # features [M, D] of the generated images, which the following are of as well
    probabilities: np.ndarray | None = None  # [M, C] of the classes, under a classifier
    class_names: tuple[str, ...] | None = None  # of the C classes, where the share of each is wanted
    labels: np.ndarray | None = None  # int [M], the classes that were asked for
    k: int = NEIGHBOURS
    seed: int = SEED


class Metric(NamedTuple):
    """A function of some of the `Inputs`, which gives values by name."""

    function: Callable[..., dict[str, float]]
    inputs: tuple[str, ...]  # names of its arguments, in order
    better: Mapping[str, int]  # which way each of its values is: 1 for more, -1 for less, 0 for neither


def evaluate(inputs: Inputs) -> dict[str, float]:
    """The values, by name, of all metrics that can be made of `inputs`, in the order of the table.

    Raises `ValueError` for features, probabilities, labels or a `k` that a metric cannot use.
    """
    there = {name: value for name, value in inputs._asdict().items() if value is not None}
    values: dict[str, float] = {}
    for metric in METRICS:
        if there.keys() >= set(metric.inputs):
            values |= metric.function(*(there[name] for name in metric.inputs))
    return values


def class_shares(probabilities: np.ndarray, class_names: tuple[str, ...]) -> dict[str, float]:
    """{`SHARE` + class name} for each class: how often it is the most probable one under `probabilities` [N, C]."""
    shares = classification.class_histogram(probabilities.argmax(axis=1), probabilities.shape[1])
    return {f"{SHARE}{name}": float(share) for name, share in zip(class_names, shares, strict=True)}


METRICS = (
    Metric(frechet.frechet, ("real", "fake"), {"frechet_distance": -1}),
    Metric(kernel.kernel, ("real", "fake", "seed"), {"kernel_distance": -1, "kernel_distance_stderr": 0}),
    Metric(manifold.manifold, ("real", "fake", "k"), {"precision": 1, "recall": 1, "density": 1, "coverage": 1}),
    Metric(classification.inception_score, ("probabilities",), {"inception_score": 1}),
    Metric(classification.class_variety, ("probabilities",), {"class_entropy": 1, "smallest_class_share": 1}),
    Metric(class_shares, ("probabilities", "class_names"), {}),
    Metric(classification.label_agreement, ("probabilities", "labels"), {"label_agreement": 1}),
)

# By the name of a value: what it is made of, and its direction. The score is made by training a classifier, not here.
INPUTS = {name: metric.inputs for metric in METRICS for name in metric.better}
BETTER = {name: way for metric in METRICS for name, way in metric.better.items()} | {SCORE: 1}
# The values by which the best checkpoint can be chosen: those with a direction that are measured while a run trains.
KEEP_BEST = tuple(name for name in INPUTS if BETTER[name])
