import numpy as np
import pytest
import tensorflow as tf

from gan.core import loss_scale, objectives, scalars
from gan.core.augment import adaptive
from gan.core.game import Augmenting, Mismatch
from gan.core.judge import Logits
from tests.core.games import make_game

RICH = {
    "num_classes": 10,
    "mismatch": Mismatch(10, 0.5),
    "augmenting": Augmenting(adaptive, 0.5, 0.0, 1.0),
    "loss_scaling": True,
}


def test_the_names_are_in_the_order_of_the_sums_in_a_checkpoint():
    game = make_game(**RICH)
    assert scalars.names(game)[:17] == [
        "d_loss", "d_penalty", "real_logit", "fake_logit", "d_accuracy_real", "d_accuracy_fake", "d_mismatch_loss",
        "d_accuracy_label", "g_loss", "fake_pixel_mean", "fake_pixel_saturated", "d_learning_rate", "g_learning_rate",
        "augmentation_strength", "d_loss_scale", "g_loss_scale", "d_gradient_norm",
    ]  # fmt: skip
    layers = [row.name for row in game.discriminator.table if row.parameters]
    assert scalars.names(game)[17 : 18 + len(layers)] == [
        *(f"d_gradient_norm/{name}" for name in layers),
        "g_gradient_norm",
    ]
    assert len(set(scalars.names(game))) == len(scalars.names(game))


def test_names_are_known_without_computing_anything():
    def never(*arguments):
        raise AssertionError

    game = make_game()
    names = scalars.names(game)
    silent = {name: getattr(game, name)._replace(init=never, apply=never) for name in ("generator", "discriminator")}
    assert scalars.names(game._replace(**silent, objective=objectives.Objective(never, never))) == names


def test_a_game_has_no_scalars_of_what_it_has_not():
    assert set(scalars.names(make_game(**RICH))) - set(scalars.names(make_game(num_classes=10))) == {
        "d_mismatch_loss", "d_accuracy_label", "augmentation_strength", *loss_scale.NAMES,
    }  # fmt: skip


def test_every_scalar_says_what_it_means():
    tables = (scalars.DISCRIMINATOR, scalars.GENERATOR, scalars.STEP)
    meanings = [scalar.meaning for table in tables for scalar in table.values()]
    assert all(meaning and not meaning.endswith(".") for meaning in meanings)
    assert len(set(meanings)) == len(meanings)


@pytest.mark.parametrize(
    ("objective", "accuracies", "label"),
    [
        (objectives.hinge(), (0.75, 0.5), 0.5),
        (objectives.relativistic(), (0.5, 0.5), 0.5),
        (objectives.minimax(objectives.noisy_targets(0.0))._replace(real_sign=-1.0), (0.25, 0.5), 0.25),
    ],
    ids=["sign", "differences", "real is negative"],
)
def test_the_scalars_of_a_discriminator_update_are_those_of_its_logits(objective, accuracies, label):
    real, fake, wrong = (
        tf.constant(row) for row in ([1.0, 2.0, 3.0, -4.0], [0.5, -1.0, 4.0, -2.0], [0.0, 2.0, 1.0, -1.0])
    )
    seen = scalars.DiscriminatorUpdate(objective, Logits(real, fake, wrong), *(tf.constant(x) for x in (1.0, 2.0, 3.0)))
    found = scalars.made(scalars.DISCRIMINATOR, make_game(**RICH), seen)
    expected = [1.0, 3.0, 0.5, 0.375, *accuracies, 2.0, label]
    np.testing.assert_allclose(list(found.values()), expected)


def test_pixels_near_their_ends_count_as_saturated():
    fakes = tf.reshape(tf.constant([-0.5, 0.0, 0.005, 0.02, 0.5, 0.98, 0.995, 2.0]), [2, 2, 2, 1])
    found = scalars.made(scalars.GENERATOR, make_game(), scalars.GeneratorUpdate(tf.constant(1.0), fakes))
    np.testing.assert_allclose(list(found.values()), [1.0, 0.5, 5 / 8])


def test_norms_are_of_the_whole_gradient_and_of_each_layer():
    grads = {
        "conv_1": {"kernel": tf.constant([3.0]), "bias": tf.constant([4.0])},
        "dense_1": {"bias": tf.constant([12.0])},
    }
    found = scalars.norms("g", grads)
    assert {name: float(norm) for name, norm in found.items()} == {
        "g_gradient_norm": 13.0, "g_gradient_norm/conv_1": 5.0, "g_gradient_norm/dense_1": 12.0,
    }  # fmt: skip
