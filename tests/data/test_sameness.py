"""What is alike in a set of images, told apart from sets that merely look much alike."""

import numpy as np
import pytest

from gan.data import sameness
from gan.data.sameness import Sameness


def noise(count: int, side: int = 8, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def sentence(images: np.ndarray, batch: int = 7) -> str:
    seen = Sameness()
    for start in range(0, len(images), batch):
        seen.add(images[start : start + batch])
    return seen.sentence("made")


COLOURS = np.arange(200, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (noise(50), ""),
        (noise(1), ""),
        (np.zeros((50, 8, 8, 1), np.uint8), "all made images are the same"),
        (np.repeat(noise(1), 50, axis=0), "all made images are the same"),
        (np.repeat(noise(1), 50, axis=0) // 2 + noise(50, seed=1) % 4, "all made images are nearly the same"),
        (COLOURS, "every one of the made images is nearly of one colour"),
        (np.tile(noise(3), (100, 1, 1, 1)), "only 3 of the 300 made images differ from each other"),
        (np.tile(noise(30), (10, 1, 1, 1)), ""),
        (np.tile(noise(2), (10, 1, 1, 1)), ""),  # too few images to speak of repeating
    ],
)
def test_a_set_that_tells_nothing_is_named(images, expected):
    assert sentence(images) == expected == sentence(images, batch=1000)


def test_the_spread_is_the_deviation_from_image_to_image():
    images = noise(300, channels=3)
    seen = Sameness()
    seen.add(images[:100])
    seen.add(images[100:])
    assert seen.spread == pytest.approx(np.sqrt(images.astype(float).var(axis=0).mean()))
    assert (seen.count, seen.different, seen.one_colour) == (300, 300, 0)
    assert Sameness().spread == 0.0


def test_one_colour_is_judged_by_the_channel_and_by_every_pixel():
    images = np.zeros((5, 16, 16, 3), np.uint8)
    images[0] = (255, 0, 128)  # one colour, though its channels differ
    images[1, 3, 3, 2] = sameness.LEVELS - 1  # nearly
    images[2, 3, 3, 2] = sameness.LEVELS  # one pixel tells
    images[3] = noise(1, 16, 3)[0]
    assert sameness.of_one_colour(images).tolist() == [True, True, False, False, True]
    assert sameness.of_one_colour(images[:0]).tolist() == []


def test_equal_images_have_equal_marks_and_others_have_not():
    images = noise(100, channels=3)
    images[70] = images[20]
    images[71] = images[20]
    images[71, 0, 0, 0] ^= 1
    found = sameness.marks(images)
    assert found[70] == found[20] and len(set(found)) == 99
