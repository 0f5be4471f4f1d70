"""Principal directions against an independent decomposition."""

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.sampling import directions

PRESETS = ["article", "dcgan", "sngan", "modern", "modern_conditional"]


def params_of(preset: str, **settings):
    made = config.make(preset, g_width=8, d_width=4, latent_size=24, **settings)
    classes = 3 if made.conditional else 0
    network = build.sampling_generator(made, (28, 28, 1), build.PLAIN, [1 / 3] * classes)
    return made, network, network.init(rng.stream(3, -1))


@pytest.mark.parametrize("preset", PRESETS)
def test_they_are_the_singular_vectors_of_the_first_layer(preset):
    made, _, params = params_of(preset)
    found = directions.principal(made, params)
    kernel = np.float64(params["dense_1"]["kernel"])  # [latents, units]
    _, strengths, vectors = np.linalg.svd(kernel.T, full_matrices=False)
    assert len(found) == 10
    np.testing.assert_allclose([each.share for each in found], (strengths**2 / np.sum(strengths**2))[:10], rtol=1e-6)
    for each, vector in zip(found, vectors, strict=False):
        assert each.vector.dtype == np.float32 and each.vector[np.argmax(np.abs(each.vector))] > 0
        np.testing.assert_allclose(abs(np.dot(each.vector, vector)), 1.0, atol=1e-5)


def test_shares_are_those_of_the_variance_of_what_the_layer_puts_out():
    made, _, params = params_of("modern")
    kernel = np.float64(params["dense_1"]["kernel"])
    drawn = np.random.default_rng(0).standard_normal((20_000, 24)) @ kernel
    total = drawn.var(axis=0).sum()
    for each in directions.principal(made, params, 3):
        image = each.vector @ kernel
        along = drawn @ (image / np.linalg.norm(image))
        np.testing.assert_allclose(along.var() / total, each.share, rtol=0.05)


def test_no_more_than_there_are_latents_and_their_shares_are_all():
    made = config.make("modern", g_width=8, d_width=4, latent_size=4)
    params = build.sampling_generator(made, (28, 28, 1), build.PLAIN, []).init(rng.stream(3, -1))
    found = directions.principal(made, params)
    assert len(found) == 4
    np.testing.assert_allclose(sum(each.share for each in found), 1.0)
    matrix = np.stack([each.vector for each in found])
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(4), atol=1e-6)


def test_settled_parameters_have_the_same_directions():
    made, network, params = params_of("sngan")
    settled = network.settle(params)
    for one, other in zip(directions.principal(made, params), directions.principal(made, settled), strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)


def test_a_kernel_of_zeros_has_directions_of_equal_shares():
    made = config.make("modern", g_width=8, d_width=4, latent_size=4)
    found = directions.principal(made, {"dense_1": {"kernel": tf.zeros([4, 6])}})
    assert [each.share for each in found] == [0.25] * 4


def test_a_kernel_for_other_latents_is_refused():
    made = config.make("modern", latent_size=4)
    with pytest.raises(ValueError, match="not for latents of 4"):
        directions.principal(made, {"dense_1": {"kernel": tf.zeros([5, 6])}})
