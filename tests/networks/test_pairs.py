"""What holds for every pair of networks."""

import numpy as np
import pytest
import tensorflow as tf

from gan.core import rng
from gan.networks import pairs
from gan.networks.convolutions import CONVOLVERS, DIRECT, SPECTRAL
from gan.networks.specs import DiscriminatorSpec, GeneratorSpec

ROOT = rng.stream(1, 2)
LATENT = 8
every_pair = pytest.mark.parametrize("pair", pairs.PAIRS)


def generator(pair, size=(20, 20), channels=1, **changes):
    settings = {"latent_size": LATENT, "width": 8, "output": "linear", "output_scale": 1.0}
    settings |= {"convolver": DIRECT, "dtype": tf.float32, **changes}
    return pairs.PAIRS[pair].generator(GeneratorSpec(size=size, channels=channels, **settings))


def discriminator(pair, size=(20, 20), channels=1, **changes):
    settings = {"width": 8, "dropout": 0.0, "input_noise": 0.0, "symmetric": False}
    settings |= {"convolver": DIRECT, "dtype": tf.float32, **changes}
    return pairs.PAIRS[pair].discriminator(DiscriminatorSpec(size=size, channels=channels, **settings))


def perturbed(params, seed=3, deviation=0.1):
    """Parameters with nothing left at zero, where an initialization has it."""
    numbers = np.random.default_rng(seed)
    return tf.nest.map_structure(lambda p: p + deviation * numbers.normal(size=p.shape).astype(np.float32), params)


def params_of(network, seed=3):
    return perturbed(network.init(ROOT), seed)


def images(seed, *shape):
    return tf.constant(np.random.default_rng(seed).uniform(size=shape), tf.float32)


def latents(batch):
    return rng.normal(ROOT, (batch, LATENT))


def counted(params):
    return sum(int(tf.size(tensor)) for tensor in tf.nest.flatten(params))


def by_path(params, path=""):
    """Leaves of nested dicts by their path."""
    for name, value in params.items():
        if isinstance(value, dict):
            yield from by_path(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3), (20, 40, 3), (48, 32, 1)])
@pytest.mark.parametrize("num_classes", [0, 3])
@every_pair
def test_shapes_and_tables_at_every_kind_of_size(pair, shape, num_classes):
    size, channels = shape[:2], shape[2]
    labels = tf.constant([0, 1, 2, 2])
    g = generator(pair, size, channels, width=4, num_classes=num_classes)
    d = discriminator(pair, size, channels, width=2, num_classes=num_classes, minibatch_deviation=2)
    g_params, d_params = g.init(ROOT), d.init(ROOT)
    fake = g.apply(g_params, latents(4), labels, ROOT, True)
    logits = d.apply(d_params, fake, labels, ROOT, True)
    assert (fake.shape, fake.dtype) == ((4, *shape), tf.float32)
    assert (logits.shape, logits.dtype) == ((4,), tf.float32)
    assert np.isfinite(logits).all()
    assert np.std(fake) > 0.001
    assert g.table[-1].shape == shape
    for network, params in ((g, g_params), (d, d_params)):
        by_layer = {row.name: row.parameters for row in network.table if row.parameters}
        assert by_layer == {name: counted(values) for name, values in params.items()}


@every_pair
def test_both_convolvers_make_the_same_networks_with_the_same_gradients(pair):
    results = []
    labels, weights = tf.constant([2, 0, 1]), tf.constant([1.0, -2.0, 0.5])
    for convolver in CONVOLVERS.values():
        g = generator(pair, num_classes=3, convolver=convolver)
        d = discriminator(pair, num_classes=3, convolver=convolver, minibatch_deviation=2)
        variables = params_of(g), params_of(d)
        with tf.GradientTape() as tape:
            tape.watch(variables)
            fake = g.apply(variables[0], latents(3), labels, ROOT, True)
            logits = d.apply(variables[1], fake, labels, ROOT, True)
            loss = tf.reduce_sum(weights * logits)
        results.append([fake, logits, *tf.nest.flatten(tape.gradient(loss, variables))])
    for direct, spectral in zip(*results, strict=True):
        scale = np.abs(direct).max()
        np.testing.assert_allclose(direct, spectral, atol=2e-4 * scale + 1e-5)


