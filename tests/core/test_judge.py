import numpy as np
import pytest
import tensorflow as tf

from gan.core import augment, judge, rng
from gan.core.game import Augmenting, Mismatch
from gan.networks import sngan
from tests.core.games import BATCH, SHAPE, data, initial, make_game, same_bits

UPDATE = rng.fold(rng.stream(1, 0), 1)


def bound(game, stream=UPDATE, strength=(), seed=1):
    start = initial(game, seed)
    _, labels = data(game)
    carried = start.extra["spectral_vectors"]
    return judge.bound(game, start.discriminator.params, carried, labels, strength, judge.streams(stream))


def images(seed):
    return tf.constant(np.random.default_rng(seed).random((BATCH, *SHAPE)), tf.float32)


def test_every_purpose_has_a_random_stream_of_its_own():
    random = judge.streams(UPDATE)
    assert len({stream.path for stream in random}) == len(random)
    # They are numbered from 0 in the order of the fields: another number for a purpose is another run.
    assert [stream.path for stream in random] == [rng.fold(UPDATE, i).path for i in range(9)]
    assert random._fields == (
        "latents", "discriminator", "targets", "penalty", "generator", "augmentation", "real_augmentation",
        "wrong_labels", "wrong_targets",
    )  # fmt: skip


def test_real_and_fake_images_are_shown_in_turn():
    real, fake = images(1), images(2)
    shown = bound(make_game()).shown(real, fake)
    np.testing.assert_array_equal(shown[::2], real)
    np.testing.assert_array_equal(shown[1::2], fake)
    assert same_bits(judge.apart(shown), (real, fake))


def test_what_is_shown_of_an_example_does_not_depend_on_the_others():
    """The second half of a batch, as the replica sees it that has that."""
    game = make_game(augmenting=Augmenting(augment.adaptive, 1.0, 0.0, 1.0))
    real, fake, strength = images(1), images(2), tf.constant(1.0)
    whole = bound(game, strength=strength).shown(real, fake)
    second = rng.fold(rng.stream(1, 0, BATCH // 2), 1)
    half = bound(game, second, strength).shown(real[BATCH // 2 :], fake[BATCH // 2 :])
    np.testing.assert_array_equal(half, whole[BATCH:])
    assert not same_bits(whole, bound(make_game()).shown(real, fake))


def test_logits_are_of_real_images_of_fakes_and_of_real_images_under_a_wrong_label():
    game = make_game(num_classes=10, dropout=0.0, noise=0.0, mismatch=Mismatch(10, 1.0))
    made, real, fake = bound(game), images(1), images(2)
    wrong = judge.with_wrong(10, made.labels, made.random.wrong_labels)[:, 1]

    def asked(x, labels):
        return game.discriminator.apply(made.weights, x, labels, UPDATE, False)

    found = made.compared(made.shown(real, fake))
    for ours, theirs in zip(
        found, (asked(real, made.labels), asked(fake, made.labels), asked(real, wrong)), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(made.of_fake(fake), found.fake, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(made.of_real(real), found.real, rtol=1e-4, atol=1e-6)
    assert bound(game._replace(mismatch=None)).compared(made.shown(real, fake)).wrong is None


def test_the_generators_update_augments_real_images_and_fakes_apart():
    game = make_game(augmenting=Augmenting(augment.adaptive, 1.0, 0.0, 1.0))
    made = bound(game, strength=tf.constant(1.0))
    logits = [made.of_real(images(1)), made.of_fake(images(1)), made.critic(images(1))]
    assert all(not same_bits(one, two) for i, one in enumerate(logits) for two in logits[:i])


def test_a_norm_stands_between_the_parameters_and_the_weights():
    game = make_game(pair=sngan, width=4)
    start, made = initial(game), bound(game)
    params, vectors = start.discriminator.params, start.extra["spectral_vectors"]
    with tf.GradientTape() as tape:
        tape.watch(params)
        weights, following = game.discriminator.normalize(params, vectors)
        total = tf.add_n([tf.reduce_sum(tf.sin(tensor)) for tensor in tf.nest.flatten(weights)])
    assert same_bits((made.weights, made.vectors), (weights, following))
    found = made.pulled_back(tf.nest.map_structure(tf.cos, made.weights))
    for ours, theirs in zip(tf.nest.flatten(found), tf.nest.flatten(tape.gradient(total, params)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    plain = bound(make_game())
    assert plain.weights is plain.pulled_back(plain.weights) and plain.vectors == {}


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_a_wrong_label_is_every_other_class_with_the_same_chance(num_classes):
    labels = tf.constant(np.arange(6000) % num_classes, tf.int32)
    pairs = judge.with_wrong(num_classes, labels, rng.stream(3, 0)).numpy()
    np.testing.assert_array_equal(pairs[:, 0], labels)
    counts = np.zeros((num_classes, num_classes), int)
    np.add.at(counts, (pairs[:, 0], pairs[:, 1]), 1)
    assert (np.diag(counts) == 0).all()
    expected = 6000 / num_classes / (num_classes - 1)
    off = counts[~np.eye(num_classes, dtype=bool)]
    assert (np.abs(off - expected) <= 5 * np.sqrt(expected)).all() and off.sum() == 6000
