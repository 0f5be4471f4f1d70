import numpy as np
import pytest
import tensorflow as tf

from gan.core import loss_scale, penalties, rng
from gan.networks import article, layers, residual
from gan.networks.convolutions import DIRECT, SPECTRAL
from tests.core import games

SHAPE = (5, 6, 2)


def normal(seed, *shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


REAL, FAKE, STREAM = normal(2, 4, *SHAPE), normal(5, 4, *SHAPE), rng.stream(1, 2)
W = tf.round(2 * normal(1, *SHAPE))  # whole numbers: exact
SQUARE = np.sum(W.numpy() ** 2)


def linear(x):
    return tf.reduce_sum(W * x, [1, 2, 3])


def quadratic(x):
    """Its gradient is twice the image."""
    return tf.reduce_sum(tf.square(x), [1, 2, 3])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("r1", 1.5 * SQUARE),
        ("r2", 1.5 * SQUARE),
        ("r1_r2", 3.0 * SQUARE),
        ("wgan_gp", 3.0 * (np.sqrt(SQUARE) - 1) ** 2),
        ("dragan", 3.0 * (np.sqrt(SQUARE) - 1) ** 2),
    ],
)
def test_the_penalty_of_a_linear_critic_is_known_from_its_norm(name, expected):
    for weight in (3.0, tf.constant(3.0)):
        penalty = penalties.PENALTIES[name](weight)(linear, REAL, FAKE, STREAM)
        np.testing.assert_allclose(penalty, np.full(4, expected), rtol=1e-6 if "gan" in name else 0)


def test_each_penalty_looks_where_it_says():
    squares = {name: np.sum((2 * x.numpy()) ** 2, axis=(1, 2, 3)) for name, x in (("real", REAL), ("fake", FAKE))}
    np.testing.assert_allclose(penalties.r1(2.0)(quadratic, REAL, None, STREAM), squares["real"], rtol=1e-5)
    np.testing.assert_allclose(penalties.r2(2.0)(quadratic, None, FAKE, STREAM), squares["fake"], rtol=1e-5)
    both = penalties.r1_r2(2.0)(quadratic, REAL, FAKE, STREAM)
    np.testing.assert_allclose(both, squares["real"] + squares["fake"], rtol=1e-5)
    share = rng.uniform(STREAM, (4, 1, 1, 1)).numpy()
    between = 2 * np.sqrt(np.sum((share * REAL.numpy() + (1 - share) * FAKE.numpy()) ** 2, axis=(1, 2, 3)))
    np.testing.assert_allclose(penalties.wgan_gp(2.0)(quadratic, REAL, FAKE, STREAM), 2 * (between - 1) ** 2, rtol=1e-5)
    np.testing.assert_allclose(
        penalties.wgan_gp(2.0, centre=0.0)(quadratic, REAL, FAKE, STREAM), 2 * between**2, rtol=1e-5
    )
    noise = 0.3 * rng.normal(STREAM, REAL.shape).numpy()
    near = 2 * np.sqrt(np.sum((REAL.numpy() + noise) ** 2, axis=(1, 2, 3)))
    ours = penalties.dragan(2.0, centre=0.5, deviation=0.3)(quadratic, REAL, None, STREAM)
    np.testing.assert_allclose(ours, 2 * (near - 0.5) ** 2, rtol=1e-5)


@pytest.mark.parametrize("name", penalties.PENALTIES)
def test_numbers_and_values_belong_to_the_example(name):
    whole = penalties.PENALTIES[name](2.0)(quadratic, REAL, FAKE, STREAM)
    part = penalties.PENALTIES[name](2.0)(quadratic, REAL[2:], FAKE[2:], rng.stream(1, 2, first=2))
    np.testing.assert_array_equal(part, whole[2:])


@pytest.mark.parametrize("name", penalties.PENALTIES)
def test_a_flat_critic_has_finite_gradients(name):
    w = tf.zeros(SHAPE)
    with tf.GradientTape() as tape:
        tape.watch(w)
        penalty = penalties.PENALTIES[name](2.0)(lambda x: tf.reduce_sum(w * x, [1, 2, 3]), REAL, FAKE, STREAM)
    np.testing.assert_allclose(penalty, np.full(4, 2.0 if "gan" in name else 0.0), rtol=1e-6)
    np.testing.assert_array_equal(tape.gradient(penalty, w), np.zeros(SHAPE))


