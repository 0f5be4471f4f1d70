"""Schedules: images seen [] int64 -> a scalar tensor, evaluated in the graph.

Everything is counted in images, so that another batch size keeps a schedule's shape. The time is computed in float64:
float32 cannot count beyond 16.7 million. At both ends the value is exactly the one asked for.
"""

import math
from collections.abc import Callable

import tensorflow as tf

Schedule = Callable[[tf.Tensor], tf.Tensor]


def make(kind: str, start: float, end: float = 0.0, over_images: int = 0, warmup_images: int = 0) -> Schedule:
    """A schedule by the name of its kind: from `start` at the first image to `end` at `over_images`, where it stays.

    A constant one needs `start` alone. With `warmup_images` the value also rises from 0 in proportion to the images
    seen; the course below it is counted from the first image all the same.
    """
    schedule = SHAPES[kind](start, end, over_images)
    return warmed_up(schedule, warmup_images) if warmup_images else schedule


def constant(value: float) -> Schedule:
    """Always `value`."""
    return lambda images_seen: tf.constant(value, tf.float32)


def linear(start: float, end: float, over_images: int) -> Schedule:
    """In proportion to the images seen."""
    return lambda images_seen: _between(start, end, _progress(images_seen, over_images))


def cosine(start: float, end: float, over_images: int) -> Schedule:
    """Half a period of a cosine: level at both ends (Loshchilov & Hutter 2017, equation 5, without restarts)."""

    def schedule(images_seen: tf.Tensor) -> tf.Tensor:
        angle = math.pi * _progress(images_seen, over_images)
        return _between(start, end, (1.0 - tf.cos(angle)) / 2.0)

    return schedule


def warmed_up(schedule: Schedule, images: int) -> Schedule:
    """`schedule` times a factor that rises linearly from 0 to 1 over the first `images` (Goyal et al. 2017)."""
    return lambda images_seen: schedule(images_seen) * tf.cast(_progress(images_seen, images), tf.float32)


def _progress(images_seen: tf.Tensor, over_images: int) -> tf.Tensor:
    """The share of the way that lies behind, [] float64 in [0, 1]; nothing is left of a way of no length.

    The end is asked for by comparison: a compiler may turn the division into a product, which can miss 1.
    """
    seen = tf.cast(images_seen, tf.int64)
    share = tf.cast(seen, tf.float64) / max(over_images, 1)
    return tf.where(seen < over_images, share, tf.ones([], tf.float64))


def _between(start: float, end: float, share: tf.Tensor) -> tf.Tensor:
    """`start` at 0 and `end` at 1, both exactly; float32."""
    return tf.cast((1.0 - share) * start + share * end, tf.float32)


SHAPES: dict[str, Callable[[float, float, int], Schedule]] = {
    "constant": lambda start, end, over_images: constant(start),
    "linear": linear,
    "cosine": cosine,
}
