import math

import numpy as np
import pytest
import tensorflow as tf

from gan.core import optimizers, rng
from gan.networks import classifier

ADAM = optimizers.adam(0.9, 0.999, 1e-7)


def images_of(count: int, shape=(12, 12, 1), seed=0) -> tuple[tf.Tensor, tf.Tensor]:
    """Images whose left (class 0) or right half (class 1) is bright."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    images = random.integers(0, 80, (count, *shape))
    half = shape[1] // 2
    for image, label in zip(images, labels, strict=True):
        image[:, label * half : label * half + half] += 120
    return tf.constant(images, tf.uint8), tf.constant(labels, tf.int32)


def start(network) -> classifier.Fitted:
    params = network.init(rng.stream(1, -1))
    return classifier.Fitted(params, ADAM.init(params))


@pytest.mark.parametrize(
    ("shape", "map_side"), [((28, 28, 1), 7), ((32, 32, 3), 8), ((64, 64, 3), 8), ((200, 200, 1), 5), ((5, 5, 1), 5)]
)
def test_takes_images_of_any_size(shape, map_side):
    network = classifier.classifier(shape, 7)
    rows = [row for row in network.body.table if row.name.startswith("conv")]
    assert rows[-1].shape == (map_side, map_side, 128) and rows[0].shape[2] == 32
    params = network.init(rng.stream(1, -1))
    features = network.features(params, tf.zeros([2, *shape], tf.uint8))
    assert features.shape == (2, 128) and network.logits(params, features).shape == (2, 7)
    assert float(tf.reduce_min(features)) >= 0


def test_the_rate_rises_to_its_peak_and_falls_to_zero():
    rates = [float(classifier.learning_rate(tf.constant(count), 100, 0.5)) for count in range(1, 101)]
    assert rates[0] == pytest.approx(0.5 / 5 * 0.5 * (1 + math.cos(0.01 * math.pi)), rel=1e-5)
    assert np.argmax(rates) == 4 and rates[49] == pytest.approx(0.25, rel=1e-5) and rates[-1] == 0.0


def test_examples_without_a_label_do_not_count():
    network = classifier.classifier((12, 12, 1), 2)
    step = classifier.make_step(network, ADAM, 10, 1e-2)
    images, labels = images_of(8)
    hidden = tf.where(tf.range(8) < 4, labels, -1)
    some, loss = step(start(network), tf.constant(1), images, hidden)
    same, same_loss = step(start(network), tf.constant(1), images[:4], labels[:4])
    assert float(loss) == pytest.approx(float(same_loss), rel=1e-6)
    for one, other in zip(tf.nest.flatten(some.slots.first), tf.nest.flatten(same.slots.first), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-8)
    none, loss = step(start(network), tf.constant(1), images, tf.fill([8], -1))
    assert float(loss) == 0.0
    for one, other in zip(tf.nest.flatten(none.params), tf.nest.flatten(start(network).params), strict=True):
        assert np.array_equal(one, other)


def test_learns_what_can_be_learned():
    network = classifier.classifier((12, 12, 1), 2)
    step = tf.function(classifier.make_step(network, ADAM, 20, 3e-3))
    state = start(network)
    for i in range(20):
        state, _ = step(state, tf.constant(i + 1), *images_of(32, seed=i))
    images, labels = images_of(100, seed=100)
    found = tf.argmax(network.logits(state.params, network.features(state.params, images)), axis=1)
    assert np.mean(found.numpy() == labels.numpy()) > 0.97
