"""Images as the discriminator sees them in its first update: cut, mirrored and augmented by the run's own numbers."""

import numpy as np
import tensorflow as tf

from gan import build
from gan.core import judge, rng
from gan.core.step import D_UPDATES
from gan.data.batches import Batches
from gan.data.source import Source
from gan.machine import devices
from gan.pictures.raster import to_uint8
from gan.settings import Config


def shown(config: Config, source: Source, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` images of a run of this config: uint8 [count, H, W, C], and their labels int32 [count]."""
    devices.configure(config)
    batches = Batches(
        source, seed=config.seed, batch=count, flip=config.flip, random_places=config.crop == "random", num_workers=1
    )
    try:
        images, labels = batches.read(0, 1)
    finally:
        batches.close()
    return augmented(config, images[0]), labels[0]


def augmented(config: Config, images: np.ndarray) -> np.ndarray:
    """Real images uint8 [B, H, W, C] as they are shown, clipped to what can be seen, at the strength of the start."""
    rule = build.augmenting(config)
    if rule is None:
        return images
    update = rng.fold(rng.stream(config.seed, step=0), D_UPDATES)
    address = rng.interleaved(judge.streams(update).augmentation, 2)
    pixels = tf.repeat(tf.cast(images, tf.float32) / 255.0, 2, axis=0)  # a fake follows each real image there
    seen = rule.augmentation(pixels, tf.constant(rule.strength, tf.float32), address)
    return to_uint8(seen[::2].numpy())


def words(config: Config) -> str:
    """What is done to the images, in a line."""
    rule = build.augmenting(config)
    done = [f"--crop={config.crop}"] * bool(config.resolution) + [f"--flip={str(config.flip).lower()}"]
    if rule:
        begins = " (it begins there; give --augmentation_strength to see more)" if rule.target else ""
        done.append(f"--augmentation={config.augmentation} at strength {rule.strength:g}{begins}")
    else:
        done.append("no augmentation")
    return ", ".join(done)
