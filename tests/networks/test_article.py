import numpy as np
import pytest
import tensorflow as tf

from gan.core import rng
from gan.networks import article
from gan.networks.convolutions import CONVOLVERS, DIRECT, SPECTRAL
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

SMALL = {"convolver": DIRECT, "dtype": tf.float32}
ROOT = rng.stream(1, 2)


def generator(resolution=20, channels=1, latent_size=8, width=8, output="sigmoid", output_scale=1.0, **changes):
    settings = {"size": (resolution, resolution), "channels": channels, "latent_size": latent_size, "width": width}
    return article.generator(
        GeneratorSpec(**settings, output=output, output_scale=output_scale, **{**SMALL, **changes})
    )


def discriminator(resolution=20, channels=1, width=2, dropout=0.4, input_noise=0.0, symmetric=False, **changes):
    settings = {"size": (resolution, resolution), "channels": channels, "width": width, "dropout": dropout}
    return article.discriminator(
        DiscriminatorSpec(**settings, input_noise=input_noise, symmetric=symmetric, **{**SMALL, **changes})
    )


def counted(params):
    return sum(int(tf.size(tensor)) for tensor in tf.nest.flatten(params))


def images(seed, *shape):
    return tf.constant(np.random.default_rng(seed).uniform(size=shape), tf.float32)


def test_the_articles_networks_have_the_articles_parameters():
    pair = generator(28, 1, 128, 128), discriminator(28, 1, 32)
    assert [counted(network.init(ROOT)) for network in pair] == [2_450_049, 1_113_345]
    assert [sum(row.parameters for row in network.table) for network in pair] == [2_450_049, 1_113_345]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resolution", [20, 28, 32, 40, 64])
def test_shapes_ranges_and_tables_at_every_kind_of_size(resolution, channels):
    g, d = generator(resolution, channels, width=4), discriminator(resolution, channels)
    g_params, d_params = g.init(ROOT), d.init(ROOT)
    fake = g.apply(g_params, rng.normal(ROOT, (2, 8)), None, ROOT, True)
    assert fake.shape == (2, resolution, resolution, channels)
    assert fake.dtype == tf.float32
    assert 0 < np.min(fake) < np.max(fake) < 1
    logits = d.apply(d_params, fake, None, ROOT, True)
    assert logits.shape == (2,)
    assert logits.dtype == tf.float32
    assert np.isfinite(logits).all()
    assert g.table[-1].shape == (resolution, resolution, channels)
    for network, params in ((g, g_params), (d, d_params)):
        by_layer = {row.name: row.parameters for row in network.table if row.parameters}
        assert by_layer == {name: counted(values) for name, values in params.items()}


def test_the_first_convolution_brings_large_images_down_to_at_most_32_pixels():
    for resolution in (40, 48, 56, 64, 80, 128, 256):
        conv = next(row for row in discriminator(resolution).table if row.name == "conv_1")
        assert 16 <= conv.shape[0] <= 32


@pytest.mark.parametrize("output", ["sigmoid", "linear"])
def test_both_convolvers_compute_the_same_networks(output):
    outputs = []
    for convolver in CONVOLVERS.values():
        g, d = generator(output=output, convolver=convolver), discriminator(width=8, convolver=convolver)
        fake = g.apply(g.init(ROOT), rng.normal(ROOT, (3, 8)), None, ROOT, True)
        outputs.append((fake, d.apply(d.init(ROOT), fake, None, ROOT, True)))
    np.testing.assert_allclose(outputs[0][0], outputs[1][0], atol=1e-6)
    np.testing.assert_allclose(outputs[0][1], outputs[1][1], atol=1e-5)


def test_a_linear_output_is_the_sigmoids_argument_around_one_half():
    latents = rng.normal(ROOT, (2, 8))
    params = generator().init(ROOT)
    squashed = generator(output="sigmoid").apply(params, latents, None, ROOT, False).numpy()
    linear = generator(output="linear").apply(params, latents, None, ROOT, False)
    np.testing.assert_allclose(linear, 0.5 + 0.5 * np.log(squashed / (1 - squashed)), atol=1e-5)


