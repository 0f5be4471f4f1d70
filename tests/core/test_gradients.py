import numpy as np
import pytest
import tensorflow as tf

from gan.core import gradients, judge, objectives, rng, state
from gan.core.game import Augmenting, Mismatch
from gan.networks import sngan
from tests.core.games import BATCH, d_gradients, data, finite, g_gradients, initial, make_game, now, run, same_bits


def test_the_loss_and_its_gradient_are_those_of_the_formula():
    """Without dropout and noise the loss is a function of the logits of real and fake images alone."""
    game = make_game(dropout=0.0, noise=0.0, r1=2.0)
    start, (images, labels) = initial(game), data(game)
    address = rng.fold(rng.stream(1, 0), 1)
    params, stream = start.discriminator.params, rng.stream(0, 0)
    latents = rng.normal(rng.fold(address, 0), (BATCH, 8))
    fake = game.generator.apply(start.generator.params, latents, None, stream, False)
    real = tf.cast(images, tf.float32) / 255
    real_noise, fake_noise = tf.unstack(0.15 * rng.uniform(rng.fold(address, 2), (BATCH, 2)), axis=1)
    with tf.GradientTape() as tape:
        tape.watch(params)
        l_real = game.discriminator.apply(params, real, None, stream, False)
        l_fake = game.discriminator.apply(params, fake, None, stream, False)
        entropies = tf.math.softplus(l_real) - real_noise * l_real
        entropies += tf.math.softplus(l_fake) - (1 - fake_noise) * l_fake
        with tf.GradientTape() as inner:
            inner.watch(real)
            score = tf.reduce_sum(game.discriminator.apply(params, real, None, stream, False))
        r1 = tf.reduce_mean(tf.reduce_sum(tf.square(inner.gradient(score, real)), [1, 2, 3]))
        total = tf.reduce_mean(entropies) / 2 + r1
    expected = tape.gradient(total, params)
    grads, metrics = d_gradients(game, params, start.generator.params, images, labels, address)
    np.testing.assert_allclose(metrics["d_loss"], tf.reduce_mean(entropies) / 2, rtol=1e-5)
    np.testing.assert_allclose(metrics["d_penalty"], r1, rtol=1e-4)
    np.testing.assert_allclose(metrics["real_logit"], np.mean(l_real), rtol=1e-4)
    np.testing.assert_allclose(metrics["d_accuracy_real"], np.mean(l_real < 0))
    np.testing.assert_allclose(metrics["d_accuracy_fake"], np.mean(l_fake > 0))
    for ours, theirs in zip(tf.nest.flatten(grads), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"num_classes": 10, "mismatch": Mismatch(10, 0.5)}], ids=["plain", "mismatch"])
