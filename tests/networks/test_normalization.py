import numpy as np
import pytest
import tensorflow as tf

from gan.core import base, rng
from gan.networks import normalization, sngan
from gan.networks.convolutions import CONVOLVERS, DIRECT
from gan.networks.specs import DiscriminatorSpec

ROOT = rng.stream(1, 2)
SHAPE = (3, 2, 4)
both = pytest.mark.parametrize("convolver", CONVOLVERS.values(), ids=CONVOLVERS)


def drawn(*shape, seed=1):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def cross_mean(other):
    """The mean with a replica that holds `other` [B, H, W, C]: of the means first, of the variances next."""
    seen = []

    def mean(statistic):
        seen.append((statistic + tf.reduce_mean((other - seen[0]) ** 2 if seen else other, [0, 1, 2])) / 2)
        return seen[-1]

    return mean


@both
def test_batch_norm_of_each_channel(convolver):
    x = 3.0 + 2.0 * drawn(5, *SHAPE)
    layer = normalization.batch_norm(convolver, base.identity)(SHAPE)
    params = {"scale": tf.constant([1.0, 2.0, 3.0, 4.0]), "offset": tf.range(4.0)}
    assert [p.shape for p in layer.init(ROOT).values()] == [(4,), (4,)]
    y = convolver.leave(layer.apply(params, convolver.enter(x), ROOT, False))
    center, spread = np.mean(x, axis=(0, 1, 2)), np.sqrt(np.var(x, axis=(0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(y, (x - center) / spread * params["scale"] + params["offset"], atol=1e-4)


@both
def test_with_classes_scale_and_offset_are_those_of_the_examples_own(convolver):
    x, labels = drawn(3, *SHAPE), tf.constant([1, 0, 1])
    plain = normalization.batch_norm(convolver, base.identity)(SHAPE)
    layer = normalization.batch_norm(convolver, base.identity, labels, 2)(SHAPE)
    normal = convolver.leave(plain.apply(plain.init(ROOT), convolver.enter(x), ROOT, True)).numpy()
    params = {"scale": drawn(2, 4, seed=2), "offset": drawn(2, 4, seed=3)}
    y = convolver.leave(layer.apply(params, convolver.enter(x), ROOT, True))
    for i, label in enumerate(labels):
        np.testing.assert_allclose(y[i], normal[i] * params["scale"][label] + params["offset"][label], atol=1e-5)
    assert layer.parameters == 2 * 2 * 4


@both
def test_two_half_batches_with_a_cross_mean_are_one_whole_batch(convolver):
    """Outputs, gradients to the images and, averaged over the replicas, to the parameters."""
    x, weights = drawn(6, *SHAPE), drawn(6, *SHAPE, seed=2)
    params = {"scale": drawn(4, seed=3), "offset": drawn(4, seed=4)}

    def loss(part, target, mean):
        layer = normalization.batch_norm(convolver, mean)(SHAPE)
        y = convolver.leave(layer.apply(params, convolver.enter(part), ROOT, True))
        return tf.reduce_mean(target * y**2), y

    with tf.GradientTape() as tape:
        tape.watch([x, params])
        whole, expected = loss(x, weights, base.identity)
    gradients = tape.gradient(whole, [x, params])
    with tf.GradientTape() as tape:
        tape.watch([x, params])
        one, other = x[:3], x[3:]
        parts = [
            loss(one, weights[:3], cross_mean(other)),
            loss(other, weights[3:], cross_mean(one)),
        ]
        total = (parts[0][0] + parts[1][0]) / 2
    np.testing.assert_allclose(tf.concat([parts[0][1], parts[1][1]], 0), expected, atol=1e-5)
    for split, exact in zip(
        tf.nest.flatten(tape.gradient(total, [x, params])), tf.nest.flatten(gradients), strict=True
    ):
        np.testing.assert_allclose(split, exact, atol=1e-5)


def test_batch_norm_of_short_floats_has_exact_statistics():
    x = 100.0 + drawn(64, 8, 8, 2)
    layer = normalization.batch_norm(DIRECT, base.identity)((8, 8, 2))
    half = tf.cast(x, tf.float16)
    y = layer.apply(layer.init(ROOT), half, ROOT, True)
    assert y.dtype == tf.float16
    exact = tf.cast(half, tf.float64)
    exact = (exact - np.mean(exact, axis=(0, 1, 2))) / np.std(exact, axis=(0, 1, 2))
    np.testing.assert_allclose(y, exact, atol=0.02)


def critic(num_classes=3):
    settings = {"size": (20, 20), "channels": 1, "width": 8, "dropout": 0.0, "input_noise": 0.0, "symmetric": True}
    return sngan.discriminator(
        DiscriminatorSpec(**settings, num_classes=num_classes, convolver=DIRECT, dtype=tf.float32)
    )


def matrices(params):
    for name, value in params.items():
        if isinstance(value, dict):
            yield from ((f"{name}/{path}", matrix) for path, matrix in matrices(value))
        elif name in ("kernel", "embedding"):
            yield name, np.reshape(value, [-1, value.shape[-1]])


def test_power_iteration_finds_the_largest_singular_value_of_every_matrix():
    network = critic()
    params = network.init(ROOT)
    vectors = network.init_state(ROOT, params)
    normalize = tf.function(network.normalize)
    for _ in range(200):
        effective, vectors = normalize(params, vectors)
    original, normalized = dict(matrices(params)), dict(matrices(effective))
    assert len(original) == 2 * 4 + 2 + 2  # four blocks, two shortcuts, the head's kernel and embedding
    for path, matrix in original.items():
        largest = np.linalg.svd(matrix, compute_uv=False)[0]
        np.testing.assert_allclose(normalized[path], matrix / largest, rtol=2e-3, atol=1e-5)
    np.testing.assert_array_equal(effective["block_1"]["conv_1"]["bias"], params["block_1"]["conv_1"]["bias"])


def test_the_first_vectors_are_already_close():
    network = critic()
    params = network.init(ROOT)
    effective, _ = network.normalize(params, network.init_state(ROOT, params))
    for path, matrix in matrices(effective):
        assert 0.99 < np.linalg.svd(matrix, compute_uv=False)[0] < 1.15, path


def test_the_gradient_passes_through_the_norm_as_in_equation_11():
    """d L / d W = (G - <G, W / sigma> v u^T) / sigma with u, v held constant."""
    kernel, upstream, u = drawn(3, 3, 2, 5), drawn(3, 3, 2, 5, seed=2), drawn(5, seed=3)
    with tf.GradientTape() as tape:
        tape.watch([kernel, u])
        effective, vectors = normalization.normalize({"a": {"kernel": kernel}}, {"a": {"kernel": u}})
        loss = tf.reduce_sum(upstream * effective["a"]["kernel"])
    gradient, to_vector = tape.gradient(loss, [kernel, u])
    w, g = (np.reshape(t, [-1, 5]).astype(np.float64) for t in (kernel, upstream))
    v = w @ u.numpy() / np.linalg.norm(w @ u.numpy())
    following = w.T @ v / np.linalg.norm(w.T @ v)
    sigma = v @ w @ following
    np.testing.assert_allclose(vectors["a"]["kernel"], following, rtol=1e-5)
    np.testing.assert_allclose(np.reshape(effective["a"]["kernel"], [-1, 5]), w / sigma, rtol=1e-5)
    expected = (g - np.sum(g * w) / sigma * np.outer(v, following)) / sigma
    np.testing.assert_allclose(np.reshape(gradient, [-1, 5]), expected, rtol=1e-4, atol=1e-5)
    assert to_vector is None


def test_normalization_is_pure_and_the_forward_pass_knows_nothing_of_it():
    network, x = critic(0), tf.nn.sigmoid(drawn(2, 20, 20, 1))
    params = network.init(ROOT)
    vectors = network.init_state(ROOT, params)
    one, same = (network.normalize(params, vectors) for _ in range(2))
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(same), strict=True):
        np.testing.assert_array_equal(a, b)
    tf.nest.assert_same_structure(vectors, one[1])
    tf.nest.assert_same_structure(params, one[0])
    scaled = tf.nest.map_structure(lambda p: 3.0 * p, params)  # the norm takes the factor away again
    logits = [network.apply(network.normalize(p, vectors)[0], x, None, ROOT, False) for p in (params, scaled)]
    np.testing.assert_allclose(*logits, rtol=1e-4, atol=1e-5)
