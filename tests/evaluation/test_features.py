"""Feature extractors: an image's features depend on it alone, are kept, and models get what their title says."""

import numpy as np
import pytest
import tensorflow as tf

from gan.data.source import Source, array_reader
from gan.errors import UserError
from gan.evaluation import features

IMAGES = np.random.default_rng(0).integers(0, 256, (200, 9, 9, 1), np.uint8)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def random():
    return features.from_random((9, 9, 1))


def seen(size: int, channels: int, pixel_range: str, images: np.ndarray = IMAGES):
    """What a model is given."""
    calls = []

    def model(x):
        calls.append(x)
        return tf.reshape(x, [x.shape[0], -1])

    extractor = features.from_model(model, "mine", "0", size, channels, pixel_range, images.shape[1:])
    features.of_batches(extractor, [images[:5]])
    return calls[-1].numpy()[:5], extractor


def test_features_do_not_depend_on_the_batches(random):
    whole, probabilities = features.of_batches(random, [IMAGES])
    parts, _ = features.of_batches(random, [IMAGES[:3], IMAGES[3:140], IMAGES[140:150], IMAGES[150:]])
    assert whole.shape == (200, 128) and probabilities.shape == (200, 0) and whole.dtype == np.float32
    assert np.array_equal(whole, parts)
    assert np.array_equal(whole[:5], features.of_batches(random, [IMAGES[:5]])[0])


def test_the_random_network_is_always_the_same_one(random):
    assert features.from_random((9, 9, 1)).identity == random.identity != features.from_random((9, 9, 3)).identity
    assert "not Inception" in random.title


def test_features_of_real_images_are_computed_once(random):
    calls = []

    def read(rows):
        calls.append(len(rows))
        return array_reader(IMAGES, np.full(200, -1, np.int32))(rows)

    source = Source("toys", 200, (9, 9, 1), (), "content", "", read)
    rows = np.arange(0, 200, 3)
    first = features.of_source(random, source, rows)
    assert np.array_equal(first[0], features.of_batches(random, [IMAGES[rows]])[0])
    assert np.array_equal(first[0], features.of_source(random, source, rows)[0]) and calls == [67]
    features.of_source(random, source, rows[1:])
    features.of_source(random._replace(identity="other"), source, rows)
    assert calls == [67, 66, 67]


@pytest.mark.parametrize(("pixel_range", "low", "high"), [("unit", 0, 1), ("symmetric", -1, 1), ("bytes", 0, 255)])
def test_a_model_gets_the_pixels_it_wants(pixel_range, low, high):
    x, extractor = seen(0, 3, pixel_range)
    expected = low + IMAGES[:5].astype(np.float64) / 255 * (high - low)
    np.testing.assert_allclose(x, np.repeat(expected, 3, axis=3), atol=1e-4)
    assert f"images at their own size, grey repeated for RGB, pixel range {pixel_range}" in extractor.title


def test_a_model_gets_the_size_it_wants():
    flat = np.full((5, 9, 9, 3), 77, np.uint8)
    x, extractor = seen(12, 3, "bytes", flat)
    assert x.shape == (5, 12, 12, 3) and np.allclose(x, 77)
    assert "resized to 12 x 12, pixel range bytes" in extractor.title
    assert extractor.identity != seen(12, 3, "unit", flat)[1].identity


def test_maps_of_a_model_are_averaged():
    extractor = features.from_model(lambda x: x, "mine", "0", 0, 1, "bytes", (9, 9, 1))
    found, _ = features.of_batches(extractor, [IMAGES[:5]])
    np.testing.assert_allclose(found[:, 0], IMAGES[:5].mean(axis=(1, 2, 3)), rtol=1e-5)


def test_models_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="mine takes images of 3 channels, these have 2; give --channels"):
        features.from_model(lambda x: x, "mine", "0", 0, 3, "unit", (9, 9, 2))
    with pytest.raises(UserError, match=r"mine does not take images at their own size \(.*\); give --model_size"):
        features.from_model(lambda x: tf.reshape(x, [128, 4]), "mine", "0", 0, 1, "unit", (9, 9, 1))
    with pytest.raises(UserError, match=r"mine gives \[81\] for 128 images"):
        features.from_model(lambda x: tf.reshape(x[0], [-1]), "mine", "0", 0, 1, "unit", (9, 9, 1))
