import numpy as np
import pytest
import tensorflow as tf

from gan.core import augment, ema, loss_scale, optimizers, rng, state, step
from gan.core.base import identity
from gan.core.game import Augmenting, Rates
from gan.networks import sngan
from gan.networks.convolutions import DIRECT, SPECTRAL
from tests.core.games import BATCH, d_gradients, data, finite, initial, make_game, run, same_bits


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
    one = ema.update(start.averages, run(game).state.generator.params, tf.constant(0, tf.int64), BATCH, 100.0, 0.0)
    two = ema.update(one, after.generator.params, tf.constant(BATCH, tf.int64), BATCH, 100.0, 0.0)
    assert same_bits(after.averages, two)
    assert same_bits(state.shown(after), after.averages)
    plain = run(make_game(r1=0.0)).state
    assert plain.averages == {}
    assert same_bits(state.shown(plain), plain.generator.params)


def test_the_averages_count_the_images_of_all_updates_and_are_young_at_first():
    rates = Rates(1e-3, 1e-3, 0.999, 0.999, 0.0, ema_half_life_images=100.0)
    game = make_game(r1=0.0, rates=rates, ema_ramp=0.5, d_steps=2)
    one, two = run(game).state, run(game, steps=2).state
    assert same_bits(one.averages, one.generator.params)  # no images had been seen before
    expected = ema.update(one.averages, two.generator.params, tf.constant(2 * BATCH, tf.int64), 2 * BATCH, 100.0, 0.5)
    assert same_bits(two.averages, expected)


def test_scheduled_rates_are_those_of_the_images_seen():
    rates = Rates(lambda seen: 1e-3 * tf.cast(seen + 1, tf.float32), 1e-3, lambda seen: tf.constant(0.5), 0.999)
    metrics = run(make_game(r1=0.0, d_steps=2, rates=rates), steps=2).metrics
    np.testing.assert_allclose(metrics["g_learning_rate"], 1e-3 * (2 * BATCH + 1), rtol=1e-6)


@pytest.mark.parametrize("d_steps", [1, 2])
def test_the_strength_of_an_adaptive_augmentation_moves_and_a_fixed_one_stays(d_steps):
    rule = Augmenting(augment.adaptive, 0.25, target=0.6, over_images=100.0)
    result = run(make_game(augmenting=rule, d_steps=d_steps))
    accuracy = float(result.metrics["d_accuracy_real"])
    moved = (1 if 2 * accuracy - 1 > 0.6 else -1) * d_steps * BATCH / 100
    np.testing.assert_allclose(result.state.extra["augmentation_strength"], 0.25 + moved, rtol=1e-6)
    np.testing.assert_allclose(result.metrics["augmentation_strength"], 0.25)  # the one that was in force
    fixed = run(make_game(augmenting=rule._replace(target=0.0))).state
    assert float(fixed.extra["augmentation_strength"]) == 0.25


def test_an_augmentation_of_strength_zero_changes_no_bit():
    rule = Augmenting(augment.adaptive, 0.0, target=0.0, over_images=1.0)
    plain, augmented = run(make_game(r1=0.0)).metrics, run(make_game(r1=0.0, augmenting=rule)).metrics
    assert all(same_bits(plain[name], augmented[name]) for name in plain)


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


def test_an_overflow_in_float16_holds_the_update_back_and_lowers_the_scale():
    game = make_game(dtype=tf.float16, loss_scaling=True)
    start = initial(game)
    huge = loss_scale.initial()._replace(scale=tf.constant(2.0**40))
    result = run(game, start=start._replace(extra=start.extra | {"d_loss_scale": huge}))
    assert same_bits(result.state.discriminator, start.discriminator)
    assert not same_bits(result.state.generator.params, start.generator.params)
    assert float(result.state.extra["d_loss_scale"].scale) == loss_scale.LARGEST
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
