"""Generators with batch normalization outside of training."""

import numpy as np
import pytest
import tensorflow as tf

from gan.core import rng
from gan.networks import dcgan, sngan, standing
from gan.networks.convolutions import DIRECT
from gan.networks.specs import GeneratorSpec

CLASSES, LATENT = 3, 8
SPEC = GeneratorSpec(
    (20, 20),
    1,
    LATENT,
    width=8,
    output="linear",
    output_scale=1.0,
    convolver=DIRECT,
    dtype=tf.float32,
    num_classes=CLASSES,
)
ROOT = rng.stream(1, -1)


def make(pair):
    return lambda mean: pair.generator(SPEC._replace(mean=mean))


@pytest.fixture(scope="module", params=[dcgan, sngan], ids=["dcgan", "sngan"])
def made(request):
    """(the network as it is in training, the standing one, parameters, what the latter is applied with)."""
    labels = np.arange(standing.BATCHES * standing.BATCH, dtype=np.int32) % CLASSES
    network, still = make(request.param)(lambda value: value), standing.standing(make(request.param), LATENT, labels)
    scattered = lambda value: value + tf.constant(np.random.default_rng(0).standard_normal(value.shape), tf.float32)  # noqa: E731
    params = tf.nest.map_structure(scattered, network.init(ROOT))
    return network, still, params, still.settle(params)


def test_an_image_depends_on_its_own_latent_and_label_alone(made):
    _, still, _, settled = made
    x, labels = rng.normal(ROOT, (6, LATENT)), tf.constant([0, 1, 2, 2, 1, 0])
    together = still.apply(settled, x, labels, ROOT, False)
    for i in range(6):
        alone = still.apply(settled, x[i : i + 1], labels[i : i + 1], ROOT, False)
        np.testing.assert_allclose(alone[0], together[i], atol=2e-5)
    other = still.apply(settled, x, (labels + 1) % CLASSES, ROOT, False)
    assert (np.abs(other - together).max(axis=(1, 2, 3)) > 1e-3).all()


def test_the_statistics_are_those_of_mixed_batches(made):
    """Against a mixed batch in training mode: near, where the statistics of one class are far off."""
    network, still, params, settled = made
    x, labels = rng.normal(ROOT, (300, LATENT)), tf.range(300) % CLASSES
    wanted = network.apply(params, x, labels, ROOT, True).numpy()
    still_images = still.apply(settled, x, labels, ROOT, False).numpy()
    one = labels.numpy() == 1
    apart = network.apply(params, x[one], labels[one], ROOT, True).numpy()
    spread = wanted.std()
    assert np.abs(still_images - wanted).mean() < 0.1 * spread
    assert np.abs(apart - wanted[one]).mean() > 2 * np.abs(still_images[one] - wanted[one]).mean()


def test_statistics_are_a_function_of_the_parameters_alone(made):
    _, still, params, settled = made
    again = tf.function(still.settle)(params)
    for one, other in zip(tf.nest.flatten(settled), tf.nest.flatten(again), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert len(settled["statistics"]) == 2 * sum("batch_norm" in str(path) for path in _norms(params))


def _norms(params, where=""):
    """The places of the batch normalizations."""
    for name, value in params.items():
        if isinstance(value, dict):
            if name.startswith("batch_norm"):
                yield f"{where}/{name}"
            yield from _norms(value, f"{where}/{name}")
