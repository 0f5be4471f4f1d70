from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from gan.core import (
    article,
    augment,
    averages,
    gradients,
    loss_scale,
    losses,
    optimizers,
    penalties,
    rng,
    sngan,
    state,
    step,
)
from gan.core.convolutions import DIRECT, SPECTRAL
from gan.core.game import Augmenting, Game, Rates, Regularization
from gan.core.gradients import Now
from gan.core.specs import DiscriminatorSpec, GeneratorSpec

SHAPE = (20, 20, 1)
BATCH = 4


def make_game(
    *,
    g_rate=1e-3,
    d_rate=1e-3,
    d_steps=1,
    r1=1.0,
    noise=0.1,
    dropout=0.4,
    dtype=tf.float32,
    convolver=DIRECT,
    width=2,
    every=1,
    pair=article,
    **changes,
):
    def adam(beta2):
        return optimizers.adam(0.9, beta2, 1e-7)

    both = {"resolution": SHAPE[0], "channels": 1, "convolver": convolver, "dtype": dtype}
    g = pair.generator(GeneratorSpec(latent_size=8, width=2 * width, output="sigmoid", output_scale=1.0, **both))
    d = pair.discriminator(DiscriminatorSpec(width=width, dropout=dropout, input_noise=noise, symmetric=False, **both))
    objective = losses.fake_detection(losses.cross_entropy, losses.noisy_targets(0.15))
    parts = Game(
        g, d, objective, adam, adam, Rates(g_rate, d_rate, 0.999, 0.999, r1), latent_size=8, batch=BATCH,
        d_steps=d_steps, regularization=Regularization(penalties.r1, every) if r1 else None,
    )  # fmt: skip
    return parts._replace(**changes)


def initial(game, seed=1):
    return state.initial(seed, game)


def now(game):
    """The scalars of the first update."""
    strength = game.augmenting.strength if game.augmenting else 0.0
    scalars = (game.rates.penalty_weight, strength, loss_scale.INITIAL if game.loss_scaling else 1.0)
    return Now(tf.constant(0, tf.int64), *(tf.constant(float(scalar)) for scalar in scalars))


def d_gradients(game, d, g, images, labels, address):
    return gradients.discriminator_gradients(game, d, g, {}, images, labels, now(game), address)[:2]


def g_gradients(game, g, d, images, labels, address):
    return gradients.generator_gradients(game, g, d, {}, images, labels, now(game), address)


def data(game, seed=0):
    random = np.random.default_rng(seed)
    count = game.d_steps * BATCH
    images = tf.constant(random.integers(0, 256, (count, *SHAPE)), tf.uint8)
    return images, tf.constant(random.integers(0, 10, count), tf.int32)


def identity(nest):
    return nest


class Result(NamedTuple):
    state: state.State
    metrics: dict


def run(game, steps=1, seed=1, start=None, compiled=None, images_seed=0):
    function = step.make_step(game, compiled) if compiled else step.make_step(game)
    current, metrics = start or initial(game), {}
    for _ in range(steps):
        current, metrics = function(current, *data(game, images_seed), rng.stream(seed, current.step), identity)
    return Result(current, metrics)


def same_bits(one, two):
    tf.nest.assert_same_structure(one, two)
    pairs = zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


def finite(nest):
    return all(np.isfinite(value).all() for value in tf.nest.flatten(nest))


def test_an_update_of_one_player_leaves_the_other_bit_identical():
    before = initial(make_game())
    only_d = run(make_game(g_rate=0.0)).state
    only_g = run(make_game(d_rate=0.0)).state
    assert same_bits(only_d.generator.params, before.generator.params)
    assert not same_bits(only_d.discriminator.params, before.discriminator.params)
    assert same_bits(only_g.discriminator.params, before.discriminator.params)
    assert not same_bits(only_g.generator.params, before.generator.params)
    # What the discriminator learns does not depend on how fast the generator does, and its slots neither.
    assert same_bits(only_d.discriminator, run(make_game()).state.discriminator)


def test_every_parameter_moves():
    before, after = initial(make_game()), run(make_game()).state
    for player in ("generator", "discriminator"):
        old, new = getattr(before, player).params, getattr(after, player).params
        for name in old:
            for kind in old[name]:
                assert np.any(old[name][kind] != new[name][kind]), (player, name, kind)


