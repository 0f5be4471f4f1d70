"""Feature extractors: from uint8 images to the numbers that generated and real images are compared by.

An extractor says in its title what it is, because a distance means nothing without that. The features of real images
are kept in the cache, by the identity of the extractor and of the data.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.data.source import Source
from gan.data.splits import Splits
from gan.errors import UserError
from gan.evaluation import classifiers
from gan.networks import classifier
from gan.sampling import abreast
from gan.storage import cache

RANGES = {"unit": (1.0 / 255.0, 0.0), "symmetric": (2.0 / 255.0, -1.0), "bytes": (1.0, 0.0)}
BATCH = 128
_SEED = 0  # of the random network
_FILES = ("features", "probabilities")

Arrays = tuple[np.ndarray, np.ndarray]


class Extractor(NamedTuple):
    """`apply`: what `prepare` gives -> features [batch, D], class probabilities [batch, K] (K may be 0).

    `prepare`, on the host: uint8 images [batch, H, W, C] -> the array that is computed with; as they are by itself.
    """

    kind: str
    title: str  # for people, in every output
    identity: str  # hex; equal only where all features are
    apply: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    trained: classifiers.TrainedClassifier | None = None  # the classifier, where it is one
    batch: int = BATCH  # images computed at once
    prepare: Callable[[np.ndarray], np.ndarray] = np.asarray


def from_classifier(splits: Splits, recipe: classifiers.Recipe = classifiers.RECIPE, stop: object = False) -> Extractor:
    """The features of a classifier of this data set, trained if the cache has none.

    Raises `UserError` if the data have no labels, and `Stopped` once `stop` is true while it is trained.
    """
    trained = classifiers.cached(splits, recipe, stop)

    def apply(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = trained.network.features(trained.params, images)
        return features, tf.nn.softmax(trained.network.logits(trained.params, features))

    title = (
        f"classifier features of this data set ({classifier.NUM_FEATURES} numbers; not Inception), accuracy "
        f"{trained.accuracy:.2%} on {trained.tested_on:,} test images"
    )
    return Extractor("classifier", title, classifiers.identity(trained.params), tf.function(apply), trained)


def from_random(image_shape: Sequence[int]) -> Extractor:
    """The features of the same network with its weights as they were drawn: for images without labels."""
    network = classifier.classifier(tuple(image_shape), 1)
    params = network.init(rng.stream(_SEED, step=-1))

    def apply(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return network.features(params, images), tf.zeros([images.shape[0], 0])

    title = f"features of a fixed random network ({classifier.NUM_FEATURES} numbers; not Inception)"
    return Extractor("random", title, classifiers.identity(params), tf.function(apply))


def from_model(
    function: Callable[[tf.Tensor], tf.Tensor],
    name: str,
    identity: str,
    size: int,
    channels: int,
    pixel_range: str,
    image_shape: Sequence[int],
) -> Extractor:
    """The outputs of a given model: float32 [B, size, size, channels] -> [B, ..., D]; maps are averaged over positions.

    Images are resized (bilinear, antialiased; 0: left as they are), grey is repeated for 3 channels, and pixels are
    brought to `pixel_range`, a name in `RANGES`. `identity` is that of the model alone. Raises `UserError` if the model
    does not take such images.
    """
    if channels not in (0, image_shape[2]) and (channels, image_shape[2]) != (3, 1):
        raise UserError(f"{name} takes images of {channels} channels, these have {image_shape[2]}; give --channels")
    scale, offset = RANGES[pixel_range]

    def apply(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.cast(images, tf.float32)
        if size and (size, size) != tuple(images.shape[1:3]):
            x = tf.clip_by_value(tf.image.resize(x, [size, size], antialias=True), 0.0, 255.0)
        if channels == 3 and images.shape[3] == 1:
            x = tf.repeat(x, 3, axis=3)
        y = tf.cast(function(scale * x + offset), tf.float32)
        features = tf.reduce_mean(y, axis=list(range(1, len(y.shape) - 1))) if len(y.shape) > 2 else y
        return features, tf.zeros([images.shape[0], 0])

    seen = f"resized to {size} x {size}" if size and (size, size) != tuple(image_shape[:2]) else "at their own size"
    tiled = ", grey repeated for RGB" if channels == 3 and image_shape[2] == 1 else ""
    title = f"features of the model {name} (images {seen}{tiled}, pixel range {pixel_range})"
    own = hashlib.sha256(f"{identity} {size} {channels} {pixel_range}".encode()).hexdigest()
    try:
        dimensions = apply(tf.zeros([BATCH, *image_shape], tf.uint8))[0].shape
    except (tf.errors.OpError, ValueError, TypeError) as error:
        raise UserError(f"{name} does not take images {seen} ({_first_line(error)}); give --model_size") from None
    if len(dimensions) != 2 or dimensions[0] != BATCH:
        raise UserError(f"{name} gives {list(dimensions)} for {BATCH} images, not [batch, features]; use another model")
    return Extractor("saved_model", title, own, apply)


def of_batches(extractor: Extractor, batches: Iterable[np.ndarray]) -> Arrays:
    """Features [N, D] and class probabilities [N, K] of the uint8 images in all batches, both float32."""

    def extracted(batch: tuple[np.ndarray, int]) -> Arrays:
        images, count = batch
        features, probabilities = extractor.apply(tf.constant(extractor.prepare(images)))
        return np.asarray(features)[:count], np.asarray(probabilities)[:count]

    features, probabilities = zip(*abreast.mapped(extracted, _rebatched(batches, extractor.batch)), strict=True)
    return np.concatenate(features), np.concatenate(probabilities)


def of_source(extractor: Extractor, source: Source, rows: np.ndarray) -> Arrays:
    """Features and class probabilities of the images `rows` (int64 [M]) of a source, from the cache if it has them."""
    facts = f"{extractor.identity} {source.fingerprint}".encode() + rows.astype("<i8").tobytes()
    key = f"features-{hashlib.sha256(facts).hexdigest()[:40]}"
    parts = (rows[start : start + extractor.batch] for start in range(0, len(rows), extractor.batch))
    return cache.get(key, lambda: of_batches(extractor, (source.read(part)[0] for part in parts)), _FILES)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _rebatched(batches: Iterable[np.ndarray], size: int) -> Iterator[tuple[np.ndarray, int]]:
    """(images [size, H, W, C], how many of them count) from batches of any sizes; the last one is filled up.

    With one size a function is compiled once, and no image's features depend on what else there is.
    """
    left: list[np.ndarray] = []
    have = 0
    for images in batches:
        left.append(images)
        have += len(images)
        while have >= size:
            joined = np.concatenate(left) if len(left) > 1 else left[0]
            yield joined[:size], size
            left, have = [joined[size:]], have - size
    if have:
        joined = np.concatenate(left)
        yield np.concatenate([joined, np.repeat(joined[:1], size - have, axis=0)]), have
