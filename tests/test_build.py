import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import objectives, rng, step
from gan.errors import UserError
from gan.settings import Config

SHAPE = (20, 20, 1)
SMALL = {"g_width": 4, "d_width": 2, "latent_size": 8, "batch_size": 2}


def game(shape=SHAPE, numerics=build.PLAIN, preset="article_corrected", **settings):
    """The game of the defaults, small, with some settings changed."""
    return build.game(config.make(preset, **{**SMALL, **settings}), shape, numerics)


def output_of(parts):
    params = build.initial_state(config.make("article", **SMALL), parts).discriminator.params
    return parts.discriminator.apply(params, tf.fill([2, *SHAPE], 0.25), None, rng.stream(1, 2), False)


@pytest.mark.parametrize("preset", config.PRESETS)
def test_every_preset_trains_a_step(preset):
    parts = build.game(config.make(preset, **SMALL), SHAPE, build.PLAIN, num_classes=3)
    state = build.initial_state(config.make(preset, **SMALL), parts)
    images, labels = tf.zeros([2 * parts.d_steps, *SHAPE], tf.uint8), tf.zeros([2 * parts.d_steps], tf.int32)
    state, metrics = step.make_step(parts)(state, images, labels, rng.stream(1, 0), lambda nest: nest)
    assert int(state.step) == 1
    assert sorted(metrics) == sorted(step.metric_names(parts))
    assert all(np.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize(
    ("preset", "convolution", "expected"),
    [
        ("modern", "direct", "upsampling as a transposed convolution, R1 and R2 in one pass"),
        ("modern", "spectral", "R1 and R2 in one pass"),
        ("sngan", "direct", "upsampling as a transposed convolution"),
        ("sngan", "spectral", ""),
        ("article", "direct", ""),
        ("dcgan", "direct", ""),
    ],
)
def test_what_rounds_otherwise_than_before_is_told_where_it_is(preset, convolution, expected):
    made = config.make(preset, **SMALL)
    assert build.arithmetic(made, build.PLAIN._replace(convolution=convolution)) == expected


def test_the_preset_article_has_the_articles_networks():
    made = config.make("article")
    for network, count in ((build.generator, 2_450_049), (build.discriminator, 1_113_345)):
        assert sum(row.parameters for row in network(made, (28, 28, 1), build.PLAIN).table) == count


def test_the_game_follows_the_config():
    parts = game(g_learning_rate=0.25, d_learning_rate=0.5, d_steps=3, latent_size=5)
    assert (parts.rates.g_learning_rate, parts.rates.d_learning_rate, parts.d_steps, parts.latent_size) == (
        0.25,
        0.5,
        3,
        5,
    )
    assert game().regularization is None
    critic, images = (lambda x: tf.reduce_sum(x, [1, 2, 3])), tf.zeros([2, *SHAPE])
    parts = game(gamma=4.0, penalty_every_steps=3)
    penalty = parts.regularization.penalty(parts.rates.penalty_weight, 1.0)
    np.testing.assert_allclose(penalty(critic, images, None, rng.stream(1, 2)), 2.0 * 400)
    assert parts.regularization.every == 3


@pytest.mark.parametrize(
    ("settings", "rate", "start", "end"),
    [
        ({"g_learning_rate": 0.5, "learning_rate_end_factor": 0.5}, "g_learning_rate", 0.5, 0.25),
        ({"d_learning_rate": 0.5, "learning_rate_end_factor": 0.25}, "d_learning_rate", 0.5, 0.125),
        ({"g_learning_rate": 0.5, "learning_rate_end_factor": 0.5, "warmup_images": 50}, "g_learning_rate", 0.0, 0.25),
        ({"gamma": 4.0, "gamma_end_factor": 0.5}, "penalty_weight", 4.0, 2.0),
        ({"g_beta2": 0.5, "beta2_end": 0.75}, "g_beta2", 0.5, 0.75),
        ({"d_beta2": 0.5, "beta2_end": 0.75}, "d_beta2", 0.5, 0.75),
        ({"g_beta2": 0.5, "learning_rate_end_factor": 0.5}, "g_beta2", 0.5, 0.5),
        ({"ema_half_life_images": 8.0, "ema_end_factor": 2.0}, "ema_half_life_images", 8.0, 16.0),
    ],
)
def test_what_a_schedule_moves_goes_from_its_start_to_its_end(settings, rate, start, end):
    parts = game(schedule="linear", schedule_images=100, **settings)
    course = getattr(parts.rates, rate)
    for images, expected in ((0, start), (100, end), (1000, end)):
        np.testing.assert_allclose(course(tf.constant(images, tf.int64)), expected, rtol=1e-6)


def test_decay_and_averages_follow_the_config():
    optimizer = game(optimizer="adamw", weight_decay=0.25).g_optimizer(0.9)
    params, zero = {"dense": {"kernel": tf.ones([1, 1])}}, {"dense": {"kernel": tf.zeros([1, 1])}}
    new, _ = optimizer.update(zero, optimizer.init(params), params, tf.constant(1, tf.int64), 1.0)
    np.testing.assert_allclose(new["dense"]["kernel"], [[0.75]])
    assert game(ema_half_life_images=8.0, ema_ramp=0.5).ema_ramp == 0.5
    assert game(ema_half_life_images=0.0).ema_ramp is None


def test_wrong_labels_need_two_classes_and_networks_that_are_told_them():
    made = config.make("modern_conditional", **SMALL)
    several, single = (build.game(made, SHAPE, build.PLAIN, num_classes=count) for count in (3, 1))
    assert several.mismatch == (3, made.mismatch_weight)
    assert single.mismatch is None
    assert build.game(config.make("dcgan", conditional=True, **SMALL), SHAPE, build.PLAIN, num_classes=3).mismatch == (
        3,
        0,
    )
    assert build.game(config.make("modern", **SMALL), SHAPE, build.PLAIN, num_classes=3).mismatch is None


@pytest.mark.parametrize("player", ["g", "d"])
def test_each_player_has_its_own_betas(player):
    settings = {f"{player}_beta1": 0.25, f"{player}_beta2": 0.75, "epsilon": 0.5}
    parts = game(**settings)
    optimizer = getattr(parts, f"{player}_optimizer")(getattr(parts.rates, f"{player}_beta2"))
    w, count = {"w": tf.zeros([1])}, tf.constant(1, tf.int64)
    new, slots = optimizer.update({"w": tf.constant([2.0])}, optimizer.init(w), w, count, 1.0)
    np.testing.assert_allclose([slots.first["w"][0], slots.second["w"][0]], [1.5, 1.0])
    np.testing.assert_allclose(new["w"], [-(0.5 / 0.75) * 1.5 / (1.0 + 0.5)], rtol=1e-6)
    other = getattr(parts, "d_optimizer" if player == "g" else "g_optimizer")(0.999)
    _, slots = other.update({"w": tf.constant([2.0])}, other.init(w), w, count, 1.0)
    np.testing.assert_allclose(slots.first["w"], [0.2], rtol=1e-6)


@pytest.mark.parametrize("entropy", [objectives.cross_entropy, objectives.keras_cross_entropy])
@pytest.mark.parametrize("mode", objectives.TARGETS)
def test_the_objective_is_the_one_asked_for(entropy, mode):
    made = game(objective=entropy.__name__, label_noise_mode=mode, label_noise=0.3).objective
    expected = objectives.fake_detection(entropy, objectives.TARGETS[mode](0.3))
    arguments = tf.constant([-20.0, 1.0]), tf.constant([20.0, 0.0]), rng.stream(1, 2)
    np.testing.assert_array_equal(made.discriminator(*arguments), expected.discriminator(*arguments))


def test_the_networks_follow_the_config():
    plain = game()
    assert plain.generator.table[-1].name.startswith("sigmoid")
    assert game(g_output="linear").generator.table[-1].name.startswith("affine")
    convolutions = [row.shape[-1] for row in game(d_width=3).discriminator.table if row.name.startswith("conv")]
    assert convolutions == [3, 6, 12, 24]
    state = build.initial_state(config.make("article", **SMALL), plain)
    params, images, stream = state.discriminator.params, tf.fill([2, *SHAPE], 0.25), rng.stream(1, 2)
    symmetric = game(d_pixel_range="symmetric").discriminator.apply(params, images, None, stream, False)
    np.testing.assert_allclose(
        symmetric, plain.discriminator.apply(params, 2 * images - 1, None, stream, False), rtol=1e-4, atol=1e-6
    )
    scaled = build.initial_state(config.make("article", **SMALL), game(g_output_scale=0.5))
    last = list(state.generator.params)[-1]
    np.testing.assert_allclose(
        scaled.generator.params[last]["kernel"], 0.5 * state.generator.params[last]["kernel"], rtol=1e-6
    )


def test_one_width_scales_both_networks():
    for scale, widths in ((2.0, (8, 4)), (0.25, (1, 1))):
        scaled, written = game(width=scale), game(g_width=widths[0], d_width=widths[1])
        assert [row.shape for row in scaled.generator.table] == [row.shape for row in written.generator.table]
        assert [row.shape for row in scaled.discriminator.table] == [row.shape for row in written.discriminator.table]


@pytest.mark.parametrize(("setting", "off", "on"), [("d_dropout", 0.0, 0.4), ("d_input_noise", 0.0, 0.5)])
def test_dropout_and_noise_act_where_they_are_on(setting, off, on):
    images, both = tf.fill([2, *SHAPE], 0.25), {"d_dropout": 0.0, "d_input_noise": 0.0}
    for value in (off, on):
        parts = game(**{**both, setting: value})
        params = build.initial_state(config.make("article", **SMALL), parts).discriminator.params
        training, inference = (
            parts.discriminator.apply(params, images, None, rng.stream(1, 2), mode) for mode in (True, False)
        )
        assert bool((training == inference).numpy().all()) == (value == off)


@pytest.mark.parametrize(
    "numerics",
    [build.PLAIN, build.Numerics("float32", "spectral", False), build.Numerics("mixed_bfloat16", "direct", False)],
)
def test_numerics_change_how_not_what(numerics):
    tolerance = 0.02 if numerics.precision == "mixed_bfloat16" else 1e-5
    exact, other = (output_of(game(d_width=8, numerics=n)) for n in (build.PLAIN, numerics))
    assert other.dtype == tf.float32
    np.testing.assert_allclose(exact, other, atol=tolerance)


def test_a_given_convolver_is_used_by_both_networks():
    kernels = []

    def apply(x, kernel, padding, upsample=1, stride=1):
        kernels.append(kernel.shape)
        return build.CONVOLVERS["direct"].apply(x, kernel, padding, upsample, stride)

    own = build.CONVOLVERS["direct"]._replace(name="own", apply=apply)
    parts = build.game(config.make("article", **SMALL), SHAPE, build.PLAIN, convolver=own)
    state = build.initial_state(config.make("article", **SMALL), parts)
    latents = tf.zeros([2, parts.latent_size])
    images = parts.generator.apply(state.generator.params, latents, None, rng.stream(1, 2), False)
    parts.discriminator.apply(state.discriminator.params, images, None, rng.stream(1, 2), False)
    convolutions = [
        layer["kernel"].shape
        for player in (state.generator, state.discriminator)
        for layer in player.params.values()
        if len(layer["kernel"].shape) == 4
    ]
    assert kernels == convolutions


def test_the_seed_makes_the_first_state():
    parts = game()
    one, same, other = (build.initial_state(config.make("article", seed=seed, **SMALL), parts) for seed in (1, 1, 2))
    kernels = [state.generator.params["dense_1"]["kernel"].numpy() for state in (one, same, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.mean(kernels[0] == kernels[2]) < 0.1


def test_color_images_have_three_channels_on_both_sides():
    parts = game(shape=(20, 20, 3))
    assert parts.generator.table[-1].shape == (20, 20, 3)
    state = build.initial_state(config.make("article", **SMALL), parts)
    assert state.discriminator.params["conv_1"]["kernel"].shape == (5, 5, 3, 2)


def test_only_an_adaptive_augmentation_with_a_target_moves_its_strength():
    def made(**settings):
        augmenting = build.game(config.make("article", **SMALL, **settings), (28, 28, 1), build.PLAIN).augmenting
        return augmenting and (augmenting.strength, augmenting.target)

    assert made() is None
    assert made(augmentation="diffaugment") == (0.8, 0.0)
    assert made(augmentation="diffaugment", augmentation_strength=1.0) == (1.0, 0.0)
    assert made(augmentation="adaptive") == (0.0, 0.6)
    assert made(augmentation="adaptive_geometry", augmentation_strength=0.2, augmentation_target=0.5) == (0.2, 0.5)
    assert made(augmentation="adaptive", augmentation_strength=1.0, augmentation_target=0.0) == (1.0, 0.0)
    assert made(augmentation="diffaugment", augmentation_strength=1.0, augmentation_target=0.0) == (1.0, 0.0)
    assert config.LARGEST_ADAPTIVE == build.augment.LARGEST_STRENGTH


def test_other_colours_are_for_images_that_have_some(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.random.default_rng(0).integers(0, 256, (12, 16, 16), dtype=np.uint8))
    wanted = {"dataset": f"npz:{tmp_path}/a.npz", "networks": "dcgan", "augmentation": "adaptive_colour"}
    with pytest.raises(UserError, match="adaptive_colour: .* is grey; give --augmentation=adaptive"):
        build.source(config.make(**wanted))
    assert build.source(config.make(**wanted, channels=3)).image_shape == (16, 16, 3)


def test_every_choice_of_a_setting_is_in_its_registry():
    choices = {f.name: f.metadata["choices"] for f in dataclasses.fields(Config) if f.metadata["choices"]}
    assert set(choices["objective"]) == objectives.LABELLED.keys() | objectives.UNLABELLED.keys()
    assert set(choices["penalty"]) == set(build.penalties.PENALTIES)
    assert set(choices["optimizer"]) == set(build.optimizers.OPTIMIZERS)
    assert set(choices["schedule"]) == set(build.schedules.SHAPES)
    assert set(choices["augmentation"]) == {"none", *build.augment.AUGMENTATIONS}
    assert set(choices["label_noise_mode"]) == set(objectives.TARGETS)
    assert set(choices["networks"]) == set(build.pairs.PAIRS)
    assert set(choices["convolution"]) - {"auto"} == set(build.CONVOLVERS)
    assert set(choices["precision"]) - {"auto"} == set(build.DTYPES)


def test_records_of_a_run_name_its_data_as_those_of_an_evaluation_do(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16), dtype=np.uint8)
    for name, content in (("a", images), ("b", 255 - images)):
        np.savez(tmp_path / f"{name}.npz", images=content)
    for tests in ("", f"npz:{tmp_path}/b.npz"):
        wanted = config.make(dataset=f"npz:{tmp_path}/a.npz", test_dataset=tests, networks="dcgan")
        seen = build.source(wanted)
        assert build.data_identity(wanted, seen) == build.splits(wanted).identity
        assert (build.data_identity(wanted, seen) == seen.fingerprint) == (not tests)
