"""Augmentation of what the discriminator sees: the same random changes for real images and fakes, differentiable.

An augmentation is (images [B, H, W, C] float32 in [0, 1], strength [], stream) -> images of the same shape. It has to
be applied to all that the discriminator is shown, in both updates, so that the generator is taught by gradients through
it. The strength is the probability of each change; it is part of the state, and `adapt` moves it.

Why the generator does not learn to make changed images ("leaking"): it matches the distribution of T(fake) to that of
T(real), and if the random change T is invertible as a map of distributions, that means that fakes match real images.
With probability p, T is (1 - p) identity + p S, where S averages over the changes. S shrinks or keeps every
difference, so below p = 1/2 T is invertible whatever S does. Above, S must not turn a difference into its opposite too
strongly: for mirroring S is a projection, for a Gaussian it is positive, and for values uniform around 0 its spectrum
is that of sin(x) / x, never below -0.22: invertible up to p = 0.82. At p = 1 it is not: a mirrored image would be as
good as any. See Karras et al. 2020, "Training generative adversarial networks with limited data", appendix C.
"""

import functools
import math
from collections.abc import Callable, Collection

import numpy as np
import tensorflow as tf

from gan.core import affine, rng

Augmentation = Callable[[tf.Tensor, tf.Tensor, rng.Stream], tf.Tensor]

LARGEST_STRENGTH = 0.8  # beyond it changes may leak

_TRANSLATION = 1 / 8  # of the size, at most
_ZOOM = 0.12  # log((1 + r) / (1 - r)), r uniform up to this: a standard deviation of 0.2 octaves
_HALF_TANGENT = math.tan(math.radians(10) / 2)  # of the rotation, at most
_BRIGHTNESS = 0.2  # standard deviation
_CONTRAST = 0.3  # as _ZOOM: half an octave
_SATURATION = 0.55  # as _ZOOM: an octave
_HALF_QUARTER = math.tan(math.radians(45) / 2)  # of a turn of hues beyond whole quarters, at most
_GREY = 0.5  # a pixel value that means nothing, and the fixed point of the contrast
# Of a colour (row vector R, G, B): its grey part, the rest, and the rest turned by a quarter about the grey axis.
_GREY_PART = np.full((3, 3), 1 / 3)
_QUARTER_TURN = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]]) / math.sqrt(3)
_COLOUR_PARTS = np.stack([_GREY_PART, np.eye(3) - _GREY_PART, _QUARTER_TURN]).reshape(3, 9).astype(np.float32)

# Streams: which changes are made, and the numbers of each.
_GATES, _MIRROR, _MOVE, _SCALE, _TURN, _LIGHT, _STRETCH, _COLOUR, _HOLE, _COLOUR_GATES, _HUE, _SATURATE = range(12)

CLOTHING = ("mirror", "translation", "zoom", "rotation", "brightness", "contrast")
COLOUR = ("hue", "saturation")


