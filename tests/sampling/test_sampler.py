import numpy as np
import pytest
import tensorflow as tf

from gan import config as configs
from gan.core import rng
from gan.networks import article, layers, sngan, standing
from gan.networks.convolutions import DIRECT
from gan.networks.specs import GeneratorSpec
from gan.sampling import sampler
from gan.sampling.sampler import make_sampler

SPEC = GeneratorSpec(
    (20, 20), 1, latent_size=8, width=2, output="sigmoid", output_scale=1.0, convolver=DIRECT, dtype=tf.float32
)
NETWORK = article.generator(SPEC)


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


CLASSES = 3
EQUAL = [1 / CLASSES] * CLASSES


@pytest.fixture(scope="module")
def conditional():
    """A conditional generator that normalizes by fixed statistics, and its parameters."""
    spec = SPEC._replace(width=4, num_classes=CLASSES)
    labels = np.arange(standing.BATCHES * standing.BATCH, dtype=np.int32) % CLASSES
    network = standing.standing(lambda mean: sngan.generator(spec._replace(mean=mean)), 8, labels)
    scattered = lambda value: value + tf.constant(np.random.default_rng(0).standard_normal(value.shape), tf.float32)  # noqa: E731
    return network, tf.nest.map_structure(scattered, network.init(rng.stream(1, -1)))


@pytest.fixture(scope="module")
def sample(conditional):
    network, params = conditional
    drawn = make_sampler(network, 8, batch=4)
    return lambda count, labels: np.concatenate(list(drawn(params, 1, count, labels)))


def test_no_image_depends_on_how_many_are_drawn_or_on_the_labels_of_others(sample):
    labels = sampler.random_labels(1, 6, EQUAL)
    six = sample(6, labels)
    for count in (1, 3, 5):
        np.testing.assert_array_equal(sample(count, labels[:count]), six[:count])
    for number in range(CLASSES):
        np.testing.assert_array_equal(sample(6, [number])[labels == number], six[labels == number])
    assert (sample(6, (labels + 1) % CLASSES) != six).any(axis=(1, 2, 3)).all()


def test_too_few_labels_begin_again(sample):
    np.testing.assert_array_equal(sample(5, [2, 0]), sample(5, [2, 0, 2, 0, 2, 0, 2, 0]))


@pytest.mark.parametrize("shares", [EQUAL, [0.7, 0.0, 0.3]], ids=["equal", "unequal"])
def test_random_labels_are_those_of_their_examples_and_as_likely_as_their_shares(shares):
    labels = sampler.random_labels(0, 6000, shares)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(sampler.random_labels(0, 10, shares), labels[:10])
    assert np.abs(np.bincount(labels, minlength=CLASSES) - 6000 * np.array(shares)).max() < 150
    np.testing.assert_array_equal(sampler.random_labels(0, 9, shares, first=700), labels[700:709])
    assert (sampler.random_labels(1, 100, shares) != labels[:100]).any()


def test_labels_may_be_a_function_of_the_place(sample):
    labels = np.int32([0, 2, 1, 1, 2, 0])
    asked = []

    def told(first: int, count: int) -> np.ndarray:
        asked.append((first, count))
        return labels.take(np.arange(first, first + count), mode="clip")

    np.testing.assert_array_equal(sample(6, told), sample(6, labels))
    assert sorted(asked) == [(0, 4), (4, 4)]


def test_images_are_drawn_no_further_ahead_than_they_are_taken():
    params, begun = NETWORK.init(rng.stream(1, -1)), []

    def points():
        for first in range(0, 400, 4):
            begun.append(first)
            yield sampler.latents(1, first, 4, 8)

    images = sampler.make_renderer(NETWORK, 4)(params, points(), 400)
    for taken in range(1, 11):
        next(images)
        assert len(begun) <= taken + 5  # at most four in computation, and one that waits


def test_images_of_given_latents(conditional, sample):
    network, params = conditional
    points, labels = sampler.latents(1, 0, 4, 8).numpy(), np.int32([0, 2, 1, 2])
    np.testing.assert_array_equal(sampler.images_of(network, params, points, labels, batch=4), sample(4, labels))
    one_class = sampler.images_of(network, params, points, [1], batch=4)
    np.testing.assert_array_equal(one_class, sample(4, [1] * 4))


def test_images_of_latents_keep_their_order_over_batches():
    params, points = NETWORK.init(rng.stream(1, -1)), sampler.latents(1, 0, 7, 8).numpy()
    images = sampler.images_of(NETWORK, params, points, batch=3)
    assert np.abs(images.astype(int) - np.concatenate(list(make_sampler(NETWORK, 8, 4)(params, 1, 7)))).max() <= 1
    assert len(np.unique(images.reshape(7, -1), axis=0)) == 7


def test_rows_of_grids_are_of_the_classes_that_there_are():
    config = configs.make("modern_conditional", sample_rows=4, sample_columns=2)
    rows, columns, labels = sampler.grid_plan(config, (0, 5, 9))
    assert (rows, columns, labels.tolist(), labels.dtype) == (3, 2, [0, 0, 5, 5, 9, 9], np.int32)
    rows, _, labels = sampler.grid_plan(config, range(100, 300))
    assert (rows, labels.tolist()) == (4, [100, 100, 101, 101, 102, 102, 103, 103])
    assert sampler.labels_by_row(5, 1, (7, 2)).tolist() == [7, 2, 7, 2, 7]
    assert sampler.grid_plan(configs.make("modern", sample_rows=4, sample_columns=2), ()) == (4, 2, None)
