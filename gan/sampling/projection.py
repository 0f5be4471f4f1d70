"""The latents whose images are nearest to a given one: a generator searched backwards, by gradient descent.

Images are compared in pixels at several scales (Bojanowski et al. 2018, "Optimizing the latent space of generative
networks") and in the features of a fixed random network, which needs neither labels nor data and looks at edges and
their places rather than at levels. The search begins at the best of many random latents and keeps their length within
that of normal ones, outside of which the generator was never trained. It is a function of the seed.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.core import optimizers, rng
from gan.core.base import Network
from gan.networks import classifier
from gan.sampling import sampler

CANDIDATES = 512  # random latents that the starts are chosen from
STARTS = 16  # latents that are searched from, at once
STEPS = 300
_RATE = 0.1  # of Adam; falls to nothing as a cosine
_BETAS = 0.9, 0.99
_FEATURES = 0.1  # weight of the relative error in features beside that in pixels
_SPREAD = 1.5  # how far from root(latent_size) a length may be: within that are 97 % of normal latents
_SMALLEST = 4  # pixels a side of the smallest scale
_EPSILON = 1e-4  # of variances: a plain photo has none


class Found(NamedTuple):
    """What was found, the nearest first: latents [S, latent_size], labels int32 [S], images uint8 [S, H, W, C]."""

    latents: np.ndarray
    labels: np.ndarray
    images: np.ndarray


class Searched(NamedTuple):
    """Latents [S, latent_size] in search, the best of each so far with its loss [S], and Adam's slots."""

    points: tf.Tensor
    slots: optimizers.Moments
    best: tf.Tensor
    losses: tf.Tensor