def adaptive(
    images: tf.Tensor, strength: tf.Tensor, stream: rng.Stream, changes: Collection[str] = CLOTHING
) -> tf.Tensor:
    """The changes of ADA (Karras et al. 2020, appendix B) that suit upright things before a plain background.

    Mirroring, moves by whole pixels, zooming, small turns, brightness and contrast, each with probability `strength`
    and apart from the others; `changes` names those that are made. Nothing is clipped, since that could not be undone.
    Quarter turns and stretching are left out: a garment has a right way up. `COLOUR` has the changes that photographs
    can have as well: all hues turned by one angle, colours made paler or stronger. They do nothing to grey images.

    All numbers come from uniform ones by arithmetic alone, the normal ones of `gan.core.rng` apart, because functions
    like exp differ in the last bit with the place in the batch.
    """
    if unknown := set(changes) - {*CLOTHING, *COLOUR}:
        raise ValueError(f"changes {sorted(unknown)} are not among {', '.join(CLOTHING + COLOUR)}")
    batch, height, width, _ = images.shape
    gates = rng.uniform(rng.fold(stream, _GATES), (batch, len(CLOTHING))) < strength
    on = {name: gates[:, i] & (name in changes) for i, name in enumerate(CLOTHING)}
    mirrored = on["mirror"] & (rng.uniform(rng.fold(stream, _MIRROR), (batch,)) < 0.5)
    zoom = _ratio(rng.fold(stream, _SCALE), on["zoom"], _ZOOM)
    down, right = _moves(rng.fold(stream, _MOVE), on["translation"], height, width)
    upright = tf.zeros([batch], tf.bool)
    if set(changes) & {"mirror", "translation", "zoom"}:
        rows = affine.axis_matrices(height, down, zoom, upright)
        images = affine.resample(images, rows, affine.axis_matrices(width, right, zoom, mirrored))
    if "rotation" in changes:
        turns = _HALF_TANGENT * _symmetric(rng.fold(stream, _TURN), on["rotation"])
        images = affine.rotate(images, turns, _HALF_TANGENT)
    if set(changes) & set(COLOUR) and images.shape[3] == 3:
        images = _with_other_colours(images, strength, stream, changes)
    light = _BRIGHTNESS * rng.normal(rng.fold(stream, _LIGHT), (batch,)) * tf.cast(on["brightness"], tf.float32)
    contrast = _ratio(rng.fold(stream, _STRETCH), on["contrast"], _CONTRAST)
    return _per_image(contrast) * images + _per_image(_GREY - _GREY * contrast + light)  # 1 x + 0 is exact