@every_pair
def test_the_gradient_penalty_is_the_same_by_both_convolvers(pair):
    x, results = images(1, 2, 20, 20, 1), []
    for convolver in CONVOLVERS.values():
        d = discriminator(pair, convolver=convolver)
        params = params_of(d)
        with tf.GradientTape() as tape:
            tape.watch(params)
            with tf.GradientTape() as inner:
                inner.watch(x)
                logits = d.apply(params, x, None, ROOT, False)
            penalty = tf.reduce_sum(tf.square(inner.gradient(logits, x)))
        results.append([penalty, *(g for g in tf.nest.flatten(tape.gradient(penalty, params)) if g is not None)])
    assert len(results[0]) >= 4
    for direct, spectral in zip(*results, strict=True):
        np.testing.assert_allclose(direct, spectral, atol=5e-4 * np.abs(direct).max())


@every_pair
def test_the_gradient_reaches_every_parameter(pair):
    labels = tf.constant([0, 1, 2, 0])
    g, d = generator(pair, num_classes=3), discriminator(pair, num_classes=3, minibatch_deviation=2)
    for network, x in ((g, latents(4)), (d, images(1, 4, 20, 20, 1))):
        params = params_of(network)
        with tf.GradientTape() as tape:
            tape.watch(params)
            y = network.apply(params, x, labels, ROOT, True)
            loss = tf.reduce_sum(y * images(2, *y.shape))
        normalized = network is g and pairs.PAIRS[pair].has_batch_statistics
        for path, gradient in by_path(tape.gradient(loss, params)):
            assert gradient is not None, path
            # Batch normalization takes away what the bias before it adds.
            assert normalized and path.endswith("bias") or np.abs(gradient).max() > 1e-4, path


@every_pair
def test_conditional_networks_see_the_label_of_each_example(pair):
    g, d = generator(pair, num_classes=3), discriminator(pair, num_classes=3)
    x = images(1, 3, 20, 20, 1)
    for network, entry in ((g, latents(3)), (d, x)):
        params = params_of(network)
        one, other = (
            network.apply(params, entry, tf.constant(labels), ROOT, False).numpy() for labels in ([0, 1, 2], [0, 1, 0])
        )
        assert np.abs(one[2] - other[2]).max() > 1e-3
        if network is d or not pairs.PAIRS[pair].has_batch_statistics:
            np.testing.assert_allclose(one[:2], other[:2], atol=1e-5)


@every_pair
def test_unconditional_networks_have_nothing_for_labels_and_ignore_them(pair):
    for make, x in ((generator, latents(2)), (discriminator, images(1, 2, 20, 20, 1))):
        plain, conditional = make(pair), make(pair, num_classes=3)
        params = plain.init(ROOT)
        assert not [path for path, _ in by_path(params) if "embedding" in path or "projection" in path]
        assert counted(conditional.init(ROOT)) > counted(params)
        one, other = (plain.apply(params, x, labels, ROOT, False) for labels in (None, tf.constant([1, 2])))
        np.testing.assert_array_equal(one, other)