def test_the_inner_scale_changes_no_bit_in_float32_and_saves_float16():
    network = critic(DIRECT)
    params = network.init(STREAM)
    full = lambda x: network.apply(params, x, None, STREAM, False)[:, 0]  # noqa: E731
    np.testing.assert_array_equal(
        penalties.r1_r2(2.0, inner_scale=2.0**12)(full, REAL, FAKE, STREAM),
        penalties.r1_r2(2.0)(full, REAL, FAKE, STREAM),
    )

    def half(x):
        return tf.cast(tf.reduce_sum(tf.cast(1e-3 * x, tf.float16) * tf.cast(3e-5, tf.float16), [1, 2, 3]), tf.float32)

    exact = SHAPE[0] * SHAPE[1] * SHAPE[2] * 3e-8**2
    scaled = penalties.r1(2.0, inner_scale=2.0**12)(half, REAL, FAKE, STREAM)
    np.testing.assert_allclose(scaled, np.full(4, exact), rtol=1e-2)


def critic(convolver):
    """Smooth, so that finite differences mean something."""
    tanh = layers.Layer("tanh", (3, 4, 8), lambda stream: {}, lambda params, x, stream, training: tf.tanh(x))
    stack = [layers.enter(convolver), layers.conv(convolver, 8, 3, "VALID"), lambda shape: tanh]
    return layers.serial(SHAPE, [*stack, layers.flatten(convolver), layers.dense(1)])


def mean_penalty(name, network, params, images):
    def apply(x):
        return network.apply(params, x, None, STREAM, False)[:, 0]

    return tf.reduce_mean(penalties.PENALTIES[name](1.0)(apply, images, images[::-1], STREAM))


@pytest.mark.parametrize(
    ("name", "convolver"), [*((name, DIRECT) for name in penalties.PENALTIES), ("r1_r2", SPECTRAL)]
)
def test_the_gradient_in_the_parameters_equals_finite_differences(name, convolver):
    network, images, small = critic(convolver), normal(2, 3, *SHAPE), 3e-3
    params = network.init(STREAM)
    value = tf.function(lambda params: mean_penalty(name, network, params, images), autograph=False)
    with tf.GradientTape() as tape:
        tape.watch(params)
        total = value(params)
    gradients = tape.gradient(total, params)
    for layer in params:
        along = normal(3, *params[layer]["kernel"].shape)
        ends = []
        for sign in (-1, 1):
            moved = {**params, layer: {**params[layer], "kernel": params[layer]["kernel"] + sign * small * along}}
            ends.append(float(value(moved)))
        slope = np.sum(gradients[layer]["kernel"] * along)
        np.testing.assert_allclose((ends[1] - ends[0]) / (2 * small), slope, rtol=1e-2)


def test_a_lazy_penalty_has_its_turns_and_is_not_computed_between_them():
    turns = []

    def counted(x):
        turns.append(1)
        return x

    def value(params):
        seen = tf.numpy_function(counted, [params["w"]], tf.float32, stateful=False)
        seen = params["w"] + tf.stop_gradient(tf.reshape(seen, [3]) - params["w"])
        penalty = penalties.r1(2.0)(
            lambda x: tf.reduce_sum(seen * x, axis=[1, 2, 3]), tf.ones([2, 1, 1, 3]), None, STREAM
        )
        return tf.reduce_mean(penalty)

    params = {"w": tf.constant([1.0, 2.0, 3.0]), "bias": tf.zeros([2])}
    lazy = lambda update: penalties.lazy_gradient(value, params, update, 4)  # noqa: E731
    for function in (lazy, tf.function(lazy, autograph=False)):
        turns.clear()
        for update in range(9):
            penalty, gradient = function(tf.constant(update, tf.int64))
            due = update % 4 == 0
            assert len(turns) == update // 4 + 1
            np.testing.assert_array_equal(penalty, 4 * 14.0 if due else 0.0)
            np.testing.assert_array_equal(gradient["w"], 8 * params["w"] if due else np.zeros(3))
            np.testing.assert_array_equal(gradient["bias"], np.zeros(2))


