import dataclasses
import json
import math

import pytest

from gan import config
from gan.core import objectives
from gan.errors import UserError
from gan.settings import Config, fields

NUMBERS = [field for field in fields().values() if field.type in (int, float)]


@pytest.mark.parametrize("preset", config.PRESETS)
def test_presets_are_valid_and_survive_json(preset):
    made = config.make(preset)
    assert made.preset == preset
    assert all(getattr(made, name) == value for name, value in config.PRESETS[preset].items())
    assert Config(**json.loads(json.dumps(dataclasses.asdict(made)))) == made


def test_the_defaults_are_those_of_the_preset_that_they_name():
    defaults = Config()
    assert config.PRESETS[defaults.preset] == {}
    assert config.make(defaults.preset) == defaults
    assert config.make() == config.assembled() == config.make(config.DEFAULT_PRESET)


def test_article_as_published_differs_from_corrected_in_targets_and_loss_alone():
    changes = config.differences(
        dataclasses.asdict(config.make("article_corrected")), config.make("article_as_published")
    )
    assert {name for kind in changes.values() for name, *_ in kind} == {"preset", "objective", "label_noise_mode"}


def test_article_corrected_has_the_numbers_of_the_article():
    made = config.make("article_corrected")
    assert (made.batch_size, made.epochs, made.latent_size, made.d_dropout) == (128, 50, 128, 0.4)
    assert (made.g_learning_rate, made.d_learning_rate, made.label_noise) == (1e-4, 1e-5, 0.15)
    assert (made.g_beta1, made.g_beta2, made.d_beta1, made.d_beta2, made.epsilon) == (0.9, 0.999, 0.9, 0.999, 1e-7)


def test_the_recipe_for_large_devices_is_that_for_small_ones_scaled_by_its_rule():
    small, large = config.make("modern"), config.make("modern_large")
    batch, width = large.batch_size / small.batch_size, large.g_width / small.g_width
    assert (batch, width) == (8, 4) and large.d_width == 4 * small.d_width
    for player in ("g", "d"):
        rates = [getattr(made, f"{player}_learning_rate") for made in (small, large)]
        assert rates[1] == pytest.approx(rates[0] * batch**0.5 / width, rel=0.01)
        beta2 = [getattr(made, f"{player}_beta2") for made in (small, large)]
        assert (1 - beta2[1]) == pytest.approx(batch * (1 - beta2[0]))
    for name in ("schedule_images", "ema_half_life_images"):
        assert getattr(large, name) == batch * getattr(small, name)
    assert large.epochs * 60_000 > large.schedule_images
    scaled = {"preset", "batch_size", "g_width", "d_width", "g_learning_rate", "d_learning_rate", "g_beta2", "d_beta2"}
    scaled |= {"schedule_images", "ema_half_life_images", "epochs", "log_every_steps", "sample_every_steps"}
    assert {name for kind in config.differences(vars(small), large).values() for name, *_ in kind} == scaled


def test_a_given_setting_beats_the_preset():
    assert config.make("article_as_published", label_noise_mode="added").label_noise_mode == "added"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"preset": "artikle"}, "--preset=artikle"),
        ({"nonsense": 1}, "nonsense"),
        ({"batch_size": 0}, "--batch_size=0"),
        ({"batch_size": 1.5}, "--batch_size=1.5"),
        ({"d_dropout": 1.0}, "below 1"),
        ({"d_dropout": -0.1}, "at least 0"),
        ({"channels": 2}, "0, 1, 3"),
        ({"precision": "float16"}, "mixed_bfloat16"),
        ({"seed": 2**31}, "at most"),
        ({"keep_checkpoints": 1}, "--keep_checkpoints=1"),
        ({"steps": 0, "epochs": 0.0, "minutes": 0.0}, "never end"),
        ({"log_every_steps": True}, "--log_every_steps=True"),
        *[
            ({"replicas": text}, "auto or a whole number from 1 to")
            for text in ("", "0", "00", "-1", "1.5", "two", "٢")
        ],
        ({"replicas": "9" * 5000}, "auto or a whole number from 1 to"),
        ({"replicas": 2}, "--replicas=2 must be of type str"),
        ({"replicas": "2", "strategy": "one_device"}, "give --strategy=auto, or --replicas=auto"),
        ({"replicas": "2", "logical_cpus": 4}, "give --logical_cpus=0, or --replicas=auto"),
    ],
)
def test_a_bad_setting_is_one_line_that_names_it(settings, words):
    with pytest.raises(UserError) as caught:
        config.make(**{"preset": "article", **settings})
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", [field.name for field in NUMBERS if field.type is float])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_infinite(name, value):
    with pytest.raises(UserError, match=f"--{name}="):
        config.make("article", **{name: value})


# With these every setting has an effect.
EVERYTHING = {
    "epochs": 1.0,
    "minutes": 1.0,
    "schedule": "linear",
    "schedule_images": 1,
    "optimizer": "adamw",
    "augmentation": "adaptive",
    "augmentation_strength": 0.5,
    "gamma": 1.0,
    "minibatch_deviation": 2,
    "conditional": True,
    "strategy": "mirrored",
    "learning_rate_end_factor": 0.5,
    "ema_half_life_images": 1.0,
    "evaluate_every_steps": 1,
}


