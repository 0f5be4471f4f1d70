"""Reading a run's networks beside its trainer: what is chosen, what is said of damage, and that nothing is touched."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core.state import VECTORS, State
from gan.errors import UserError
from gan.runs import checkpoint, trained, workdir
from gan.training import replicas

SHAPE = (28, 28, 1)
CONFIG = config.make("article_as_published", g_width=4, d_width=2, latent_size=8)


def state_of(step: int) -> State:
    """A state whose parameters all have the value of its step."""
    game = build.game(CONFIG, SHAPE, build.PLAIN)
    return tf.nest.map_structure(
        lambda tensor: tf.cast(tf.fill(tensor.shape, step), tensor.dtype), build.initial_state(CONFIG, game)
    )


@pytest.fixture
def run(tmp_path) -> Path:
    """A run with checkpoints of the steps 1, 2 and 3; its sums of metrics are not those of this version."""
    workdir.open_run(tmp_path, CONFIG, {"image_shape": list(SHAPE), "class_names": []}, override=False)
    for step in (1, 2, 3):
        training = replicas.training_variables(replicas.strategy("one_device"), state_of(step), ["gone_metric"])
        checkpoint.save(tmp_path / workdir.CHECKPOINTS, training, step, {})
    return tmp_path


def damage(run: Path, step: int) -> None:
    data = run / workdir.CHECKPOINTS / f"step_{step:010d}" / "state.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def values(found: trained.Trained) -> set[float]:
    return {float(x) for tensor in tf.nest.flatten((found.generator, found.discriminator)) for x in np.unique(tensor)}


def test_the_newest_or_the_one_asked_for(run):
    newest, second = trained.open(run), trained.open(run, 2)
    assert (newest.step, values(newest), newest.skipped) == (3, {3.0}, [])
    assert (second.step, values(second), second.skipped) == (2, {2.0}, [])
    assert (newest.run.config, newest.run.image_shape) == (CONFIG, SHAPE)
    assert sum(tensor.shape.num_elements() for tensor in tf.nest.flatten(newest.generator)) == sum(
        row.parameters for row in build.generator(CONFIG, SHAPE, build.PLAIN).table
    )


def test_a_generator_is_the_averages_where_the_run_keeps_any(tmp_path):
    settings = config.make(
        "article_as_published",
        g_width=4,
        d_width=2,
        latent_size=8,
        networks="sngan",
        conditional=True,
        ema_half_life_images=10.0,
    )
    workdir.open_run(tmp_path, settings, {"image_shape": list(SHAPE), "class_names": ["Bag", "Coat"]}, override=False)
    game = build.game(settings, SHAPE, build.PLAIN, num_classes=2)
    state = build.initial_state(settings, game)
    state = state._replace(averages=tf.nest.map_structure(lambda average: tf.fill(average.shape, 7.0), state.averages))
    training = replicas.training_variables(replicas.strategy("one_device"), state, [])
    checkpoint.save(tmp_path / workdir.CHECKPOINTS, training, 0, {})
    found = trained.open(tmp_path)
    assert {float(x) for tensor in tf.nest.flatten(found.generator) for x in np.unique(tensor)} == {7.0}
    assert found.run.class_names == ("Bag", "Coat") and found.run.class_shares == (0.5, 0.5)
    expected, _ = game.discriminator.normalize(state.discriminator.params, state.extra[VECTORS])
    tf.nest.map_structure(np.testing.assert_array_equal, found.discriminator, expected)


def test_a_damaged_one_is_passed_over_and_left_where_it_is(run):
    damage(run, 3)
    before = contents(run)
    found = trained.open(run)
    assert (found.step, values(found)) == (2, {2.0})
    assert [line.split(" (")[0] for line in found.skipped] == ["step_0000000003 is damaged"]
    with pytest.raises(UserError, match=r"step_0000000003 is damaged .*; choose another step"):
        trained.open(run, 3)
    assert contents(run) == before


def test_damage_is_never_taken_for_absence(run):
    for step in (1, 2, 3):
        damage(run, step)
    with pytest.raises(
        UserError, match=r"no checkpoint that can be read: step_0000000003 is damaged .* put a copy back"
    ):
        trained.open(run)
    folder = run / workdir.CHECKPOINTS
    for step in (1, 2, 3):
        (folder / f"step_{step:010d}").rename(folder / f"damaged_step_{step:010d}")
    with pytest.raises(UserError, match="no checkpoint that can be read: damaged_step_0000000001; "):
        trained.open(run)


def test_a_run_before_its_first_checkpoint(tmp_path):
    workdir.open_run(tmp_path, CONFIG, {"image_shape": list(SHAPE), "class_names": []}, override=False)
    for step in (None, 1):
        with pytest.raises(UserError, match="has no checkpoint (yet|of step 1; nor any other yet)"):
            trained.open(tmp_path, step)


def test_tensors_of_other_networks(run):
    path = run / workdir.CONFIG
    path.write_text(path.read_text().replace('"g_width": 4', '"g_width": 5'))
    with pytest.raises(UserError, match=r"tensor state/generator/params/dense_1/kernel is not that of its run; use"):
        trained.open(run)


@pytest.mark.parametrize(
    "facts",
    [
        {"image_shape": [28, 28]},
        {"image_shape": [28, 28, "1"]},
        {"image_shape": [28, 0, 1]},
        {"image_shape": [10**9, 28, 1]},
        {"class_names": [None]},
        {"class_names": "ab", "class_shares": [0.5]},
        {"num_examples": "many"},
    ],
    ids=str,
)
def test_facts_of_the_images_that_cannot_be_are_damage(run, facts):
    content = json.loads((run / workdir.CONFIG).read_text())
    content["data"] |= facts
    (run / workdir.CONFIG).write_text(json.dumps(content))
    with pytest.raises(UserError, match="config.json is damaged: it does not say what the images are"):
        trained.saved_run(run)


def test_networks_that_a_config_edited_by_hand_asks_for_are_not_made(run):
    path = run / workdir.CONFIG
    path.write_text(path.read_text().replace('"g_width": 4', '"g_width": 16384'))  # gigabytes
    with pytest.raises(UserError, match="is not that of its run"):
        trained.open(run)
