import numpy as np
import pytest
import tensorflow as tf

from gan.core import article, layers, rng
from gan.core.convolutions import DIRECT
from gan.engine.sampler import make_sampler

NETWORK = article.generator(
    resolution=20,
    channels=1,
    latent_size=8,
    width=2,
    output="sigmoid",
    output_scale=1.0,
    convolver=DIRECT,
    dtype=tf.float32,
)


@pytest.fixture(scope="module")
def drawn():
    params, sample = NETWORK.init(rng.stream(1, -1)), make_sampler(NETWORK, 8, batch=4)
    return lambda seed, count: list(sample(params, seed, count))


def test_an_image_does_not_depend_on_how_many_are_drawn(drawn):
    batches = drawn(1, 10)
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert all(batch.dtype == np.uint8 and batch.shape[1:] == (20, 20, 1) for batch in batches)
    whole = np.concatenate(batches)
    for count in (1, 4, 7):
        np.testing.assert_array_equal(np.concatenate(drawn(1, count)), whole[:count])
    assert len(np.unique(whole.reshape(10, -1), axis=0)) == 10
    assert (np.concatenate(drawn(2, 10)) != whole).any(axis=(1, 2, 3)).all()
    assert drawn(1, 0) == []


def test_another_batch_size_draws_the_same_images():
    params = NETWORK.init(rng.stream(1, -1))
    one, two = (np.concatenate(list(make_sampler(NETWORK, 8, batch)(params, 1, 6))) for batch in (2, 3))
    assert np.abs(one.astype(int) - two).max() <= 1  # the sums of a product may round differently


def test_pixels_are_rounded_to_the_nearest_level_and_clipped():
    values = [-0.3, 0.0, 0.49 / 255, 0.51 / 255, 127.4 / 255, 127.6 / 255, 254.6 / 255, 1.0, 1.7]
    constant = layers.Layer(
        "constant", (1, 9, 1), lambda stream: {}, lambda params, x, stream, training: _rows(values, x.shape[0])
    )
    sample = make_sampler(layers.serial((8,), [lambda shape: constant]), 8, batch=2)
    (images,) = sample({}, 1, 1)
    assert images[0, 0, :, 0].tolist() == [0, 0, 0, 1, 127, 128, 255, 255, 255]


def _rows(values, count):
    return tf.reshape(tf.tile(tf.constant(values), [count]), [count, 1, len(values), 1])
