"""The search for the latent of an image: it must come near what the generator itself has made."""

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.sampling import projection, sampler

SHAPE, SIZE = (8, 8, 1), 8
CLASSES = 3
STEPS = 60  # as good as the usual number for images as small as these


def network_of(conditional: bool):
    preset = "modern_conditional" if conditional else "modern"
    settings = config.make(preset=preset, width=0.1, latent_size=SIZE)
    network = build.sampling_generator(settings, SHAPE, build.PLAIN, [1 / CLASSES] * CLASSES if conditional else ())
    begun = network.init(rng.stream(0, -1))

    def moved(value: tf.Tensor) -> tf.Tensor:  # a trained one is no longer linear
        return value + 0.2 * rng.normal(rng.fold(rng.stream(1, value.shape.num_elements()), 0), value.shape)

    return network, tf.nest.map_structure(moved, begun)


@pytest.fixture(scope="module", autouse=True)
def few_candidates():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection, "CANDIDATES", 128)
        yield


@pytest.fixture(scope="module")
def plain():
    return network_of(False)


def photo_of(network, params, label=None) -> np.ndarray:
    """An image of the generator's own, of a latent that no search begins with."""
    points = sampler.latents(77, 0, 1, SIZE).numpy()
    return sampler.images_of(network, params, points, None if label is None else [label])[0]


@pytest.fixture(scope="module")
def own(plain):
    """An image of the generator's own, the search for it, and what that found."""
    photo = photo_of(*plain)
    projector = projection.Projector(*plain, SIZE, photo, steps=STEPS)
    return photo, projector, projector.search(0, [])


def test_an_image_of_the_generator_is_found_again(plain, own):
    photo, projector, found = own
    at_random = projector.random(0, [])
    errors = projection.error(photo, found.images)
    assert errors[0] < 0.2 * projection.error(photo, at_random.images).min()
    np.testing.assert_array_equal(at_random.latents[:5], sampler.latents(0, 0, 5, SIZE))
    assert found.latents.shape == (projection.STARTS, SIZE) and found.images.shape == (projection.STARTS, *SHAPE)
    np.testing.assert_array_equal(found.images, sampler.images_of(*plain, found.latents, found.labels))


def test_the_same_seed_finds_the_same(own):
    _, projector, found = own
    other, again = (projector.search(seed, []).latents for seed in (1, 0))
    np.testing.assert_array_equal(found.latents, again)
    assert not np.array_equal(found.latents, other)


def test_lengths_stay_those_of_normal_latents(plain):
    photo = np.full(SHAPE, 255, np.uint8)  # which no latent makes, and the longest come near
    found = projection.Projector(*plain, SIZE, photo, steps=15).search(0, [])
    off = np.abs(np.linalg.norm(found.latents, axis=1) - SIZE**0.5)
    assert np.all(off < 1.5 + 1e-4)  # unbounded ones go beyond 2


def test_more_steps_are_never_worse(plain, own):
    photo, _, found = own
    few = [projection.Projector(*plain, SIZE, photo, steps=steps).search(0, []).images for steps in (0, 5)]
    errors = [projection.error(photo, images)[0] for images in (*few, found.images)]
    assert errors[2] < errors[1] < errors[0]


def test_every_class_is_tried_and_the_right_one_found():
    network, params = network_of(True)
    photo = photo_of(network, params, label=2)
    projector = projection.Projector(network, params, SIZE, photo, steps=STEPS)
    found = projector.search(0, range(CLASSES))
    assert set(found.labels) == set(range(CLASSES)) and found.labels[0] == 2
    assert set(projector.search(0, [1]).labels) == {1}


def test_the_error_is_in_levels():
    photo = np.zeros([2, 2, 1], np.uint8)
    images = np.stack([photo, photo + 255, np.uint8([[[0], [0]], [[0], [10]]])])
    np.testing.assert_allclose(projection.error(photo, images), [0, 255, 5])
