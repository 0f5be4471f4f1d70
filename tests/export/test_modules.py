"""The networks as TensorFlow modules: saved, read back, and what the engine computes for any number of examples."""

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.errors import UserError
from gan.export import keras, models, modules
from gan.settings import Config

SHAPE = (20, 20, 1)
CLASSES = 3


def made(**settings) -> tuple[Config, models.Exportable, list]:
    """The config, its pair of models, and the parameters of both."""
    chosen = config.make("article_as_published", g_width=4, d_width=4, latent_size=8, **settings)
    game = build.game(chosen, SHAPE, build.PLAIN, CLASSES)
    params = [network.init(rng.stream(i, -1)) for i, network in enumerate((game.generator, game.discriminator))]
    if game.discriminator.normalize:
        vectors = game.discriminator.init_state(rng.stream(2, -1), params[1])
        params[1], _ = game.discriminator.normalize(params[1], vectors)
    return chosen, models.pair(chosen, SHAPE, *params, "saved_model", [1 / CLASSES] * CLASSES), params


@pytest.mark.parametrize(
    "settings",
    [
        {"networks": "sngan", "conditional": True, "objective": "hinge"},
        {"networks": "residual", "minibatch_deviation": 4, "objective": "relativistic"},
    ],
    ids=lambda settings: settings["networks"],
)
def test_what_was_saved_computes_what_the_engine_computes(settings, tmp_path):
    chosen, pair, params = made(**settings)
    models.write(tmp_path, "saved_model", pair)
    found = models.check(tmp_path, "saved_model", pair)
    assert max(model.difference for model in found) < 1e-6
    assert np.std(pair.functions[1](*pair.inputs[1])) > 1e-4  # otherwise equality says nothing
    game = build.game(chosen, SHAPE, build.PLAIN, CLASSES)
    seen, *labels = (x[:64] for x in pair.inputs[1])
    labels = labels or [np.full(64, -1, np.int32)]
    if chosen.minibatch_deviation:  # a batch of 128 is computed, the images twice
        seen, labels = np.tile(seen, (2, 1, 1, 1)), [np.tile(labels[0], 2)]
    logits = game.discriminator.apply(params[1], seen, *labels, rng.stream(0, 0), False)[:64].numpy()
    loaded = tf.saved_model.load(str(tmp_path / "discriminatormodel"))
    inputs = [tf.constant(x[:64]) for x in pair.inputs[1]]
    np.testing.assert_allclose(loaded.logits(*inputs), logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(loaded.serve(*inputs)[:, 0], 1 / (1 + np.exp(logits)), rtol=1e-5)  # real is above 0


def rows(params, x):
    """The mean of what a block holds beside the numbers of each example."""
    return tf.stack([x, tf.fill(x.shape, tf.reduce_mean(x))], axis=1) + params


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 70])
def test_blocks_are_full_and_the_rest_comes_one_by_one(count):
    served = tf.function(modules.in_blocks(rows, (2,), whole=False), input_signature=[_NUMBER, _VECTOR])
    x = np.arange(count, dtype=np.float32)
    full = count // 32 * 32
    means = np.concatenate([x[:full].reshape(-1, 32).mean(1).repeat(32), x[full:]])
    np.testing.assert_allclose(served(1.0, x), np.stack([x, means], axis=1) + 1.0)


@pytest.mark.parametrize("count", [0, 1, 50, 128, 130])
def test_whole_batches_are_filled_up_with_the_first_examples(count):
    served = tf.function(modules.in_blocks(rows, (2,), whole=True), input_signature=[_NUMBER, _VECTOR])
    x = np.arange(count, dtype=np.float32)
    filled = np.resize(x, -(-count // 128) * 128)
    means = filled.reshape(-1, 128).mean(1).repeat(128)
    np.testing.assert_allclose(served(1.0, x), np.stack([filled, means], axis=1)[:count] + 1.0, rtol=1e-6)


_NUMBER, _VECTOR = tf.TensorSpec([], tf.float32), tf.TensorSpec([None], tf.float32)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"networks": "dcgan"}, "networks dcgan"),
        ({"conditional": True}, "conditional networks"),
        ({"minibatch_deviation": 4}, "a minibatch deviation"),
    ],
)
def test_what_keras_has_no_layers_for(settings, words):
    chosen = config.make("article", **settings)
    assert models.default_form(chosen) == "saved_model" and models.default_form(config.make()) == "h5"
    with pytest.raises(UserError, match=f"--format=h5 cannot hold {words}; use --format=saved_model"):
        keras.check(chosen, "h5")


def test_labels_that_are_no_classes_are_refused_by_the_model_itself(tmp_path):
    _, pair, _ = made(networks="sngan", conditional=True, objective="hinge")
    models.write(tmp_path, "saved_model", pair)
    latents = np.zeros((2, 8), np.float32)
    loaded = tf.saved_model.load(str(tmp_path / "generatormodel"))
    signature = loaded.signatures["serving_default"]
    for labels in ([0, 99], [-5, 0], [CLASSES, 0], [-1, 0]):
        words = rf"labels must be from 0 to 2; the least and the largest are\] \[{min(labels)}\] \[{max(labels)}\]"
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            loaded.serve(latents, np.int32(labels))
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            signature(latents=tf.constant(latents), labels=tf.constant(labels))
    with pytest.raises(tf.errors.InvalidArgumentError, match="one label for each input"):
        loaded.serve(latents, np.int32([0]))
    images = loaded.serve(latents, np.int32([0, 2]))
    assert images.shape == (2, *SHAPE)
    judge = tf.saved_model.load(str(tmp_path / "discriminatormodel"))
    for function in (judge.serve, judge.logits):
        with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be from 0 to 2"):
            function(images, np.int32([0, 3]))
