"""How the images of a chunk come to the devices that train on them: sent with it, or taken from those that lie there.

Either way a step sees the same bits. Where all images lie on the device a chunk is given no more than their indices, so
that it can be as long as a fast device wants it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.data.batches import Batches
from gan.data.memory import SHARE, available_bytes, parts
from gan.data.source import Source
from gan.errors import UserError
from gan.machine import devices, gpu_memory
from gan.settings import Config
from gan.training import pace, replicas
from gan.training.replicas import Placement

PADDED_BYTES = 1 << 26  # of images in a chunk that always has the same number of them, at most
MOST_INDICES = 1 << 20  # of images on the device in a chunk, at most


class Feed(NamedTuple):
    """`read(step, count)`: what a chunk is given for the steps after `step`, arrays [count, draws * B, ...] as `specs`.

    Within the graph `images(*parts)` makes (images uint8 [b, H, W, C], labels int32 [b]) of a replica's part [b, ...]
    of each in one step. A chunk takes at most `most_steps`.
    """

    read: Callable[[int, int], tuple[np.ndarray, ...]]
    specs: tuple[tf.TensorSpec, ...]
    images: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    most_steps: int

    def nothing(self) -> tuple[np.ndarray, ...]:
        """What a chunk of no steps is given."""
        return tuple(np.zeros([0, *spec.shape[1:]], spec.dtype.as_numpy_dtype) for spec in self.specs)


def on_device(config: Config, source: Source, copies: int = 1) -> bool:
    """Whether the images lie on the devices that train, a copy on each: as the config says, or if it leaves it open.

    Then GPUs have them if they take no more than a share of what is free there. What a CPU trains on is in its memory
    already, so it has them, `copies` times, only if it is told to. Raises `UserError` if they are to be there and do
    not fit; where nobody tells what is free, they are tried.
    """
    if source.held is None or config.data_in_memory not in ("auto", "device"):
        return False
    gpus, needed = len(devices.gpus()), source.held.pixels.nbytes
    if config.data_in_memory == "auto":
        return bool(gpus) and needed <= SHARE * gpu_memory.least_free(gpus)
    needed *= 1 if gpus else copies
    free = gpu_memory.least_free(gpus) if gpus else available_bytes()
    if needed > (free or needed):
        where = " on each GPU" if gpus else f" for {copies} replicas, a copy each," if copies > 1 else ""
        raise UserError(
            f"--data_in_memory=device needs {needed / 2**30:.1f} GiB{where} for {source.name} and "
            f"{free / 2**30:.1f} are free; use auto or true"
        )
    return True


def streamed(batches: Batches, padded: bool = False) -> Feed:
    """The images themselves are sent with each chunk; `padded` ones have the space of the longest."""
    width, shape = batches.draws * batches.batch, batches.source.image_shape
    specs = tf.TensorSpec([None, width, *shape], tf.uint8), tf.TensorSpec([None, width], tf.int32)
    most_bytes = PADDED_BYTES if padded else pace.CHUNK_BYTES
    most_steps = max(1, most_bytes // (width * batches.source.image_bytes))
    return Feed(batches.read, specs, lambda images, labels: (images, labels), most_steps)


def resident(batches: Batches, placement: Placement) -> Feed:
    """The images that the source holds lie on each device; a chunk is given where in them those of its steps are.

    These are labels int32, then rows int64, or of images before the cut the first byte and the bytes of a row; and
    where images are mirrored bool for each whether it is.
    """
    source, width = batches.source, batches.draws * batches.batch
    held, (height, _, channels) = source.held, source.image_shape
    before_cut, flips = held.begins is not None, batches.flip
    dtypes = [tf.int32, tf.int64, *[tf.int64] * before_cut, *[tf.bool] * flips]
    with tf.device("CPU:0"):  # else the first GPU would have them a second time while the variables are made
        whole = tf.constant(held.pixels)
    pixels = replicas.variables(placement, whole)

    def read(step: int, count: int) -> tuple[np.ndarray, ...]:
        drawn = batches.drawn(step, count)
        where = parts(held, channels, drawn.indices, drawn.places) if before_cut else (drawn.indices,)
        found = (held.labels[drawn.indices], *where, *([drawn.mirrored] if flips else []))
        return tuple(array.reshape(count, width) for array in found)

    def images(labels: tf.Tensor, first: tf.Tensor, *more: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if before_cut:
            columns = tf.range(source.image_bytes // height, dtype=tf.int64)
            rows = tf.range(height, dtype=tf.int64)[:, None] * more[0][:, None, None]
            first = first[:, None, None] + rows + columns  # the number of each byte: [b, H, W C]
        found = tf.reshape(replicas.gather(pixels, first), [-1, *source.image_shape])
        return (tf.where(more[-1][:, None, None, None], found[:, :, ::-1], found) if flips else found), labels

    specs = tuple(tf.TensorSpec([None, width], dtype) for dtype in dtypes)
    return Feed(read, specs, images, max(1, MOST_INDICES // width))