def test_the_same_inputs_give_the_same_bits_and_other_ones_others():
    game = make_game(d_steps=2)
    result = run(game, steps=2)
    assert int(result.state.step) == 2
    assert same_bits(result, run(game, steps=2))
    start = initial(game)
    for other in ({"seed": 2}, {"images_seed": 5}):
        changed = run(game, steps=2, start=start, **other)
        assert not same_bits(changed.state.generator.params, result.state.generator.params)


@pytest.mark.parametrize("game", [make_game(), make_game(d_steps=3, r1=0.0, noise=0.0)])
def test_the_names_of_the_metrics_are_known_before(game):
    metrics = run(game).metrics
    assert sorted(metrics) == sorted(step.metric_names(game))
    assert len(set(step.metric_names(game))) == len(step.metric_names(game))
    assert all(value.shape == () and value.dtype == tf.float32 for value in metrics.values())
    assert finite(metrics)


def test_the_metrics_are_those_of_the_gradients_they_go_with():
    game = make_game()
    start, (images, labels) = initial(game), data(game)
    address = rng.fold(rng.stream(1, 0), 1)
    d, g = start.discriminator.params, start.generator.params
    grads, metrics = d_gradients(game, d, g, images, labels, address)
    result = run(game).metrics
    layers = {name: np.sqrt(sum(np.sum(np.square(t)) for t in layer.values())) for name, layer in grads.items()}
    for name, norm in layers.items():
        np.testing.assert_allclose(result[f"d_gradient_norm/{name}"], norm, rtol=1e-5)
    whole = np.sqrt(sum(norm**2 for norm in layers.values()))
    np.testing.assert_allclose(result["d_gradient_norm"], whole, rtol=1e-5)
    g_layers = [float(v) for k, v in result.items() if k.startswith("g_gradient_norm/")]
    np.testing.assert_allclose(result["g_gradient_norm"], np.linalg.norm(g_layers), rtol=1e-5)
    for name, value in metrics.items():
        np.testing.assert_array_equal(result[name], value)
    assert float(result["d_penalty"]) > 0
    np.testing.assert_allclose(result["d_learning_rate"], 1e-3, rtol=1e-6)


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


def test_several_discriminator_updates_see_different_images_and_noise():
    seen, addresses = [], []
    game = make_game(d_steps=3)

    def recorded(function):
        def call(*arguments):
            seen.append(arguments[3].numpy())  # of params, the other's params, vectors, images, ...
            addresses.append(arguments[-1].path)
            return function(*arguments)

        return call

    run(game, compiled=recorded)
    images, _ = data(game)
    np.testing.assert_array_equal(np.concatenate(seen[:3]), images)
    np.testing.assert_array_equal(seen[3], images[-BATCH:])
    assert len(set(addresses)) == 4  # three updates of the discriminator, one of the generator


def test_two_updates_in_a_step_are_counted_by_adam():
    counts = []
    game = make_game(d_steps=2)
    adam = game.d_optimizer(0.9)

    def update(grads, slots, params, count, rate):
        counts.append(int(count))
        return adam.update(grads, slots, params, count, rate)

    run(game._replace(d_optimizer=lambda beta2: adam._replace(update=update)), steps=2)
    assert counts == [1, 2, 3, 4]


def test_halves_of_a_batch_average_to_the_whole():
    """What two replicas compute, without any replicas: the second begins at example two."""
    game = make_game()
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
    for objective, paired in ((losses.relativistic(), True), (losses.hinge(), False)):
        game = make_game(dropout=0.0, noise=0.0)._replace(objective=objective)
        start, (images, labels) = initial(game), data(game)
        d, g, stream = start.discriminator.params, start.generator.params, rng.fold(rng.stream(1, 0), 0)
        grads, metrics = g_gradients(game, g, d, images, labels, stream)
        fake = game.generator.apply(g, rng.normal(rng.fold(stream, 0), (BATCH, 8)), None, stream, True)
        logits = [
            game.discriminator.apply(d, x, None, stream, False) for x in (tf.cast(images, tf.float32) / 255, fake)
        ]
        expected = np.logaddexp(0, logits[0] - logits[1]) if paired else -logits[1]
        np.testing.assert_allclose(metrics["g_loss"], np.mean(expected), rtol=1e-4)
        others, _ = g_gradients(game, g, d, 255 - images, labels, stream)
        assert same_bits(grads, others) != paired


