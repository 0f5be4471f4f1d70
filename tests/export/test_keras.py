"""Law 6: the engine's networks and the Keras models made of their parameters compute the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.export import keras as models
from gan.settings import Config

EXAMPLES = 3


def some(params, seed: int):
    """The parameters with biases that are not zero: an untrained network would not notice where they go."""
    random = np.random.default_rng(seed)
    return tf.nest.map_structure(
        lambda value: value + tf.constant(random.standard_normal(value.shape), tf.float32) * 0.01,
        params,
    )


def compared(settings: Config, shape, convolution: str = "direct") -> tuple[list[keras.Model], list[float]]:
    """Both Keras models of a config, and the largest difference of each from the engine's outputs."""
    numerics = build.Numerics("float32", convolution, False)
    generator, discriminator = (
        build.generator(settings, shape, numerics),
        build.discriminator(settings, shape, numerics),
    )
    g_params, d_params = (
        some(network.init(rng.stream(i, -1)), i) for i, network in enumerate((generator, discriminator))
    )
    pair = [
        models.generator(settings, generator, g_params),
        models.discriminator(settings, discriminator, d_params, shape),
    ]
    random = np.random.default_rng(2)
    latents = random.standard_normal((EXAMPLES, settings.latent_size), np.float32)
    images = random.random((EXAMPLES, *shape), np.float32)
    labels, stream = tf.fill([EXAMPLES], -1), rng.stream(0, 0)
    made = np.clip(generator.apply(g_params, latents, labels, stream, False), 0, 1)
    logits = discriminator.apply(d_params, images, labels, stream, False)
    expected = [made, tf.sigmoid(logits).numpy()[:, None]]
    assert np.std(expected[0]) > 1e-3 and np.std(expected[1]) > 1e-6  # otherwise equality says nothing
    found = [model(x, training=False).numpy() for model, x in zip(pair, (latents, images), strict=True)]
    assert [y.shape for y in found] == [(EXAMPLES, *shape), (EXAMPLES, 1)]
    return pair, [float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True)]


@pytest.mark.parametrize("convolution", ["direct", "spectral"])
def test_article_networks_have_its_parameters_and_compute_what_keras_computes(convolution):
    pair, differences = compared(config.make("article_as_published"), (28, 28, 1), convolution)
    assert [model.count_params() for model in pair] == [2_450_049, 1_113_345]
    assert max(differences) < 2e-5


def test_discriminator_has_the_layers_of_the_article():
    pair, _ = compared(config.make("article_as_published", g_width=4, d_width=2), (28, 28, 1))
    kinds = [type(layer).__name__ for layer in pair[1].layers]
    assert kinds == ["InputLayer"] + ["Conv2D", "LeakyReLU", "Dropout"] * 4 + ["Flatten", "Dropout", "Dense"]
    assert {layer.rate for layer in pair[1].layers if isinstance(layer, keras.layers.Dropout)} == {0.4}


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((64, 64, 3), {}),
        ((128, 128, 1), {}),
        ((40, 40, 3), {"latent_size": 5}),
        ((32, 32, 3), {"g_output": "linear", "d_pixel_range": "symmetric", "d_input_noise": 0.1, "d_dropout": 0.0}),
        ((28, 28, 1), {"g_output": "linear", "g_output_scale": 20.0}),
        ((28, 28, 1), {"preset": "modern"}),
        ((64, 64, 3), {"preset": "modern", "depth": 2, "g_width": 32, "g_output": "sigmoid", "d_dropout": 0.2}),
    ],
)
def test_other_shapes_and_settings(shape, settings):
    pair, differences = compared(
        config.make(**{"preset": "article_corrected", "g_width": 6, "d_width": 3, **settings}), shape
    )
    assert max(differences) < 1e-5
    noise = [layer.stddev for layer in pair[1].layers if isinstance(layer, keras.layers.GaussianNoise)]
    assert noise == ([settings["d_input_noise"]] if "d_input_noise" in settings else [])


def test_images_of_a_linear_generator_are_clipped():
    settings = config.make("article", g_width=6, d_width=3, g_output="linear", g_output_scale=100.0)
    pair, _ = compared(settings, (28, 28, 1))
    images = pair[0](np.random.default_rng(0).standard_normal((4, 128), np.float32)).numpy()
    assert (images.min(), images.max()) == (0.0, 1.0)