@pytest.mark.parametrize("jit", [False, True])
def test_a_lazy_penalty_of_a_network_is_that_many_times_the_eager_one(jit):
    network = critic(DIRECT)
    params, images = network.init(STREAM), normal(2, 3, *SHAPE)

    @tf.function(jit_compile=jit, autograph=False)
    def lazy(params, update, every):
        value = lambda params: mean_penalty("r1_r2", network, params, images)  # noqa: E731
        return penalties.lazy_gradient(value, params, update, every)

    for update, every, factor in ((5, 1, 1.0), (6, 3, 3.0), (7, 3, 0.0)):
        with tf.GradientTape() as tape:
            tape.watch(params)
            total = mean_penalty("r1_r2", network, params, images)
        expected = tape.gradient(total, params, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        penalty, gradient = lazy(params, tf.constant(update, tf.int64), every)
        np.testing.assert_allclose(penalty, factor * total, rtol=1e-4)
        for ours, theirs in zip(tf.nest.flatten(gradient), tf.nest.flatten(expected), strict=True):
            np.testing.assert_allclose(ours, factor * theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("pair", "dtype", "jit", "away"),
    [
        (article, tf.bfloat16, False, 0.03),
        (article, tf.float16, False, 0.012),
        (residual, tf.float32, True, 1e-5),
        *((residual, tf.bfloat16, jit, 0.012) for jit in (False, True)),
        *((residual, tf.float16, jit, 0.003) for jit in (False, True)),
    ],
)
def test_a_lazy_penalty_and_its_gradient_in_16_bits_are_near_those_in_32(pair, dtype, jit, away):
    """Second derivatives of the discriminator, plain and compiled by XLA, with the loss scale that float16 has."""
    shape, update = (4, *games.SHAPE), tf.constant(4, tf.int64)
    real, fake = (tf.constant(np.random.default_rng(i).uniform(size=shape), tf.float32) for i in (1, 2))

    def found(dtype, jit):
        game = games.make_game(pair=pair, dtype=dtype, width=4, noise=0.0, dropout=0.0)
        scale = loss_scale.initial() if dtype == tf.float16 else ()
        penalty = penalties.r1_r2(2.0, loss_scale.inner(scale))

        def value(params):
            critic = lambda x: game.discriminator.apply(params, x, None, STREAM, False)  # noqa: E731
            return tf.reduce_mean(penalty(critic, real, fake, STREAM))

        lazy = tf.function(lambda params: penalties.lazy_gradient(value, params, update, 2, scale), jit_compile=jit)
        total, grads = lazy(games.initial(game).discriminator.params)
        return float(total), np.concatenate([np.ravel(t) for t in tf.nest.flatten(loss_scale.unscaled(grads, scale))])

    (exact, one), (rounded, two) = found(tf.float32, False), found(dtype, jit)
    assert exact > 0 and rounded == pytest.approx(exact, rel=away)
    assert np.linalg.norm(two) == pytest.approx(np.linalg.norm(one), rel=away)
    assert np.dot(one, two) / np.linalg.norm(one) / np.linalg.norm(two) > 1 - away / 10


def test_a_lazy_gradient_too_small_for_float16_needs_its_scale():
    params = {"w": tf.ones([2])}

    def value(params):
        return 1e-9 * tf.cast(tf.reduce_sum(tf.cast(params["w"], tf.float16)), tf.float32)

    scale, update = loss_scale.initial(), tf.constant(3, tf.int64)
    lost = penalties.lazy_gradient(value, params, update, 3)[1]["w"]
    kept = penalties.lazy_gradient(value, params, update, 3, scale)[1]["w"]
    np.testing.assert_array_equal(lost, [0.0, 0.0])
    np.testing.assert_allclose(kept / scale.scale, [3e-9, 3e-9], rtol=1e-2)
