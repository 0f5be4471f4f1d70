"""Images from a generator: example i of a seed is the same however many are drawn with it."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.core.base import Network
from gan.data import shares
from gan.pictures.raster import to_uint8
from gan.sampling import abreast
from gan.settings import Config

_SAMPLE_STEP = -2  # the step that names the random numbers of samples; training has 0 and above
_LATENTS, _NETWORK, _LABELS = range(3)  # streams below it
_MOST_ROWS = 64
_STRAIGHT = 1e-4  # the sine of an angle at which a great circle is as good as straight, or could be any
BATCH = 128
NO_CLASS = -1

Sampler = Callable[..., Iterator[np.ndarray]]
Labels = Sequence[int] | Callable[[int, int], np.ndarray] | None  # or (first, count) -> int32 [count]


def make_sampler(generator: Network, latent_size: int, batch: int = BATCH) -> Sampler:
    """`sample(params, seed, count, labels)` yields uint8 [n, H, W, C], `count` in all.

    `labels` int32 are those of a conditional generator; fewer than there are examples begin again from the first. A
    function gives those of `count` examples from `first` on. All batches are computed at one size and the last one is
    cut, so that no image depends on `count`.
    """
    render = make_renderer(generator, batch)

    def sample(params, seed: int, count: int, labels: Labels = None) -> Iterator[np.ndarray]:
        return render(params, latents_in_batches(seed, count, latent_size, batch=batch), count, labels, seed)

    return sample


def make_renderer(generator: Network, batch: int = BATCH) -> Sampler:
    """`render(params, points, count, labels, seed)` yields the images uint8 [n, H, W, C] of latents, `count` in all.

    `points` yields them in batches [batch, latent_size]; labels are as `make_sampler` takes them, and `seed` is that of
    what else the networks may draw.
    """
    settle = tf.function(generator.settle, autograph=False) if generator.settle else lambda params: params

    @tf.function(autograph=False)
    def compute(params, points: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        address = rng.fold(rng.stream(seed, _SAMPLE_STEP, first), _NETWORK)
        return generator.apply(params, points, labels, address, False)

    def render(params, points, count: int, labels: Labels = None, seed: int = 0) -> Iterator[np.ndarray]:
        settled = settle(params) if count else params
        told = labels_function(labels)

        def images(place: tuple[int, np.ndarray]) -> np.ndarray:
            first, part = place
            shaped = tf.ensure_shape(tf.constant(part), [batch, None])
            numbers = tf.constant(seed, tf.int64), tf.constant(first, tf.int64)
            drawn = compute(settled, shaped, tf.constant(told(first, batch)), *numbers)
            return to_uint8(drawn.numpy())[: count - first]

        yield from abreast.mapped(images, zip(range(0, count, batch), points, strict=True))

    return render


def images_of(generator: Network, params, points: np.ndarray, labels: Labels = None, batch: int = BATCH) -> np.ndarray:
    """The images uint8 [N, H, W, C] of the latents `points` [N, latent_size]; labels as `make_sampler` takes them."""
    render = make_renderer(generator, batch)
    return np.concatenate(list(render(params, in_batches(points, batch), len(points), labels)))


def in_batches(points: np.ndarray, batch: int = BATCH) -> np.ndarray:
    """Latents [N, latent_size] as [batches, batch, latent_size], the last one filled up with the first of them."""
    return np.resize(points, (-(-len(points) // batch), batch, points.shape[1]))


def latents(seed: int, first: int, count: int, size: int) -> tf.Tensor:
    """The latents [count, size] of the examples from `first` on."""
    return rng.normal(rng.fold(rng.stream(seed, _SAMPLE_STEP, first), _LATENTS), (count, size))


def latents_in_batches(
    seed: int, count: int, size: int, truncation: float = 1.0, batch: int = BATCH
) -> Iterator[tf.Tensor]:
    """The latents of the first `count` examples times `truncation`, [batch, size] at a time; the last goes beyond."""
    return (truncation * latents(seed, first, batch, size) for first in range(0, count, batch))


def random_labels(seed: int, count: int, class_shares: Sequence[float], first: int = 0) -> np.ndarray:
    """A class for each example from `first` on, int32 [count], each as likely as its share says."""
    return shares.labels_at(class_shares, label_places(seed, first, count).numpy())


def label_places(seed: int, first: int, count: int) -> tf.Tensor:
    """Where the labels of the examples from `first` on lie among all classes, in [0, 1): [count]."""
    return rng.uniform(rng.fold(rng.stream(seed, _SAMPLE_STEP, first), _LABELS), (count,))


def labels_function(labels: Labels) -> Callable[[int, int], np.ndarray]:
    """(first, count) -> the labels int32 [count] of the examples from `first` on; `NO_CLASS` without any."""
    if callable(labels):
        return labels
    asked = np.int32([NO_CLASS] if labels is None else labels)
    return lambda first, count: asked.take(np.arange(first, first + count), mode="wrap")


def grid_plan(config: Config, classes: Sequence[int]) -> tuple[int, int, np.ndarray | None]:
    """(rows, columns, labels) of the grids of a run: of a conditional one each row shows one of the classes."""
    if not config.conditional:
        return config.sample_rows, config.sample_columns, None
    rows = len(classes) if len(classes) <= _MOST_ROWS else config.sample_rows
    return rows, config.sample_columns, labels_by_row(rows, config.sample_columns, classes)


def labels_by_row(rows: int, columns: int, classes: Sequence[int]) -> np.ndarray:
    """Labels int32 [rows * columns] of a grid in which each row shows one of the classes, in turn."""
    return np.repeat(np.resize(np.int32(classes), rows), columns)


def between(ends: np.ndarray, steps: int) -> np.ndarray:
    """Latents [N, latent_size] -> [N, steps, latent_size]: from each to the next, from the last back to the first.

    On the great circle, where the latents between have the length of normal ones (White 2016, "Sampling generative
    networks"); on a straight line between ends in the same or in opposite directions. The first of each row is the
    latent itself.
    """
    following = np.roll(ends, -1, axis=0)
    directions = [some / np.linalg.norm(some, axis=1, keepdims=True) for some in np.float64([ends, following])]
    cosine = np.clip(np.sum(directions[0] * directions[1], axis=1), -1.0, 1.0)[:, None, None]  # [N, 1, 1]
    angle, share = np.arccos(cosine), (np.arange(steps) / steps)[None, :, None]  # [N, 1, 1], [1, steps, 1]
    sine = np.sin(angle)
    straight = sine < _STRAIGHT
    divisor = np.where(straight, 1.0, sine)
    weights = (
        np.where(straight, 1.0 - share, np.sin((1.0 - share) * angle) / divisor),
        np.where(straight, share, np.sin(share * angle) / divisor),
    )
    return (weights[0] * ends[:, None] + weights[1] * following[:, None]).astype(np.float32)