@every_pair
def test_a_logit_depends_on_its_own_image_alone_but_for_the_minibatch_deviation(pair):
    x = images(1, 4, 20, 20, 1)
    changed = tf.concat([x[:3], x[3:] ** 3], axis=0)
    for group, alone in ((0, True), (2, False)):
        d = discriminator(pair, minibatch_deviation=group)
        params = params_of(d)
        before, after = (d.apply(params, batch, None, ROOT, True).numpy() for batch in (x, changed))
        np.testing.assert_allclose(before[[0, 2]], after[[0, 2]], atol=1e-5)  # the other kind
        assert (abs(before[1] - after[1]) < 1e-5) == alone


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
@every_pair
def test_short_floats_stay_near_the_exact_values(pair, dtype):
    labels = tf.constant([0, 1, 2])
    for make, x in ((generator, latents(3)), (discriminator, images(1, 3, 20, 20, 1))):
        exact, rounded = (make(pair, num_classes=3, dtype=kind) for kind in (tf.float32, dtype))
        params = exact.init(ROOT)
        expected, y = (network.apply(params, x, labels, ROOT, False) for network in (exact, rounded))
        assert y.dtype == tf.float32
        assert all(p.dtype == tf.float32 for p in tf.nest.flatten(rounded.init(ROOT)))
        np.testing.assert_allclose(y, expected, atol=0.05 * max(1.0, np.abs(expected).max()))


@every_pair
def test_only_the_training_discriminator_is_random(pair):
    x, d = images(1, 2, 20, 20, 1), discriminator(pair, dropout=0.4, input_noise=0.1, convolver=SPECTRAL)
    params, other = params_of(d), rng.stream(2, 2)
    inference = [d.apply(params, x, None, stream, False) for stream in (ROOT, other)]
    training = [d.apply(params, x, None, stream, True) for stream in (ROOT, ROOT, other)]
    np.testing.assert_array_equal(*inference)
    np.testing.assert_array_equal(training[0], training[1])
    assert (training[0].numpy() != training[2].numpy()).all()


@every_pair
def test_symmetric_pixels_output_and_its_scale_act_in_every_pair(pair):
    x, params = images(1, 2, 20, 20, 1), params_of(discriminator(pair))
    symmetric = discriminator(pair, symmetric=True).apply(params, x, None, ROOT, False)
    np.testing.assert_allclose(
        symmetric, discriminator(pair).apply(params, 2 * x - 1, None, ROOT, False), rtol=1e-4, atol=1e-5
    )
    g_params = params_of(generator(pair))
    linear, squashed = (
        generator(pair, output=output).apply(g_params, latents(2), None, ROOT, False)
        for output in ("linear", "sigmoid")
    )
    np.testing.assert_allclose(squashed, tf.sigmoid(2 * linear - 1), atol=1e-5)
    full, tenth = (dict(by_path(generator(pair, output_scale=scale).init(ROOT))) for scale in (1.0, 0.1))
    last = [path for path in full if path.endswith("kernel")][-1]
    for path in full:
        np.testing.assert_allclose(tenth[path], (0.1 if path == last else 1.0) * full[path], rtol=1e-5, atol=1e-9)


@every_pair
def test_a_pair_says_whether_its_images_depend_on_the_batch(pair):
    g = generator(pair)
    params, alone = params_of(g), latents(3)[:1]
    one, other = (g.apply(params, x, None, ROOT, False)[0] for x in (alone, latents(3)))
    assert (np.abs(one - other).max() > 1e-4) == pairs.PAIRS[pair].has_batch_statistics


@pytest.mark.parametrize("size", [(10, 10), (12, 12), (16, 16), (10, 16)])
@pytest.mark.parametrize("pair", [pair for pair in pairs.PAIRS if pair != "article"])
def test_small_images_have_their_networks_too(pair, size):
    g, d = generator(pair, size), discriminator(pair, size)
    drawn = g.apply(params_of(g), latents(2), None, ROOT, True)
    assert drawn.shape == (2, *size, 1) and np.std(drawn) > 1e-3
    assert d.apply(params_of(d), drawn, None, ROOT, True).shape == (2,)


@every_pair
def test_which_resolutions_and_depths_fit(pair):
    made = pairs.PAIRS[pair]
    too_small = [10, 16] if pair == "article" else []
    assert [size for size in (8, 10, 16, 20, 28, 30, 32, 64) if made.check((size, size))] == [8, *too_small, 30]
    assert not made.check_depth(0, (28, 28))
    assert bool(made.check_depth(2, (28, 28))) == (pair != "residual")