def diffaugment(images: tf.Tensor, strength: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
    """DiffAugment (Zhao et al. 2020, section 4): colour, translation and cutout, each with probability `strength`.

    The paper's strength is 1. Brightness +-1/4 of the range, saturation (of three channels) by up to 2 and contrast by
    up to 3/2 about the image's mean; moves of up to an eighth over black; a square of half the size made grey.
    """
    batch, height, width, channels = images.shape
    gates = rng.uniform(rng.fold(stream, _GATES), (batch, 3)) < strength
    images = _recoloured(images, gates[:, 0], rng.fold(stream, _COLOUR))
    down, right = _moves(rng.fold(stream, _MOVE), gates[:, 1], height, width)
    still, straight = tf.ones([batch]), tf.zeros([batch], tf.bool)
    rows = affine.axis_matrices(height, down, still, straight)
    images = affine.resample(images, rows, affine.axis_matrices(width, right, still, straight))
    hole = _holes(rng.fold(stream, _HOLE), gates[:, 2], height, width)
    return tf.where(hole, _GREY, images)


def adapt(
    strength: tf.Tensor,
    sign: tf.Tensor,
    batch: int,
    target: float = 0.6,
    over_images: float = 500_000.0,
    limit: float = LARGEST_STRENGTH,
) -> tf.Tensor:
    """The strength after a batch on which the mean sign of the discriminator's margins on real images was `sign`.

    A discriminator that knows the training images by heart is sure of them: above the target the strength rises, below
    it falls, by as much as would take it from 0 to 1 over so many images (Karras et al. 2020, section 3, r_t).
    """
    return tf.clip_by_value(strength + tf.sign(sign - target) * (batch / over_images), 0.0, limit)


def _per_image(numbers: tf.Tensor) -> tf.Tensor:
    """[B] -> [B, 1, 1, 1]."""
    return tf.reshape(numbers, [-1, 1, 1, 1])


def _symmetric(stream: rng.Stream, on: tf.Tensor) -> tf.Tensor:
    """Uniform in [-1, 1) where `on`, otherwise 0: [B]."""
    return (2.0 * rng.uniform(stream, on.shape) - 1.0) * tf.cast(on, tf.float32)


def _ratio(stream: rng.Stream, on: tf.Tensor, largest: float) -> tf.Tensor:
    """(1 + r) / (1 - r), r uniform up to `largest`, where `on`, otherwise 1: [B]. As often x as 1 / x."""
    r = largest * _symmetric(stream, on)
    return (1.0 + r) / (1.0 - r)


def _moves(stream: rng.Stream, on: tf.Tensor, height: int, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Whole pixels down and to the right, each of the possible numbers as often as any, 0 where not `on`: [B] each."""
    drawn = rng.uniform(stream, (on.shape[0], 2))
    moves = []
    for i, size in enumerate((height, width)):
        most = round(size * _TRANSLATION)
        moves.append((tf.floor(drawn[:, i] * (2 * most + 1)) - most) * tf.cast(on, tf.float32))
    return moves[0], moves[1]


def _with_other_colours(
    images: tf.Tensor, strength: tf.Tensor, stream: rng.Stream, changes: Collection[str]
) -> tf.Tensor:
    """RGB images with turned hues and other saturation, each with probability `strength`; the mean of R, G, B stays.

    Colours are turned about the grey axis, by a number of quarters and up to half a quarter more: all angles are about
    as likely, so S is next to nothing on hues, and what is left of it is above -0.05.
    """
    gates = rng.uniform(rng.fold(stream, _COLOUR_GATES), (images.shape[0], len(COLOUR))) < strength
    turned, saturated = (gates[:, i] & (name in changes) for i, name in enumerate(COLOUR))
    factor = _ratio(rng.fold(stream, _SATURATE), saturated, _SATURATION)
    drawn = rng.uniform(rng.fold(stream, _HUE), (images.shape[0], 2))
    quarter, tangent = tf.floor(4.0 * drawn[:, 0]), _HALF_QUARTER * (2.0 * drawn[:, 1] - 1.0)
    square = tf.square(tangent)
    cosine, sine = (1.0 - square) / (1.0 + square), 2.0 * tangent / (1.0 + square)
    for once in (1.0, 2.0, 3.0):
        cosine, sine = tf.where(quarter >= once, -sine, cosine), tf.where(quarter >= once, cosine, sine)
    cosine, sine = tf.where(turned, cosine, 1.0), tf.where(turned, sine, 0.0)
    # As products: sums of three terms TensorFlow would make one operation of, which adds in any order.
    weights = tf.stack([tf.ones_like(factor), factor * cosine, factor * sine], axis=1)[:, None]  # [B, 1, 3]
    matrices = tf.reshape(tf.matmul(weights, tf.constant(_COLOUR_PARTS)), [-1, 3, 3])
    changed = tf.matmul(tf.reshape(images, [images.shape[0], -1, 3]), matrices)
    return tf.where(_per_image(turned | saturated), tf.reshape(changed, images.shape), images)


def _recoloured(images: tf.Tensor, on: tf.Tensor, stream: rng.Stream) -> tf.Tensor:
    """Brightness, saturation and contrast, in the paper's order, where `on`."""
    drawn = rng.uniform(stream, (images.shape[0], 3))
    brightness, saturation, contrast = (_per_image(drawn[:, i]) for i in range(3))
    changed = images + (brightness - 0.5) / 2.0
    if images.shape[3] > 1:
        grey = tf.reduce_mean(changed, axis=3, keepdims=True)
        changed = grey + 2.0 * saturation * (changed - grey)
    mean = tf.reduce_mean(changed, axis=[1, 2, 3], keepdims=True)
    return tf.where(_per_image(on), mean + (contrast + 0.5) * (changed - mean), images)


def _holes(stream: rng.Stream, on: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Boolean [B, H, W, 1]: a rectangle of half the size, its middle anywhere in the image, where `on`."""
    drawn = rng.uniform(stream, (on.shape[0], 2))

    def inside(size: int, place: tf.Tensor) -> tf.Tensor:
        side = size // 2
        begin = tf.floor(place * (size + 1 - side % 2)) - side // 2  # [B]
        distance = tf.range(size, dtype=tf.float32) - begin[:, None]  # [B, size]
        return (distance >= 0.0) & (distance < side)

    rows, columns = inside(height, drawn[:, 0]), inside(width, drawn[:, 1])
    return (rows[:, :, None] & columns[:, None, :] & on[:, None, None])[..., None]


AUGMENTATIONS: dict[str, Augmentation] = {
    "diffaugment": diffaugment,
    "adaptive": adaptive,
    "adaptive_geometry": functools.partial(adaptive, changes=CLOTHING[:4]),
    "adaptive_colour": functools.partial(adaptive, changes=CLOTHING + COLOUR),
}