def test_the_discriminator_alone_learns_to_tell_real_from_fake():
    game = make_game(g_rate=0.0, d_rate=2e-3, r1=0.0, noise=0.0, dropout=0.0, width=4)
    function = tf.function(
        lambda current: step.make_step(game)(current, *data(game), rng.stream(1, current.step), identity)
    )
    current, losses_seen = initial(game), []
    for _ in range(40):
        current, metrics = function(current)
        losses_seen.append(float(metrics["d_loss"]))
    assert np.mean(losses_seen[-5:]) < 0.75 * np.mean(losses_seen[:5])
    assert metrics["d_accuracy_real"] == metrics["d_accuracy_fake"] == 1.0


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


def test_both_convolvers_take_the_same_step():
    results = [run(make_game(convolver=convolver, width=8)) for convolver in (DIRECT, SPECTRAL)]
    for name, value in results[0].metrics.items():
        np.testing.assert_allclose(value, results[1].metrics[name], rtol=2e-3, atol=1e-5)


def test_xla_takes_the_same_step():
    game = make_game(r1=1.0, every=2)
    plain, jitted = (run(game, compiled=compiled) for compiled in (None, tf.function(jit_compile=True)))
    for name, value in plain.metrics.items():
        np.testing.assert_allclose(jitted.metrics[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_lazy_penalty_is_there_in_every_third_update_at_three_times_its_weight():
    always, lazy = make_game(r1=1.0), make_game(r1=1.0, every=3)
    first = [run(game, start=initial(always)).metrics["d_penalty"] for game in (always, lazy)]
    np.testing.assert_allclose(first[1], 3.0 * first[0], rtol=1e-6)
    after_one = run(lazy).state
    assert float(run(lazy, start=after_one).metrics["d_penalty"]) == 0.0
    # Without its penalty an update is that of a game that has none.
    plain = run(make_game(r1=0.0), start=after_one).state
    assert same_bits(run(lazy, start=after_one).state.discriminator, plain.discriminator)


def test_the_averages_follow_the_generator():
    rates = Rates(1e-3, 1e-3, 0.999, 0.999, 0.0, ema_half_life_images=100.0)
    game = make_game(r1=0.0, rates=rates, ema_ramp=0.0)
    start = initial(game)
    assert same_bits(start.averages, start.generator.params)
    after = run(game, steps=2).state
    one = averages.update(start.averages, run(game).state.generator.params, tf.constant(0, tf.int64), BATCH, 100.0, 0.0)
    two = averages.update(one, after.generator.params, tf.constant(BATCH, tf.int64), BATCH, 100.0, 0.0)
    assert same_bits(after.averages, two)
    assert same_bits(state.shown(after), after.averages)
    plain = run(make_game(r1=0.0)).state
    assert plain.averages == {}
    assert same_bits(state.shown(plain), plain.generator.params)


def test_scheduled_rates_are_those_of_the_images_seen():
    rates = Rates(lambda seen: 1e-3 * tf.cast(seen + 1, tf.float32), 1e-3, lambda seen: tf.constant(0.5), 0.999)
    metrics = run(make_game(r1=0.0, d_steps=2, rates=rates), steps=2).metrics
    np.testing.assert_allclose(metrics["g_learning_rate"], 1e-3 * (2 * BATCH + 1), rtol=1e-6)


def test_the_strength_of_an_adaptive_augmentation_moves_and_a_fixed_one_stays():
    rule = Augmenting(augment.adaptive, 0.25, target=0.6, over_images=100.0)
    result = run(make_game(augmenting=rule))
    accuracy = float(result.metrics["d_accuracy_real"])
    moved = BATCH / 100 if 2 * accuracy - 1 > 0.6 else -BATCH / 100
    np.testing.assert_allclose(result.state.extra[state.STRENGTH], 0.25 + moved, rtol=1e-6)
    np.testing.assert_allclose(result.metrics["augmentation_strength"], 0.25)  # the one that was in force
    fixed = run(make_game(augmenting=rule._replace(target=0.0))).state
    assert float(fixed.extra[state.STRENGTH]) == 0.25


def test_an_augmentation_of_strength_zero_changes_no_bit():
    rule = Augmenting(augment.adaptive, 0.0, target=0.0, over_images=1.0)
    plain, augmented = run(make_game(r1=0.0)).metrics, run(make_game(r1=0.0, augmenting=rule)).metrics
    assert all(same_bits(plain[name], augmented[name]) for name in plain)


def test_relativistic_pairing_compares_with_real_images():
    game = make_game(objective=losses.relativistic(), dropout=0.0, noise=0.0)
    start, (images, labels) = initial(game), data(game)
    d, g, address = start.discriminator.params, start.generator.params, rng.fold(rng.stream(1, 0), 0)
    _, metrics = g_gradients(game, g, d, images, labels, address)
    fake = game.generator.apply(g, rng.normal(rng.fold(address, 0), (BATCH, 8)), None, rng.stream(0, 0), False)
    real_logits, fake_logits = (
        game.discriminator.apply(d, x, None, rng.stream(0, 0), False) for x in (tf.cast(images, tf.float32) / 255, fake)
    )
    np.testing.assert_allclose(
        metrics["g_loss"], tf.reduce_mean(tf.math.softplus(real_logits - fake_logits)), rtol=1e-5
    )
    assert finite(run(game).metrics)


def test_spectral_normalization_keeps_its_vectors_in_the_state():
    game = make_game(pair=sngan, r1=0.0, width=4)
    start = initial(game)
    result = run(game, start=start)
    assert start.extra[state.VECTORS]
    assert not same_bits(result.state.extra[state.VECTORS], start.extra[state.VECTORS])
    _, expected = game.discriminator.normalize(start.discriminator.params, start.extra[state.VECTORS])
    assert same_bits(result.state.extra[state.VECTORS], expected)
    assert finite(result.metrics)


def test_clipping_bounds_the_gradient_and_the_weights():
    norm = float(run(make_game()).metrics["g_gradient_norm"])
    clipped = make_game(gradient_clip=norm / 2, g_optimizer=lambda beta2: optimizers.sgd(0.0))
    start = initial(clipped)
    after = run(clipped, start=start).state
    moved = tf.nest.map_structure(tf.subtract, after.generator.params, start.generator.params)
    np.testing.assert_allclose(tf.linalg.global_norm(tf.nest.flatten(moved)), 1e-3 * norm / 2, rtol=1e-2)
    bounded, free = (run(make_game(weight_clip=clip)).state.discriminator.params for clip in (0.01, 0.0))
    assert max(np.abs(tensor).max() for tensor in tf.nest.flatten(bounded)) <= np.float32(0.01)
    assert max(np.abs(tensor).max() for tensor in tf.nest.flatten(free)) > 0.01


def test_float16_with_a_loss_scale_computes_gradients_near_the_exact_ones():
    exact, scaled = make_game(), make_game(dtype=tf.float16, loss_scaling=True)
    start, (images, labels) = initial(exact), data(exact)
    d, g, address = start.discriminator.params, start.generator.params, rng.fold(rng.stream(1, 0), 1)
    for find, params in ((d_gradients, (d, g)), (g_gradients, (g, d))):
        one, two = (
            np.concatenate([np.ravel(t) for t in tf.nest.flatten(find(game, *params, images, labels, address)[0])])
            for game in (exact, scaled)
        )
        assert np.dot(one, two) / np.linalg.norm(one) / np.linalg.norm(two) > 0.99
        np.testing.assert_allclose(np.linalg.norm(two), np.linalg.norm(one), rtol=0.02)


def test_an_overflow_in_float16_holds_the_update_back_and_lowers_the_scale():
    game = make_game(dtype=tf.float16, loss_scaling=True)
    start = initial(game)
    huge = loss_scale.initial()._replace(scale=tf.constant(2.0**40))
    result = run(game, start=start._replace(extra=start.extra | {state.D_LOSS_SCALE: huge}))
    assert same_bits(result.state.discriminator, start.discriminator)
    assert not same_bits(result.state.generator.params, start.generator.params)
    assert float(result.state.extra[state.D_LOSS_SCALE].scale) == loss_scale.LARGEST
    assert finite(result.metrics)
    assert sorted(result.metrics) == sorted(step.metric_names(game))


def test_several_discriminator_updates_report_their_mean():
    lazy = make_game(d_steps=2, every=2)  # the penalty is computed in the first of each two
    always = make_game(d_steps=2)
    assert float(run(lazy).metrics["d_penalty"]) > 0.5 * float(run(always).metrics["d_penalty"])


def test_a_strength_that_does_not_adapt_is_that_of_the_game():
    rule = Augmenting(augment.adaptive, 0.5, target=0.0, over_images=1.0)
    game = make_game(augmenting=rule)
    start = initial(make_game(augmenting=rule._replace(strength=0.0)))
    assert float(run(game, start=start).metrics["augmentation_strength"]) == 0.5


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