def test_halves_of_a_batch_average_to_the_whole(options):
    """What two replicas compute, without any replicas: the second begins at example two."""
    game = make_game(**options)
    start, (images, labels) = initial(game), data(game)
    d, g = start.discriminator.params, start.generator.params

    def gradients(first, count):
        address, part = rng.fold(rng.stream(1, 0, first), 1), slice(first, first + count)
        found = d_gradients(game, d, g, images[part], labels[part], address)
        return found, g_gradients(game, g, d, images[part], labels[part], rng.fold(rng.stream(1, 0, first), 0))

    whole, *halves = gradients(0, 4), gradients(0, 2), gradients(2, 2)
    mean = tf.nest.map_structure(lambda one, two: (one + two) / 2, *halves)
    for ours, theirs in zip(tf.nest.flatten(mean), tf.nest.flatten(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)


def test_a_paired_objective_looks_at_real_images_in_the_generators_update_and_no_other_does():
    for objective, paired in ((objectives.relativistic(), True), (objectives.hinge(), False)):
        game = make_game(dropout=0.0, noise=0.0)._replace(objective=objective)
        start, (images, labels) = initial(game), data(game)
        d, g, stream = start.discriminator.params, start.generator.params, rng.fold(rng.stream(1, 0), 0)
        grads, metrics = g_gradients(game, g, d, images, labels, stream)
        fake = game.generator.apply(g, rng.normal(rng.fold(stream, 0), (BATCH, 8)), None, stream, True)
        logits = [
            game.discriminator.apply(d, x, None, stream, False) for x in (tf.cast(images, tf.float32) / 255, fake)
        ]
        expected = np.logaddexp(0, logits[0] - logits[1]) if paired else -logits[1]
        np.testing.assert_allclose(metrics["g_loss"], np.mean(expected), rtol=1e-5)
        others, _ = g_gradients(game, g, d, 255 - images, labels, stream)
        assert same_bits(grads, others) != paired
        assert finite(run(game).metrics)


def test_labels_and_augmentation_reach_both_players_in_both_updates():
    """The gradients are those of the formula with the labels of the batch wherever a network is told labels.

    The augmentation, one that adds its strength to each pixel, is seen by the discriminator alone, and everywhere.
    """
    rule = Augmenting(lambda images, strength, stream: images + strength, 0.125, target=0.0, over_images=1.0)
    game = make_game(
        num_classes=10, dropout=0.0, noise=0.0, r1=2.0, augmenting=rule, objective=objectives.relativistic()
    )
    start, (images, _) = initial(game), data(game)
    labels = tf.constant([3, 7, 1, 9], tf.int32)
    d, g, stream = start.discriminator.params, start.generator.params, rng.fold(rng.stream(1, 0), 1)
    real = tf.cast(images, tf.float32) / 255 + 0.125

    def judged(params, x):
        return game.discriminator.apply(params, x, labels, stream, False)

    with tf.GradientTape(persistent=True) as tape:
        tape.watch((d, g))
        fake = game.generator.apply(g, rng.normal(rng.fold(stream, 0), (BATCH, 8)), labels, stream, True) + 0.125
        with tf.GradientTape() as inner:
            inner.watch(real)
            score = tf.reduce_sum(judged(d, real))
        r1 = tf.reduce_mean(tf.reduce_sum(tf.square(inner.gradient(score, real)), [1, 2, 3]))
        margins = judged(d, real) - judged(d, tf.stop_gradient(fake))
        d_loss = tf.reduce_mean(tf.math.softplus(-margins)) + r1
        g_loss = tf.reduce_mean(tf.math.softplus(judged(d, real) - judged(d, fake)))
    found = (
        d_gradients(game, d, g, images, labels, stream)[0],
        g_gradients(game, g, d, images, labels, stream)[0],
    )
    for ours, theirs in zip(found, (tape.gradient(d_loss, d), tape.gradient(g_loss, g)), strict=True):
        for one, two in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    "objective", [objectives.relativistic(), objectives.hinge(), None], ids=["paired", "hinge", "article"]
)
def test_real_images_under_a_wrong_label_count_as_fakes_in_the_discriminators_loss(objective):
    plain = make_game(num_classes=10, dropout=0.0, noise=0.0, r1=0.0)
    plain = plain._replace(
        objective=objective or objectives.fake_detection(objectives.cross_entropy, objectives.noisy_targets(0.0))
    )
    game = plain._replace(mismatch=Mismatch(10, 0.5))
    start, (images, labels) = initial(game), data(game)
    d, g, stream = start.discriminator.params, start.generator.params, rng.fold(rng.stream(1, 0), 1)
    wrong = judge.with_wrong(10, labels, judge.streams(stream).wrong_labels)[:, 1]
    with tf.GradientTape() as tape:
        tape.watch(d)
        real, other = (
            game.discriminator.apply(d, tf.cast(images, tf.float32) / 255, asked, stream, True)
            for asked in (labels, wrong)
        )
        loss = tf.reduce_mean(game.objective.discriminator(real, other, stream))
    more = tape.gradient(loss, d)
    without, before = d_gradients(plain, d, g, images, labels, stream)
    grads, metrics = d_gradients(game, d, g, images, labels, stream)
    for ours, theirs in zip(
        tf.nest.flatten(grads),
        tf.nest.flatten(tf.nest.map_structure(lambda one, two: one + 0.5 * two, without, more)),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(metrics["d_loss"], before["d_loss"], rtol=1e-6)
    np.testing.assert_allclose(metrics["d_mismatch_loss"], loss, rtol=1e-5)
    sign = game.objective.real_sign
    np.testing.assert_allclose(metrics["d_accuracy_label"], np.mean(sign * (real - other) > 0))
    assert same_bits(*(g_gradients(rules, g, d, images, labels, stream)[0] for rules in (plain, game)))
    assert finite(run(game).metrics)


def test_bfloat16_computes_float32_gradients_near_the_exact_ones():
    exact, rounded = (make_game(dtype=dtype) for dtype in (tf.float32, tf.bfloat16))
    start, (images, labels) = initial(exact), data(exact)
    found = []
    for game in (exact, rounded):
        d, g = start.discriminator.params, start.generator.params
        found.append(
            (
                d_gradients(game, d, g, images, labels, rng.fold(rng.stream(1, 0), 1)),
                g_gradients(game, g, d, images, labels, rng.fold(rng.stream(1, 0), 0)),
            )
        )
    assert all(tensor.dtype == tf.float32 for tensor in tf.nest.flatten(found[1]))
    assert finite(found[1])
    for player in (0, 1):
        one, two = (np.concatenate([np.ravel(t) for t in tf.nest.flatten(f[player][0])]) for f in found)
        assert np.dot(one, two) / np.linalg.norm(one) / np.linalg.norm(two) > 0.95
    after = run(rounded).state
    assert finite(after)
    assert all(t.dtype == tf.float32 for t in tf.nest.flatten((after.generator, after.discriminator)))


@pytest.mark.parametrize("jit", [False, True])
def test_float16_with_a_loss_scale_computes_gradients_near_the_exact_ones(jit):
    exact, scaled = make_game(), make_game(dtype=tf.float16, loss_scaling=True)
    start, (images, labels) = initial(exact), data(exact)
    d, g, address = start.discriminator.params, start.generator.params, rng.fold(rng.stream(1, 0), 1)

    def flat(find, game, params):
        compiled = tf.function(lambda *given: find(game, *given, images, labels, address)[0], jit_compile=jit)
        return np.concatenate([np.ravel(tensor) for tensor in tf.nest.flatten(compiled(*params))])

    for find, params in ((d_gradients, (d, g)), (g_gradients, (g, d))):
        one, two = (flat(find, game, params) for game in (exact, scaled))
        assert np.dot(one, two) / np.linalg.norm(one) / np.linalg.norm(two) > 0.99
        np.testing.assert_allclose(np.linalg.norm(two), np.linalg.norm(one), rtol=0.02)


def test_a_slope_too_small_for_float16_is_penalized_all_the_same():
    exact, scaled = (
        make_game(dtype=dtype, loss_scaling=dtype is tf.float16, noise=0.0) for dtype in (tf.float32, tf.float16)
    )
    start, (images, labels) = initial(exact), data(exact)
    flat = {name: dict(part) for name, part in start.discriminator.params.items()}
    flat["conv_1"]["kernel"] *= 1e-4
    flat["dense_1"]["kernel"] *= 1e-3
    found = []
    for game in (exact, scaled):
        game = game._replace(rates=game.rates._replace(penalty_weight=1e11))
        grads, metrics = d_gradients(game, flat, start.generator.params, images, labels, rng.stream(1, 0))
        found.append([float(metrics["d_penalty"]), *(float(tf.norm(grads[name]["kernel"])) for name in grads)])
    assert found[0][0] > 0.0
    np.testing.assert_allclose(found[1], found[0], rtol=0.1)


def test_a_penalty_that_overflows_is_told_of_where_no_scale_can_hold_it_back():
    for dtype, shown in ((tf.float16, True), (tf.float32, False)):
        game = make_game(dtype=dtype, loss_scaling=dtype is tf.float16)
        game = game._replace(rates=game.rates._replace(penalty_weight=np.inf))
        start, (images, labels) = initial(game), data(game)
        players = start.discriminator.params, start.generator.params
        metrics = d_gradients(game, *players, images, labels, rng.stream(1, 0))[1]
        assert (float(metrics["d_penalty"]) == 0.0) == shown


def test_the_gradient_through_a_norm_is_that_of_the_whole():
    """Of the loss and the penalty together, as automatic differentiation makes it of both at once."""
    game = make_game(pair=sngan, width=4)
    start, (images, labels) = initial(game), data(game)
    d, g, vectors = start.discriminator.params, start.generator.params, start.extra[state.VECTORS]
    address = rng.fold(rng.stream(1, 0), 1)
    grads, _, _ = gradients.discriminator_gradients(game, d, g, vectors, images, labels, now(game), address)
    direction = tf.nest.map_structure(
        lambda t: tf.cast(np.random.default_rng(t.shape[0]).normal(size=t.shape), t.dtype), d
    )

    def total(scale):
        moved = tf.nest.map_structure(lambda p, v: p + scale * v, d, direction)
        _, metrics, _ = gradients.discriminator_gradients(game, moved, g, vectors, images, labels, now(game), address)
        return float(metrics["d_loss"] + metrics["d_penalty"])

    slope = sum(
        float(tf.reduce_sum(a * b)) for a, b in zip(tf.nest.flatten(grads), tf.nest.flatten(direction), strict=True)
    )
    np.testing.assert_allclose((total(1e-3) - total(-1e-3)) / 2e-3, slope, rtol=0.02, atol=2e-3)
