"""What a classifier's opinion of generated images says about their clarity, their variety and their labels."""

import numpy as np


def class_histogram(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """The share of each class among `labels` [N]: [num_classes], float64, with sum 1.

    Raises `ValueError` for no labels and for labels outside [0, num_classes).
    """
    labels = _checked_labels(labels, num_classes)
    return np.bincount(labels, minlength=num_classes) / len(labels)


def entropy(shares: np.ndarray) -> np.ndarray:
    """-sum p log p over the last axis, in nats: 0 for a single class, log C for C equal ones."""
    shares = np.asarray(shares, np.float64)
    return -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=-1)


def inception_score(probabilities: np.ndarray) -> dict[str, float]:
    """{"inception_score"} from class `probabilities` [N, C]: exp of the mean KL(p(y|x) || p(y)), from 1 to C.

    Salimans et al. 2016, "Improved techniques for training GANs", with the probabilities of any classifier in place of
    Inception's, over all samples at once: no splits, whose own marginals p(y) would make the score of the same images
    depend on the number of splits. Raises `ValueError` for what is not a probability.
    """
    probabilities = _checked_probabilities(probabilities)
    information = entropy(probabilities.mean(axis=0)) - entropy(probabilities).mean()
    return {"inception_score": float(np.exp(information))}


def class_variety(probabilities: np.ndarray) -> dict[str, float]:
    """{"class_entropy" (nats), "smallest_class_share"} of the most probable classes under `probabilities` [N, C].

    Raises `ValueError` for what is not a probability.
    """
    probabilities = _checked_probabilities(probabilities)
    shares = class_histogram(probabilities.argmax(axis=1), probabilities.shape[1])
    return {"class_entropy": float(entropy(shares)), "smallest_class_share": float(shares.min())}


def label_agreement(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """{"label_agreement"}: how often the most probable class under `probabilities` [N, C] is the label [N] asked for.

    Raises `ValueError` for what is not a probability, and for labels that do not fit.
    """
    probabilities = _checked_probabilities(probabilities)
    table = confusion(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    return {"label_agreement": float(np.trace(table) / table.sum())}


def confusion(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts [num_classes, num_classes]: in row i and column j, samples of label i that are taken for class j.

    Raises `ValueError` for labels [N] and predictions [N] of two lengths, none, or outside [0, num_classes).
    """
    labels, predicted = _checked_labels(labels, num_classes), _checked_labels(predicted, num_classes)
    if len(labels) != len(predicted):
        raise ValueError(f"there must be a label for each prediction; there are {len(labels)} and {len(predicted)}.")
    counts = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def _checked_probabilities(probabilities: np.ndarray) -> np.ndarray:
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or 0 in probabilities.shape:
        raise ValueError(
            f"class probabilities must be a matrix [samples, classes]; the shape is {probabilities.shape}."
        )
    # A NaN fails both; sums in float32 or bfloat16 are not quite 1.
    if not ((probabilities >= 0).all() and (np.abs(probabilities.sum(axis=1) - 1.0) < 0.02).all()):
        raise ValueError("class probabilities must not be negative and must have the sum 1 for each sample.")
    return probabilities


def _checked_labels(labels: np.ndarray, num_classes: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers [samples]; they are {labels.dtype} of shape {labels.shape}.")
    labels = labels.astype(np.int64)
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(f"labels must be from 0 to {num_classes - 1}; they go from {labels.min()} to {labels.max()}.")
    return labels
