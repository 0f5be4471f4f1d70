"""What a rival trains on, read from the files that bin/bench names."""

from pathlib import Path

import numpy as np

NOISE_SHAPE = (28, 28, 1)


def images(path: Path | None, batch: int) -> np.ndarray:
    """Uint8 [N, H, W, C] with N at least `batch`; noise without a file."""
    if path is None:
        return np.random.default_rng(0).integers(0, 256, (max(1024, batch), *NOISE_SHAPE), np.uint8)
    there = np.load(path)
    return np.tile(there, (-(-batch // len(there)), 1, 1, 1))


def labels(path: Path | None, number: int, num_classes: int) -> np.ndarray:
    """Int64 [number], in the order of the images; the classes in turn without a file."""
    return np.resize(np.arange(max(num_classes, 1)) if path is None else np.load(path), number).astype(np.int64)