class Projector:
    """The search with one generator for one photo, uint8 [H, W, C]."""

    def __init__(self, generator: Network, params, latent_size: int, photo: np.ndarray, steps: int | None = None):
        self._generator, self._size, self._steps = generator, latent_size, STEPS if steps is None else steps
        self._given = params
        self._params = generator.settle(params) if generator.settle else params
        self._loss = _distance(photo)
        self._adam = optimizers.adam(*_BETAS, 1e-8)
        self._step = tf.function(self._stepped, autograph=False)
        self._judged = tf.function(lambda points, labels: self._loss(self._images(points, labels)), autograph=False)

    def search(
        self, seed: int, classes: Sequence[int], shown: Callable[[Iterable[int]], Iterable[int]] = iter
    ) -> Found:
        """The nearest images; of a conditional generator in the given `classes`, each of which is tried.

        `shown` is given the numbers of all steps and shows how far they are.
        """
        points, labels = self._starts(seed, list(classes) or [sampler.NO_CLASS])
        told = tf.constant(labels)
        state = Searched(points, self._adam.init(points), points, tf.fill([len(labels)], np.float32(np.inf)))
        for count in shown(range(1, self._steps + 1)):
            state = self._step(state, told, tf.constant(count))
        ended, before = self._judged(state.points, told).numpy(), state.losses.numpy()
        best = np.where((ended <= before)[:, None], state.points, state.best)
        order = np.argsort(np.minimum(ended, before), kind="stable")
        return self._found(best[order], labels[order])

    def random(self, seed: int, classes: Sequence[int]) -> Found:
        """The random latents that a search of this seed begins with, as they come."""
        return self._found(*self._candidates(seed, list(classes) or [sampler.NO_CLASS]))

    def _found(self, points: np.ndarray, labels: np.ndarray) -> Found:
        return Found(points, labels, sampler.images_of(self._generator, self._given, points, labels))

    def _images(self, points: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Images [B, H, W, C] in [0, 1]; the gradient passes where they are clipped, or what is white stays white."""
        raw = tf.cast(self._generator.apply(self._params, points, labels, rng.stream(0, 0), False), tf.float32)
        return raw + tf.stop_gradient(tf.clip_by_value(raw, 0.0, 1.0) - raw)

    def _candidates(self, seed: int, classes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        count = -(-max(CANDIDATES, len(classes)) // sampler.BATCH) * sampler.BATCH
        return sampler.latents(seed, 0, count, self._size).numpy(), np.resize(np.int32(classes), count)

    def _starts(self, seed: int, classes: list[int]) -> tuple[tf.Tensor, np.ndarray]:
        """The latents to search from, the best of each class first, and their labels."""
        points, labels = self._candidates(seed, classes)
        parts = [slice(first, first + sampler.BATCH) for first in range(0, len(points), sampler.BATCH)]
        losses = np.concatenate([self._judged(points[part], labels[part]).numpy() for part in parts])
        order = np.argsort(losses, kind="stable")
        _, firsts = np.unique(labels[order], return_index=True)  # the best of each class
        chosen = order[np.concatenate([np.sort(firsts), np.setdiff1d(np.arange(len(order)), firsts)])[:STARTS]]
        return _of_normal_length(tf.constant(points[chosen]), self._size), labels[chosen]

    def _stepped(self, state: Searched, labels: tf.Tensor, count: tf.Tensor) -> Searched:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(state.points)
            losses = self._loss(self._images(state.points, labels))  # [S]
        gradients = tape.gradient(losses, state.points)
        rate = _RATE * 0.5 * (1.0 + tf.cos(math.pi * tf.cast(count - 1, tf.float32) / self._steps))
        moved, slots = self._adam.update(gradients, state.slots, state.points, count, rate)
        better = losses < state.losses
        return Searched(
            points=_of_normal_length(moved, self._size),
            slots=slots,
            best=tf.where(better[:, None], state.points, state.best),
            losses=tf.where(better, losses, state.losses),
        )


def error(photo: np.ndarray, images: np.ndarray) -> np.ndarray:
    """The root mean square difference of each of the uint8 images [N, H, W, C] from the photo, in levels of 255 [N]."""
    return np.sqrt(np.square(images.astype(np.float64) - photo).mean(axis=(1, 2, 3)))


def _distance(photo: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """images [B, H, W, C] in [0, 1] -> how far each is from the photo [B], relative to what the photo has in it."""
    target = tf.constant(photo[None], tf.float32) / 255.0
    network = classifier.classifier(photo.shape, 1)
    params = network.init(rng.stream(0, step=-1))

    def features(images: tf.Tensor) -> tf.Tensor:
        return network.body.apply(params["body"], images, None, rng.stream(0, 0), False)

    scales = _scales(target)
    wanted = features(target)
    contrast = tf.math.reduce_variance(target) + _EPSILON

    def distance(images: tf.Tensor) -> tf.Tensor:
        pixels = [_mean_square(x - y) for x, y in zip(_scales(images), scales, strict=True)]
        off = tf.reduce_sum(tf.square(features(images) - wanted), axis=1)
        relative = off / (tf.reduce_sum(tf.square(wanted)) + _EPSILON)
        return tf.add_n(pixels) / (len(pixels) * contrast) + _FEATURES * relative

    return distance


def _scales(images: tf.Tensor) -> list[tf.Tensor]:
    """The images [B, H, W, C], and again and again at half the size."""
    found = [images]
    while min(found[-1].shape[1:3]) >= 2 * _SMALLEST:
        found.append(tf.nn.avg_pool2d(found[-1], 2, 2, "SAME"))
    return found


def _mean_square(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(x), axis=[1, 2, 3])


def _of_normal_length(points: tf.Tensor, size: int) -> tf.Tensor:
    """The latents, those that are shorter or longer than nearly all normal ones brought to the nearest such length."""
    length = tf.norm(points, axis=1, keepdims=True)
    middle = math.sqrt(size)
    wanted = tf.clip_by_value(length, max(0.1, middle - _SPREAD), middle + _SPREAD)
    return points * wanted / tf.maximum(length, 1e-6)
