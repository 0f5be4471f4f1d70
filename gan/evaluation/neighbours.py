"""Samples beside their nearest training images: a picture that shows whether they are copies."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.data.source import Source
from gan.data.splits import Splits
from gan.evaluation import features
from gan.evaluation.features import Extractor
from gan.metrics import manifold
from gan.pictures import figures

SHOWN = 10  # samples, one a row
PER_SAMPLE = 3  # neighbours in each space
_COMPARED = 1000  # samples and test images whose nearest training images give the medians
_CHUNK = 4096  # images whose pixels are compared at a time


class Nearest(NamedTuple):
    """Median distances in feature space to the nearest training image: of samples, and of other real images."""

    samples: float
    real: float
    which: str  # the other real images


def write_neighbours(path: Path, extractor: Extractor, samples: np.ndarray, splits: Splits) -> Nearest:
    """Writes the picture of the first of `samples` (uint8 [N, H, W, C]) as PNG; raises `StorageError`.

    A row holds a sample, its nearest training images in feature space, and those by their pixels, with the distances.
    Copies would lie nearer to the training images than other real images do, so these are told as well: test images,
    or where they were trained on, too, the same images to the next one.
    """
    train = splits.seen
    known, _ = features.of_source(extractor, train, np.arange(train.num_examples))
    here, _ = features.of_batches(extractor, [samples[:_COMPARED]])
    test_rows = np.arange(min(_COMPARED, splits.test.num_examples))
    others, _ = features.of_source(extractor, splits.test, test_rows)
    own, which = (1, "training images to each other") if splits.test_is_seen else (0, "test images")  # own: itself
    away = (manifold.nearest(known, some, 1 + skipped)[1][:, skipped] for some, skipped in ((here, 0), (others, own)))
    medians = Nearest(*(float(np.median(distances)) for distances in away), which)

    shown = samples[:SHOWN]
    per_sample = min(PER_SAMPLE, train.num_examples)
    by_feature = manifold.nearest(known, here[: len(shown)], per_sample)
    by_pixel = nearest_by_pixels(train, shown, per_sample)
    rows = []
    for i, sample in enumerate(shown):
        cells = [(sample, f"sample {i}")]
        for word, (indices, distances) in (("features", by_feature), ("pixels", by_pixel)):
            images = train.read(indices[i])[0]
            cells += [(image, f"{word} {away:.2f}") for image, away in zip(images, distances[i], strict=True)]
        rows.append(cells)
    heading = (
        f"Samples, and the nearest of {train.num_examples:,} training images in features ({extractor.kind}) and pixels",
        f"median distance to the nearest in features: samples {medians.samples:.2f}, {which} {medians.real:.2f}",
    )
    figures.titled_rows(path, rows, heading)
    return medians


def nearest_by_pixels(source: Source, samples: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of `samples` its k nearest images of `source` by their pixels in [0, 1]: indices, distances [N, k]."""
    flat = samples.reshape(len(samples), -1).astype(np.float32) / np.float32(255)
    rows, distances = np.empty((len(flat), 0), np.int64), np.empty((len(flat), 0))
    for start in range(0, source.num_examples, _CHUNK):
        part = np.arange(start, min(start + _CHUNK, source.num_examples))
        images = source.read(part)[0].reshape(len(part), -1).astype(np.float32) / np.float32(255)
        found, away = manifold.nearest(images, flat, min(k, len(part)))
        rows, distances = np.hstack([rows, found + start]), np.hstack([distances, away])
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        rows, distances = (np.take_along_axis(array, order, axis=1) for array in (rows, distances))
    return rows, distances
