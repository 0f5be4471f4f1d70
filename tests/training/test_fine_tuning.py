"""The first state of a run that begins with another: which numbers are whose, what begins anew, what is refused."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import ema
from gan.core.state import VECTORS, State
from gan.errors import UserError
from gan.networks.transfer import leaves
from gan.runs import checkpoint, origin, workdir
from gan.settings import Config
from gan.training import fine_tuning, replicas

SMALL = {"g_width": 8, "d_width": 4, "latent_size": 6, "batch_size": 4}
AVERAGED = {"ema_half_life_images": 100.0}
SHAPE = (32, 32, 1)


def made(preset: str = "sngan", **settings) -> Config:
    return config.make(preset, **SMALL | settings)


def trained_state(of: Config, classes: int = 0, seed: int = 5) -> State:
    """A state in which every number is drawn: no slot, average or vector is what it begins as."""
    random = np.random.default_rng(seed)
    first = build.initial_state(of, build.game(of, SHAPE, build.PLAIN, classes))
    return tf.nest.map_structure(
        lambda x: tf.constant(random.uniform(0.1, 1.0, x.shape), x.dtype) if x.dtype.is_floating else x + 9, first
    )


def saved(folder: Path, of: Config, state: State, classes: tuple[str, ...] = (), step: int = 9) -> origin.Origin:
    """A run with this state as its checkpoint, read as what another begins with."""
    workdir.open_run(folder, of, {"image_shape": list(SHAPE), "class_names": list(classes)}, override=False)
    training = replicas.training_variables(replicas.strategy("one_device"), state, [])
    checkpoint.save(folder / workdir.CHECKPOINTS, training, step, {})
    return origin.read(origin.parsed(str(folder)), folder / "new")


def begun(of: Config, source: origin.Origin, shape=SHAPE, classes: tuple[str, ...] = ()) -> fine_tuning.Beginning:
    return fine_tuning.begin(of, build.game(of, shape, build.PLAIN, len(classes)), classes, source)


def assert_equal(left, right) -> None:
    tf.nest.map_structure(np.testing.assert_array_equal, left, right)


def test_networks_averages_and_vectors_are_taken_and_all_else_begins(tmp_path):
    theirs = made(**AVERAGED)
    there = trained_state(theirs)
    ours = made(**AVERAGED, seed=3, batch_size=8, augmentation="adaptive", g_learning_rate=0.1)
    found = begun(ours, saved(tmp_path, theirs, there))
    state, first = found.state, build.initial_state(ours, build.game(ours, SHAPE, build.PLAIN))
    assert_equal(state.generator.params, there.generator.params)
    assert_equal(state.discriminator.params, there.discriminator.params)
    assert_equal(state.averages, there.averages)
    assert_equal(state.extra[VECTORS], there.extra[VECTORS])
    assert_equal((state.generator.slots, state.discriminator.slots), (first.generator.slots, first.discriminator.slots))
    assert (int(state.step), float(state.extra["augmentation_strength"])) == (0, 0.0)
    assert [(part.network, part.taken == part.tensors, part.remarks) for part in found.parts] == [
        ("generator", True, ()),
        ("discriminator", True, ()),
    ]
    tf.nest.assert_same_structure(state, first)
    assert found.warnings == ()


def test_averages_of_a_run_without_any_begin_as_its_generator(tmp_path):
    there = trained_state(made())
    state = begun(made(**AVERAGED), saved(tmp_path, made(), there)).state
    assert_equal(state.averages, there.generator.params)


def test_a_run_without_averages_begins_with_the_generator_itself(tmp_path):
    theirs = made(**AVERAGED)
    there = trained_state(theirs)
    state = begun(made(), saved(tmp_path, theirs, there)).state
    assert state.averages == {}
    assert_equal(state.generator.params, there.generator.params)


def test_what_does_not_fit_is_that_of_the_seed_in_generator_and_averages(tmp_path):
    theirs = made(**AVERAGED)
    there, ours = trained_state(theirs), made(**AVERAGED, seed=7)
    shape = (64, 64, 1)
    found = begun(ours, saved(tmp_path, theirs, there), shape)
    first = build.initial_state(ours, build.game(ours, shape, build.PLAIN))
    for new in (found.state.generator.params, found.state.averages):
        assert_equal(new["block_3"], first.generator.params["block_3"])
    assert_equal(found.state.averages["block_2"], there.averages["block_2"])
    new, old = (leaves(state.extra[VECTORS]) for state in (found.state, there))
    np.testing.assert_array_equal(new["block_5/conv_1/kernel"], old["block_4/conv_1/kernel"])
    np.testing.assert_array_equal(new["block_2/conv_1/kernel"], leaves(first.extra[VECTORS])["block_2/conv_1/kernel"])


def test_vectors_of_kernels_that_were_converted_are_found_anew(tmp_path):
    there = trained_state(made())
    ours = made()
    game = build.game(ours, (32, 32, 3), build.PLAIN)
    state = begun(ours, saved(tmp_path, made(), there), (32, 32, 3)).state
    normal, _ = game.discriminator.normalize(state.discriminator.params, state.extra[VECTORS])
    for name in ("conv_1", "shortcut_pointwise_1"):
        kernel = normal["block_1"][name]["kernel"].numpy()
        largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
        assert largest == pytest.approx(1.0, abs=0.02), name


def test_the_average_does_not_forget_where_the_run_began():
    """The ramp of a young run would make it the generator's first update."""
    assert build.game(made(**AVERAGED, init_from="x@1"), SHAPE, build.PLAIN).ema_ramp == 0.0
    assert build.game(made(**AVERAGED), SHAPE, build.PLAIN).ema_ramp == 0.05
    kept = ema.update(tf.constant(1.0), tf.constant(0.0), tf.constant(0), 50, 100.0, ramp=0.0)
    assert float(kept) == pytest.approx(0.5**0.5)
    with pytest.raises(UserError, match="--ema_ramp=0.5 has no effect"):
        made(**AVERAGED, init_from="x@1", ema_ramp=0.5)