@pytest.mark.parametrize("field", NUMBERS, ids=lambda field: field.name)
def test_ranges_hold_at_their_ends(field):
    rule = field.metadata
    for end, outside in ((rule["low"], -1), (rule["high"], 1)):
        if end is not None:
            inside = field.type(end)
            if not rule["choices"]:
                # 0 turns off what depends on these.
                alone = field.name in ("schedule_images", "gamma") and not end
                settings = ({"epochs": 1.0, "minutes": 1.0} if alone else EVERYTHING) | {field.name: inside}
                if field.name == "augmentation_strength" and end == rule["high"]:
                    settings |= {"augmentation_target": 0.0}  # where it adapts it stays below
                assert getattr(config.make("article", **settings), field.name) == end
            with pytest.raises(UserError):
                config.make("article", **{field.name: inside + outside * max(1, abs(inside))})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"gamma_end_factor": 0.5}, "--gamma_end_factor=0.5 has no effect without --schedule"),
        ({"schedule_images": 5}, "--schedule_images=5 has no effect"),
        ({"crop": "pad"}, "--crop=pad has no effect without --resolution"),
        ({"schedule": "cosine"}, "--schedule=cosine needs its length"),
        ({"weight_decay": 0.1}, "--weight_decay=0.1 has no effect without --optimizer=adamw"),
        ({"mismatch_weight": 0.1}, "--mismatch_weight=0.1 has no effect without --conditional"),
        ({"augmentation_strength": 0.1}, "--augmentation_strength=0.1 has no effect"),
        (
            {"augmentation": "diffaugment", "augmentation_target": 0.3},
            "--augmentation_target=0.3 has no effect without an ad",
        ),
        ({"augmentation": "adaptive", "augmentation_target": 0.0}, "give --augmentation_strength"),
        (
            {"augmentation": "adaptive", "augmentation_strength": 0.9},
            "--augmentation_strength=0.9 must be at most 0.8 where",
        ),
        ({"preset": "article_corrected", "penalty_every_steps": 4}, "--penalty_every_steps=4 has no effect"),
        (
            {"schedule": "cosine", "schedule_images": 9},
            "--schedule=cosine has no effect without an end",
        ),
        ({"penalty": "dragan", "gamma": 0.0}, "--penalty=dragan has no effect without a --gamma above 0"),
        ({"preset": "modern", "gamma": 0.0, "gamma_end_factor": 0.5}, "--gamma_end_factor=0.5 has no effect without a"),
        (
            {"preset": "modern", "label_noise": 0.1},
            "--label_noise=0.1 has no effect without an --objective with targets",
        ),
        ({"preset": "sngan", "label_smoothing": 0.1}, "--label_smoothing=0.1 has no effect"),
        ({"preset": "dcgan", "label_noise_mode": "overwritten"}, "--label_noise_mode=overwritten has no effect"),
        ({"preset": "dcgan", "ema_ramp": 0.1}, "--ema_ramp=0.1 has no effect without --ema_half_life_images"),
        ({"optimizer": "sgd", "g_beta2": 0.5}, "--g_beta2=0.5 has no effect without another --optimizer than sgd"),
        ({"augmentation_images": 9.0}, "--augmentation_images=9.0 has no effect without an --augmentation"),
        ({"minibatch_deviation": 1}, "--minibatch_deviation=1 has no effect"),
        ({"preset": "article_corrected", "objective": "wasserstein"}, "--objective=wasserstein needs a bound"),
    ],
)
def test_what_would_do_nothing_is_refused(settings, words):
    with pytest.raises(UserError) as caught:
        config.make(**{"preset": "article", **settings})
    assert words in str(caught.value)


@pytest.mark.parametrize("preset", config.PRESETS)
@pytest.mark.parametrize("off", [{"gamma": 0.0}, {"schedule": "constant"}])
def test_what_a_preset_has_for_what_is_turned_off_is_no_mistake(preset, off):
    given = {"weight_clip": 0.01, **off}  # wasserstein needs a bound
    made = config.make(preset, **given)
    assert {name: getattr(made, name) for name in given} == given
    assert config.continued(config.make(preset), given) == made


def test_only_what_is_given_now_must_have_an_effect():
    saved = config.make("modern", schedule_images=300_000)
    constant = config.continued(saved, {"schedule": "constant"})
    assert constant == dataclasses.replace(saved, schedule="constant") == config.validated(constant)
    assert config.continued(constant, {"steps": 5}).steps == 5
    for given in ({"schedule_images": 400_000}, {"schedule": "constant", "schedule_images": 300_000}):
        with pytest.raises(UserError, match=f"--schedule_images={given['schedule_images']} has no effect"):
            config.continued(constant, given)