def test_the_output_scale_scales_the_last_kernel_alone():
    full, tenth = generator().init(ROOT), generator(output_scale=0.1).init(ROOT)
    last = list(full)[-1]
    for name in full:
        factor = 0.1 if name == last else 1.0
        np.testing.assert_allclose(tenth[name]["kernel"], factor * full[name]["kernel"], rtol=1e-5, atol=1e-9)


def test_symmetric_pixels_are_seen_from_minus_one_to_one():
    x, params = images(1, 2, 20, 20, 1), discriminator().init(ROOT)
    symmetric = discriminator(symmetric=True)
    seen = symmetric.apply(params, x, None, ROOT, False)
    np.testing.assert_allclose(seen, discriminator().apply(params, 2 * x - 1, None, ROOT, False), atol=1e-6)
    assert counted(symmetric.init(ROOT)) == counted(params)


def test_only_the_training_discriminator_is_random():
    x, network = images(1, 2, 20, 20, 1), discriminator(input_noise=0.1)
    params, other = network.init(ROOT), rng.stream(2, 2)
    inference = [network.apply(params, x, None, stream, False) for stream in (ROOT, other)]
    training = [network.apply(params, x, None, stream, True) for stream in (ROOT, ROOT, other)]
    np.testing.assert_array_equal(*inference)
    np.testing.assert_array_equal(training[0], training[1])
    assert (training[0].numpy() != training[2].numpy()).all()


def test_the_training_discriminator_treats_each_example_alike_in_any_slice():
    x, network = images(1, 6, 20, 20, 1), discriminator(input_noise=0.1, convolver=SPECTRAL)
    params = network.init(ROOT)
    whole = network.apply(params, x, None, ROOT, True)
    part = network.apply(params, x[2:5], None, rng.stream(1, 2, first=2), True)
    np.testing.assert_allclose(part, whole[2:5], atol=1e-6)


def test_the_articles_keras_models_compute_the_same():
    """Sequential models as the article writes them, narrow, with our weights."""
    from keras import Sequential, layers

    g, d = generator(28, 1, 16, 8), discriminator(28, 1, 4)
    keras_g = [layers.Input([16]), layers.Dense(7 * 7 * 8), layers.LeakyReLU(0.2), layers.Reshape([7, 7, 8])]
    for upsample in (True, True, False, False):
        keras_g += [layers.UpSampling2D()] if upsample else []
        keras_g += [layers.Conv2D(8, 5, padding="same"), layers.LeakyReLU(0.2)]
    keras_g += [layers.Conv2D(1, 4, padding="same", activation="sigmoid")]
    keras_d = [layers.Input([28, 28, 1])]
    for filters in (4, 8, 16, 32):
        keras_d += [layers.Conv2D(filters, 5), layers.LeakyReLU(0.2), layers.Dropout(0.4)]
    keras_d += [layers.Flatten(), layers.Dropout(0.4), layers.Dense(1)]
    for network, stack, x in ((g, keras_g, rng.normal(ROOT, (2, 16))), (d, keras_d, images(1, 2, 28, 28, 1))):
        params, model = network.init(ROOT), Sequential(stack)
        params = {name: {**layer, "bias": 0.1 + layer["bias"]} for name, layer in params.items()}
        model.set_weights([layer[kind].numpy() for layer in params.values() for kind in ("kernel", "bias")])
        expected = tf.squeeze(model(x, training=False))
        np.testing.assert_allclose(tf.squeeze(network.apply(params, x, None, ROOT, False)), expected, atol=1e-5)


def test_bfloat16_networks_return_float32_near_the_exact_values():
    latents = rng.normal(ROOT, (2, 8))
    for make, x in ((generator, latents), (discriminator, images(1, 2, 20, 20, 1))):
        exact, rounded = make(), make(dtype=tf.bfloat16)
        params = exact.init(ROOT)
        y = rounded.apply(params, x, None, ROOT, False)
        assert y.dtype == tf.float32
        np.testing.assert_allclose(y, exact.apply(params, x, None, ROOT, False), atol=0.02)
