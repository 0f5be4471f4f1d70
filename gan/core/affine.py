"""Moving, scaling, mirroring and turning of images by linear interpolation matrices and shears, without gather.

Every map is linear in the image and made of products and sums alone: its derivatives of any order are of the same
kind, it compiles anywhere, and its gradient adds in a fixed order, which that of a gather does not on a GPU.

Images are sampled with the cubic kernel of Keys 1981. It reproduces a pixel exactly where it is asked for one, so
whole-pixel moves and an image that is left alone lose nothing. What lies outside of an image is 0.
"""

import math

import tensorflow as tf

_REACH = 2  # pixels on either side that the kernel needs


def cubic(distance: tf.Tensor) -> tf.Tensor:
    """Keys' kernel with a = -1/2: 1 at 0, 0 at every other whole number and from 2 on."""
    d = tf.abs(distance)
    near = (1.5 * d - 2.5) * d * d + 1.0
    far = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
    return tf.where(d < 1.0, near, tf.where(d < 2.0, far, tf.zeros_like(d)))


def axis_matrices(size: int, shift: tf.Tensor, zoom: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    """[B, size, size] matrices that mirror a line of pixels where asked, scale it by `zoom` and move it by `shift`.

    All are about the middle of the line and given for each example: [B], `shift` in pixels, `mirrored` boolean.
    """
    middle = (size - 1) / 2
    sign = tf.where(mirrored, -1.0, 1.0)[:, None]
    places = tf.range(size, dtype=tf.float32)
    # Not times 1 / zoom: a CPU's reciprocal differs in the last bit with the place in the batch.
    sources = sign * (places - middle - shift[:, None]) / zoom[:, None] + middle  # [B, size]
    return cubic(sources[:, :, None] - places)


def resample(images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] -> the same: every column of pixels through `rows` [B, H, H], every row through `columns`."""
    planes = tf.transpose(images, [0, 3, 1, 2])  # [B, C, H, W]
    planes = tf.matmul(tf.matmul(rows[:, None], planes), columns[:, None], transpose_b=True)
    return tf.transpose(planes, [0, 2, 3, 1])


def rotate(images: tf.Tensor, half_tangents: tf.Tensor, largest: float) -> tf.Tensor:
    """Images [B, H, W, C] turned about their middle by angles whose halves have these tangents [B], at most `largest`.

    Three shears (Paeth 1986): along rows by -tan(a/2), along columns by sin(a), along rows again, with room at the
    sides for what the first moves out and the last brings back. The cost grows with `largest` times the size.
    """
    width = images.shape[2]
    room = math.ceil(largest * (images.shape[1] - 1) / 2)
    sines = 2.0 * half_tangents / (1.0 + tf.square(half_tangents))
    largest_sine = 2.0 * largest / (1.0 + largest * largest)
    images = tf.pad(images, [[0, 0], [0, 0], [room, room], [0, 0]])
    images = _shear(images, -half_tangents, largest, axis=2)
    images = _shear(images, sines, largest_sine, axis=1)
    return _shear(images, -half_tangents, largest, axis=2)[:, :, room : room + width]


def _shear(images: tf.Tensor, slopes: tf.Tensor, largest: float, axis: int) -> tf.Tensor:
    """Moves each line of pixels along `axis` by its distance from the middle times the slope [B] of its image.

    A line moves as a whole and the kernel is even, so the transposed map moves it back: that is the gradient.
    """
    lines = images.shape[3 - axis]
    middle = (lines - 1) / 2
    reach = math.ceil(largest * middle) + _REACH - 1
    moves = slopes[:, None] * (tf.range(lines, dtype=tf.float32) - middle)  # [B, lines]

    @tf.custom_gradient
    def sheared(images):
        return _moved(images, moves, reach, axis), lambda upstream: _shear(upstream, -slopes, largest, axis)

    return sheared(images)


def _moved(images: tf.Tensor, moves: tf.Tensor, reach: int, axis: int) -> tf.Tensor:
    """Lines of pixels along `axis` moved by `moves` [B, lines]: a weighted sum of the images at whole pixels away.

    The terms are subtracted one by one with negative weights: a sum of many would become one operation of TensorFlow
    that may begin with any of its terms, as they come, so that the last bit would differ from run to run.
    """
    batch, height, width, channels = images.shape
    taps = list(range(-reach, reach + 1))
    weights = -cubic(moves - tf.reshape(tf.constant(taps, tf.float32), [-1, 1, 1]))  # [taps, B, lines]
    if axis == 2:  # each row is a line
        shape, step, pads = [batch * height, width * channels], channels, [[0, 0], [reach * channels] * 2]
        weights = tf.unstack(tf.reshape(weights, [len(taps), batch * height, 1]))
    else:  # each column
        shape, step, pads = [batch, height, width * channels], 1, [[0, 0], [reach, reach], [0, 0]]
        weights = tf.unstack(tf.repeat(weights, channels, axis=2)[:, :, None])
    padded, total = tf.pad(tf.reshape(images, shape), pads), tf.zeros(shape)
    for weight, tap in zip(weights, taps, strict=True):
        total -= weight * tf.slice(padded, [0, (reach - tap) * step, 0][: len(shape)], shape)
    return tf.reshape(total, images.shape)