def test_the_flags_of_a_run_of_a_preset_go_with_what_turns_a_part_of_it_off():
    flags = dataclasses.asdict(config.make("modern_conditional"))
    for off in ({"schedule": "constant"}, {"gamma": 0.0}, {"conditional": False}, {"optimizer": "sgd"}):
        assert config.make(**flags | off) == dataclasses.replace(config.make("modern_conditional"), **off)


def test_a_change_of_a_config_is_looked_at_alone():
    made = config.make("modern", penalty_every_steps=4)
    assert config.changed(made, gamma=0.0) == dataclasses.replace(made, gamma=0.0)
    with pytest.raises(UserError, match="--weight_decay=1.0 has no effect without --optimizer=adamw"):
        config.changed(made, weight_decay=1.0)


def test_what_has_no_effect_is_listed_with_what_it_needs():
    assert config.without_effect(config.make("modern")) == {}
    assert config.without_effect(config.make("modern_conditional")) == {}
    left_over = ("penalty", "penalty_every_steps", "gamma_end_factor")
    assert config.without_effect(config.make("modern", gamma=0.0)) == dict.fromkeys(left_over, "a --gamma above 0")


@pytest.mark.parametrize("objective", [*objectives.LABELLED, *objectives.UNLABELLED])
def test_which_objectives_have_targets_is_known(objective):
    settings = {"objective": objective, "label_smoothing": 0.5, "weight_clip": 1.0}
    if objective in objectives.UNLABELLED:
        with pytest.raises(UserError, match="--label_smoothing=0.5 has no effect"):
            config.make("dcgan", **settings)
    else:
        assert config.make("dcgan", **settings).label_smoothing == 0.5


def test_renamed_settings_are_settings():
    assert set(config.RENAMED.values()) <= fields().keys()
    assert not config.RENAMED.keys() & fields().keys()


def test_differences_are_sorted_by_what_they_mean():
    old = dataclasses.asdict(config.make("article_corrected"))
    new = config.make("article_corrected", steps=7, threads=1, g_learning_rate=2e-4, seed=3)
    assert config.differences(old, new) == {
        "free": [("steps", 0, 7), ("epochs", 50.0, 0.0)],
        "numerics": [("threads", 0, 1)],
        "tunable": [("g_learning_rate", 1e-4, 2e-4)],
        "fixed": [("seed", 0, 3)],
    }


def test_a_setting_unknown_to_an_old_run_had_its_default():
    old = dataclasses.asdict(config.make("article"))
    del old["gamma"]
    changes = config.differences(old, config.make("article", gamma=1.0))
    assert changes["tunable"] == [("gamma", fields()["gamma"].default, 1.0)]


def test_a_run_continues_with_its_own_settings_and_the_given_ones():
    saved = config.make("article", batch_size=8, steps=20, minutes=3.0)
    assert config.continued(saved, {}) == dataclasses.replace(saved, minutes=0.0)
    assert config.continued(saved, {"preset": "article", "seed": 1}).batch_size == 8


def test_a_new_length_takes_the_place_of_the_old_one():
    saved = config.make("article", steps=20)
    longer = config.continued(saved, {"epochs": 2.0})
    assert (longer.steps, longer.epochs, longer.minutes) == (0, 2.0, 0.0)
    assert config.continued(saved, {"minutes": 5.0}) == dataclasses.replace(saved, minutes=5.0)
    by_the_clock = config.make("article", epochs=0.0, minutes=3.0)
    assert config.continued(by_the_clock, {}) == by_the_clock


def test_another_preset_changes_what_the_presets_say_and_nothing_else():
    saved = config.make("article", batch_size=8, d_learning_rate=3e-4)
    changed = config.continued(saved, {"preset": "article_as_published", "g_beta1": 0.3})
    expected = config.make("article_as_published", batch_size=8, g_beta1=0.3)
    assert changed == expected


@pytest.mark.parametrize(
    ("dataset", "folder"),
    [
        ("fashion_mnist", "runs/article-fashion_mnist"),
        ("tfds:mnist/plain:1.0.0", "runs/article-tfds-mnist-plain-1.0.0"),
        ("folder:/my/photos/", "runs/article-folder-photos"),
        ("npz:../a set.npz", "runs/article-npz-a-set"),
    ],
)
def test_the_default_folder_is_one_level_below_runs(dataset, folder):
    assert config.default_workdir("article", dataset) == folder


def test_steps_that_are_given_are_not_cut_short_by_epochs_that_are_not():
    assert config.make(steps=5000).epochs == 0.0
    assert config.make(steps=5000, epochs=2.0).epochs == 2.0 and config.make().epochs == 50.0


def test_a_command_is_never_that_of_a_folder():
    saved = config.make("article", preempted_when_succeeds="rm -r /", preempted_when_exists="/notice")
    assert config.continued(saved, {}).preempted_when_succeeds == ""
    assert config.continued(saved, {}).preempted_when_exists == "/notice"
    assert config.continued(saved, {"preempted_when_succeeds": "true"}).preempted_when_succeeds == "true"
