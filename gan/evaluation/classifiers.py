"""Classifiers trained once on a data set's own labels and kept in the cache, and those trained on generated images.

The training is a function of (data, recipe, numerics): a fixed number of steps, the weights it begins with and the
order of the images addressed by the seed, so the same machine makes the same bits. The cache's key names all of these.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from gan.core import optimizers, rng
from gan.data.batches import Batches
from gan.data.source import Source, array_reader
from gan.data.splits import Splits
from gan.errors import UserError
from gan.machine import devices, environment
from gan.machine.signals import until
from gan.networks import classifier
from gan.networks.classifier import Classifier, Fitted
from gan.storage import cache

BATCH = 128
CHUNK = 40  # steps in one call of the compiled loop
_FILES = ("weights", "accuracy")
_NO_LABELS = "classifier features need labelled images; use random ones"


class Recipe(NamedTuple):
    """How a classifier is trained: so many steps, but for small sets no more than a number of passes over the data."""

    most_steps: int = 2600
    most_epochs: int = 30
    peak_learning_rate: float = 2e-3
    seed: int = 0

    def steps(self, num_examples: int) -> int:
        """How many steps there are with so many images."""
        return max(1, min(self.most_steps, self.most_epochs * num_examples // BATCH))


RECIPE = Recipe()


class TrainedClassifier(NamedTuple):
    """A classifier with its parameters, and its accuracy on labelled images that it was not trained on."""

    network: Classifier
    params: Any
    accuracy: float
    tested_on: int


def cached(splits: Splits, recipe: Recipe = RECIPE, stop: object = False) -> TrainedClassifier:
    """The classifier of a data set, trained on the images and labels of `splits.train` where the cache has none.

    Raises `UserError` if the data have no labels, and `Stopped` once `stop` is true while it is trained.
    """
    if splits.train.num_classes < 2:
        raise UserError(f"{splits.train.name} has no labels of two classes or more; {_NO_LABELS}")
    network = classifier.classifier(splits.train.image_shape, splits.train.num_classes)
    like = network.init(rng.stream(recipe.seed, step=-1))

    def build() -> tuple[np.ndarray, np.ndarray]:
        steps = recipe.steps(splits.train.num_examples)
        note = f"Training the classifier of {splits.train.name} for {steps:,} steps; this happens once."
        print(note, file=sys.stderr, flush=True)
        params = fit(network, splits.train, recipe, stop)
        return _flat(params), np.array(accuracy(network, params, splits.test), np.float64)

    weights, (share, tested_on) = cache.get(_key(splits, recipe), build, _FILES)
    return TrainedClassifier(network, _nest(weights, like), float(share), int(tested_on))


def fit(
    network: Classifier, source: Source, recipe: Recipe, stop: object = False, remedy: str = "random features"
) -> Any:
    """The parameters after training on all images and labels of `source`.

    A progress line shows on terminals. Raises `UserError`, which names the remedy, if they become not finite, and
    `Stopped` once `stop` is true.
    """
    root = rng.stream(recipe.seed, step=-1)
    optimizer = optimizers.adam(0.9, 0.999, 1e-7)
    steps = recipe.steps(source.num_examples)
    step = classifier.make_step(network, optimizer, steps, recipe.peak_learning_rate)
    chunk = _compiled(step)
    params = network.init(root)
    state, loss = Fitted(params, optimizer.init(params)), tf.zeros([])
    batches = Batches(source, seed=recipe.seed, batch=BATCH)
    with tqdm(total=steps, unit=" steps", desc="classifier", disable=None, leave=False) as bar:
        for first in until(stop, range(0, steps, CHUNK)):
            count = min(CHUNK, steps - first)
            images, labels = batches.read(first, count)
            state, loss = chunk(state, tf.constant(first, tf.int64), tf.constant(images), tf.constant(labels))
            bar.update(count)
    if not np.isfinite(loss):
        raise UserError(f"the classifier of {source.name} diverged; use {remedy}")
    return state.params


def accuracy(network: Classifier, params: Any, source: Source) -> tuple[float, int]:
    """(share of the labelled images of `source` that get their label, number of these); raises `UserError` if none."""
    classify = tf.function(lambda images: tf.argmax(network.logits(params, network.features(params, images)), axis=1))
    right = known = 0
    for first in range(0, source.num_examples, BATCH):
        rows = np.arange(first, first + BATCH) % source.num_examples  # at one size, the last batch filled up
        images, labels = source.read(rows)
        labels = labels[: source.num_examples - first]
        found = classify(tf.constant(images)).numpy()[: len(labels)]
        right += int(np.sum(found == labels))
        known += int(np.sum(labels >= 0))
    if not known:
        raise UserError(f"the images of {source.name} that would test the classifier have no labels; {_NO_LABELS}")
    return right / known, known


def classification_accuracy_score(
    images: np.ndarray, labels: np.ndarray, test: Source, recipe: Recipe = RECIPE
) -> float:
    """The accuracy on the real images of `test` of a classifier trained on generated images alone.

    images uint8 [N, H, W, C], labels integers [N] in the classes of `test`. It is bounded by that of a classifier
    trained on as many real images by the same recipe. Ravuri & Vinyals 2019, "Classification accuracy score for
    conditional generative models". Raises `UserError` if the labels are others than those of `test`.
    """
    if len(labels) != len(images) or labels.min() < 0 or labels.max() >= test.num_classes:
        raise UserError(f"the labels of the generated images are not those of the {test.num_classes} classes there are")
    labels = labels.astype(np.int32)
    source = Source(
        "generated images", len(images), test.image_shape, test.class_names, "", "", array_reader(images, labels),
        in_memory=True,
    )  # fmt: skip
    network = classifier.classifier(test.image_shape, test.num_classes)
    return accuracy(network, fit(network, source, recipe, remedy="--nocas"), test)[0]


def identity(network_params: Any) -> str:
    """sha256 (hex) of parameters: equal ones, and they alone, give equal features."""
    return hashlib.sha256(_flat(network_params).tobytes()).hexdigest()


def _compiled(step: Callable) -> Callable:
    """(state, first step, images [n, B, H, W, C], labels [n, B]) -> (state, loss of the last step), in one call."""

    @tf.function
    def chunk(state: Fitted, first: tf.Tensor, images: tf.Tensor, labels: tf.Tensor):
        loss = tf.zeros([])
        for i in tf.range(images.shape[0], dtype=tf.int64):
            state, loss = step(state, first + i + 1, images[i], labels[i])
        return state, loss

    return chunk


def _key(splits: Splits, recipe: Recipe) -> str:
    """The name in the cache of the classifier of `splits`."""
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    numerics = environment.fingerprint(devices=devices.kinds(), threads=threads)
    facts = [classifier.VERSION, recipe, BATCH, splits.train.fingerprint, splits.test.fingerprint, numerics]
    return f"classifier-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:40]}"


def _flat(params: Any) -> np.ndarray:
    """All parameters in one row, float32 [N]."""
    return np.concatenate([tensor.numpy().reshape(-1) for tensor in tf.nest.flatten(params)])


def _nest(row: np.ndarray, like: Any) -> Any:
    """The parameters of a row, in the form of `like`."""
    tensors, start = [], 0
    for tensor in tf.nest.flatten(like):
        size = tensor.shape.num_elements()
        tensors.append(tf.reshape(tf.constant(row[start : start + size]), tensor.shape))
        start += size
    return tf.nest.pack_sequence_as(like, tensors)
