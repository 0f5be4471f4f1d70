"""What every metric asks of its two sets of features before it computes."""

import numpy as np


def checked(features: np.ndarray, name: str, least: int = 2) -> np.ndarray:
    """`features` [N, D] as float32 or, where they are float64, as they are.

    Raises `ValueError`, one line, unless they are a matrix of at least `least` rows, all finite. `name` is how that
    line calls them.
    """
    features = np.asarray(features)
    if features.ndim != 2 or features.shape[1] == 0:
        raise ValueError(f"{name} features must be a matrix [samples, dimensions]; these have shape {features.shape}.")
    if len(features) < least:
        raise ValueError(f"{least} {name} samples or more are needed; there are {len(features)}.")
    if features.dtype != np.float64:
        features = features.astype(np.float32, copy=False)
    broken = len(features) - int(np.isfinite(features).all(axis=1).sum())
    if broken:
        raise ValueError(f"{name} features must be finite; {broken} of {len(features)} samples have a NaN or infinity.")
    return features


def checked_pair(real: np.ndarray, fake: np.ndarray, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Both sets `checked`, and of one dimension; raises `ValueError` otherwise."""
    real, fake = checked(real, "real", least), checked(fake, "fake", least)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"real and fake features must have one dimension; theirs are {real.shape[1]} and {fake.shape[1]}."
        )
    return real, fake
