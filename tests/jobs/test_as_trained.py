"""Images as a run's discriminator sees them in its first update: cut, mirrored and augmented to the same pixels."""

import numpy as np
import pytest
import tensorflow as tf

from gan import build
from gan import config as configs
from gan.core import judge, rng
from gan.core.step import D_UPDATES
from gan.data.batches import Batches
from gan.jobs import as_trained
from gan.pictures.raster import to_uint8
from tests.data.test_look import noise, source_of

SMALL = {"width": 0.1, "batch_size": 8, "seed": 5}


@pytest.mark.parametrize("name", ["none", "diffaugment", "adaptive", "adaptive_geometry", "adaptive_colour"])
def test_they_are_what_the_step_shows(name):
    settings = {} if name == "none" else {"augmentation": name, "augmentation_strength": 0.7}
    config = configs.make(**SMALL, **settings, flip=True)
    source = source_of(noise(20, (16, 16, 3)), np.arange(20) % 2, ("a", "b"))
    images, labels = as_trained.shown(config, source, 8)
    drawn, expected_labels = (array[0] for array in build.batches(config, source).read(0, 1))
    assert labels.tolist() == expected_labels.tolist()
    game = build.game(config, source.image_shape, build.PLAIN)
    random = judge.streams(rng.fold(rng.stream(config.seed, 0), D_UPDATES))
    asked = judge.bound(game, game.discriminator.init(random.latents), {}, labels, tf.constant(0.7), random)
    pixels = tf.cast(drawn, tf.float32) / 255.0
    seen, _ = judge.apart(asked.shown(pixels, tf.zeros_like(pixels)))
    assert images.tolist() == to_uint8(seen.numpy()).tolist()
    assert (images == drawn).all() == (name == "none")


def test_random_places_are_those_of_the_run():
    wide = noise(6, (16, 32, 1))

    def read(indices, places=None):
        left = np.zeros(len(indices), int) if places is None else (places * 17).astype(int)
        cut = np.stack([wide[index, :, at : at + 16] for index, at in zip(indices, left, strict=True)])
        return cut, np.zeros(len(indices), np.int32)

    config = configs.make(**SMALL, crop="random", resolution=16)
    source = source_of(wide[:, :, :16], read=read, has_places=True)
    expected = Batches(source, seed=5, batch=6, random_places=True).read(0, 1)[0][0]
    assert as_trained.shown(config, source, 6)[0].tolist() == expected.tolist()


def test_it_is_said_in_words():
    assert as_trained.words(configs.make()) == "--flip=false, no augmentation"
    given = configs.make(augmentation="diffaugment", crop="pad", resolution=32)
    assert as_trained.words(given) == "--crop=pad, --flip=false, --augmentation=diffaugment at strength 0.8"
