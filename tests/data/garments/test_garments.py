"""The garments are a pure function of (seed, index), the same bits everywhere."""

import hashlib

import numpy as np

from gan.data.decoding.fit import Fit
from gan.data.garments.garments import CLASS_NAMES, draw, open_garments


def test_the_bits_never_change():
    images, labels = draw(np.arange(200))
    assert images.shape == (200, 28, 28, 1) and images.dtype == np.uint8
    assert labels.tolist() == [index % 10 for index in range(200)]
    assert (
        hashlib.sha256(images.tobytes()).hexdigest()
        == "5f81608e8c73dd100e7dfa20bc43a300d21d538595d3289e09ec671e6fd48d57"
    )


def test_an_image_depends_on_its_index_alone():
    images, _ = draw(np.arange(300))
    rows = np.random.default_rng(0).permutation(300)[:77]
    assert np.array_equal(draw(rows)[0], images[rows])
    assert np.array_equal(draw(np.array([59_999]))[0], draw(np.array([3, 59_999]))[0][1:])


def test_seeds_and_indices_give_different_images():
    images, _ = draw(np.arange(500))
    others, _ = draw(np.arange(500), seed=1)
    assert len({image.tobytes() for image in np.concatenate([images, others])}) == 1000


def test_garments_are_light_on_black_and_unlike_each_other():
    images, labels = draw(np.arange(1000))
    pixels = images[..., 0].astype(np.float64)
    border = np.concatenate([pixels[:, :, 0], pixels[:, :, -1]], 1)
    assert np.mean(border < 10) > 0.95
    assert pixels.max((1, 2)).min() > 60
    assert 0.1 < np.mean(pixels > 30) < 0.6
    assert (pixels.reshape(1000, -1).std(0) > 5).mean() > 0.5  # the images vary nearly everywhere
    means = np.stack([pixels[labels == label].mean(0) for label in range(10)]).reshape(10, -1)
    nearest = np.argmin(((pixels.reshape(1000, 1, -1) - means) ** 2).sum(2), 1)
    # Telling them by the nearest class mean works about as well as it does for Fashion-MNIST (68 %).
    assert 0.6 < np.mean(nearest == labels) < 0.99


def test_the_source_has_the_ten_classes_of_fashion_mnist():
    source = open_garments()
    assert source.num_examples == 60_000 and source.image_shape == (28, 28, 1)
    assert source.class_names == CLASS_NAMES and CLASS_NAMES[9] == "Ankle boot" and len(CLASS_NAMES) == 10
    assert source.fingerprint == open_garments().fingerprint
    large = open_garments(Fit(32, 3))
    assert large.image_shape == (32, 32, 3) and large.fingerprint != source.fingerprint
    images, _ = large.read(np.array([4, 2]))
    assert images.shape == (2, 32, 32, 3) and np.array_equal(images[..., 0], images[..., 2])