def test_classes_by_their_names(tmp_path):
    theirs, ours = made("modern", conditional=True), made("modern", conditional=True)
    there = trained_state(theirs, 2)
    found = begun(ours, saved(tmp_path, theirs, there, ("cat", "dog")), classes=("dog", "emu"))
    table = found.state.generator.params["embedding_1"]["embedding"]
    np.testing.assert_array_equal(table[0], there.generator.params["embedding_1"]["embedding"][1])
    assert "embedding_1/embedding by the names of the classes; new: emu" in found.parts[0].remarks
    assert found.parts[1].remarks == ("projection_1/embedding by the names of the classes; new: emu",)


def test_labels_that_a_run_was_not_told_are_no_classes(tmp_path):
    theirs, ours = made("modern"), made("modern", conditional=True)
    found = begun(ours, saved(tmp_path, theirs, trained_state(theirs), ("cat", "dog")), classes=("cat", "dog"))
    assert found.parts[0].remarks == ("embedding_1 begins anew (not there)",)


def test_where_real_means_negative_the_head_is_turned(tmp_path):
    theirs, ours = made("article"), made("article", objective="hinge")
    there = trained_state(theirs)
    params = begun(ours, saved(tmp_path, theirs, there)).state.discriminator.params
    assert_equal(params["dense_1"], tf.nest.map_structure(tf.negative, there.discriminator.params["dense_1"]))
    assert_equal(params["conv_1"], there.discriminator.params["conv_1"])


def test_settings_under_which_the_numbers_mean_something_else_are_told(tmp_path):
    theirs = made("modern", g_output="sigmoid")
    (line,) = begun(made("modern"), saved(tmp_path, theirs, trained_state(theirs))).warnings
    assert line.startswith("--g_output=linear, but what this run begins with was trained with sigmoid")


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"g_width": 6}, ["nothing of its generator fits", "is [6, 512] there, [6, 384] here", "give --g_width=8 as"]),
        ({"d_width": 6}, ["nothing of its discriminator fits", "give --d_width=4 as there"]),
        ({"width": 2.0}, ["nothing of its generator fits", "give --width=1.0 as there"]),
        ({"preset": "wgan_gp"}, ["--networks=sngan"]),
    ],
)
def test_a_network_of_which_nothing_fits_is_refused_with_what_to_give(tmp_path, settings, words):
    source = saved(tmp_path, made(), trained_state(made()))
    with pytest.raises(UserError) as caught:
        begun(made(**settings), source)
    line = str(caught.value)
    assert "\n" not in line and line.startswith(f"--init_from={tmp_path}@9: ")
    assert not [word for word in words if word not in line], line
