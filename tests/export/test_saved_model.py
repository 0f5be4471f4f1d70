"""The networks as TensorFlow modules: saved, read back, and what the engine computes for any number of examples."""

import numpy as np
import pytest
import tensorflow as tf

from gan import build
from gan.core import rng
from gan.export import models, saved_model
from gan.export.formats import FORMATS
from gan.pictures import raster
from gan.sampling import sampler
from tests.export.exporting import SHARES, tiny

SHAPE = (20, 20, 1)
CLASSES = len(SHARES)


def read_back(folder, of):
    """The networks, and both models once they were written and loaded."""
    models.write(folder, "saved_model", list(FORMATS["saved_model"].models(of)))
    return of, *(tf.saved_model.load(str(folder / f"{name}model")) for name in ("generator", "discriminator"))


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    """Conditional networks, and both models read back."""
    of = tiny(SHAPE, networks="sngan", conditional=True, objective="hinge")
    return read_back(tmp_path_factory.mktemp("models"), of)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Networks that look at the whole batch, and both models read back."""
    of = tiny(SHAPE, networks="residual", minibatch_deviation=4, objective="relativistic")
    return read_back(tmp_path_factory.mktemp("models"), of)


@pytest.mark.parametrize("kind", ["conditional", "whole"])
def test_logits_are_what_the_engine_computes(kind, request):
    of, _, loaded = request.getfixturevalue(kind)
    assert np.std(of.discriminator.function(*of.discriminator.inputs)) > 1e-4  # otherwise equality says nothing
    seen, *labels = inputs = [x[:64] for x in of.discriminator.inputs]
    labels = labels or [np.full(64, -1, np.int32)]
    if of.whole:  # a batch of 128 is computed, the images twice
        seen, labels = np.tile(seen, (2, 1, 1, 1)), [np.tile(labels[0], 2)]
    network, params = of.discriminator.network, of.discriminator.params
    logits = network.apply(params, seen, *labels, rng.stream(0, 0), False)[:64].numpy()
    inputs = list(map(tf.constant, inputs))
    np.testing.assert_allclose(loaded.logits(*inputs), logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(loaded.serve(*inputs)[:, 0], 1 / (1 + np.exp(logits)), rtol=1e-5)  # real is above 0


@pytest.mark.parametrize("num", [1, 70])
@pytest.mark.parametrize("kind", ["conditional", "whole"])
def test_samples_are_those_of_the_sampler(kind, num, request):
    of, loaded, _ = request.getfixturevalue(kind)
    generator = build.sampling_generator(of.config, SHAPE, build.PLAIN, SHARES)
    labels = sampler.random_labels(5, num, SHARES) if kind == "conditional" else None
    expected = np.concatenate(list(sampler.make_sampler(generator, 8)(of.generator.params, 5, num, labels)))
    answer = loaded.sample(num, 5)
    named = loaded.signatures["sample"](num=tf.constant(num), seed=tf.constant(5, tf.int64))
    if labels is None:
        images = answer
        assert set(named) == {"images"}
    else:
        images, told = answer
        np.testing.assert_array_equal(told, labels)
        np.testing.assert_array_equal(named["labels"], labels)
    assert expected.std() > 5 and images.shape == expected.shape
    assert np.abs(raster.to_uint8(images).astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(named["images"], images)


def test_there_is_no_sample_of_no_image(whole):
    with pytest.raises(tf.errors.InvalidArgumentError, match="num must be at least 1"):
        whole[1].sample(0, 0)


def test_latents_are_drawn_by_every_name(conditional):
    of, loaded, _ = conditional
    latents, labels = of.generator.inputs
    images = of.generator.function(latents, labels)
    np.testing.assert_allclose(loaded.generate(latents, labels), images, atol=1e-6)
    named = {"latents": tf.constant(latents), "labels": tf.constant(labels)}
    np.testing.assert_allclose(loaded.signatures["generate"](**named)["images"], images, atol=1e-6)
    np.testing.assert_allclose(loaded.signatures["serving_default"](**named)["output_0"], images, atol=1e-6)


def rows(params, x):
    """The mean of what a block holds beside the numbers of each example."""
    return tf.stack([x, tf.fill(x.shape, tf.reduce_mean(x))], axis=1) + params


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 70])
def test_blocks_are_full_and_the_rest_comes_one_by_one(count):
    served = tf.function(saved_model.in_blocks(rows, (2,), whole=False), input_signature=[_NUMBER, _VECTOR])
    x = np.arange(count, dtype=np.float32)
    full = count // 32 * 32
    means = np.concatenate([x[:full].reshape(-1, 32).mean(1).repeat(32), x[full:]])
    np.testing.assert_allclose(served(1.0, x), np.stack([x, means], axis=1) + 1.0)


@pytest.mark.parametrize("count", [0, 1, 50, 128, 130])
def test_whole_batches_are_filled_up_with_the_first_examples(count):
    served = tf.function(saved_model.in_blocks(rows, (2,), whole=True), input_signature=[_NUMBER, _VECTOR])
    x = np.arange(count, dtype=np.float32)
    filled = np.resize(x, -(-count // 128) * 128)
    means = filled.reshape(-1, 128).mean(1).repeat(128)
    np.testing.assert_allclose(served(1.0, x), np.stack([filled, means], axis=1)[:count] + 1.0, rtol=1e-6)


_NUMBER, _VECTOR = tf.TensorSpec([], tf.float32), tf.TensorSpec([None], tf.float32)


def test_labels_that_are_no_classes_are_refused_by_the_model_itself(conditional):
    _, loaded, judge = conditional
    latents = np.zeros((2, 8), np.float32)
    signature = loaded.signatures["serving_default"]
    for labels in ([0, 99], [-5, 0], [CLASSES, 0], [-1, 0]):
        words = rf"labels must be from 0 to 2; the least and the largest are\] \[{min(labels)}\] \[{max(labels)}\]"
        for function in (loaded.serve, loaded.generate):
            with pytest.raises(tf.errors.InvalidArgumentError, match=words):
                function(latents, np.int32(labels))
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            signature(latents=tf.constant(latents), labels=tf.constant(labels))
    with pytest.raises(tf.errors.InvalidArgumentError, match="one label for each input"):
        loaded.serve(latents, np.int32([0]))
    images = loaded.serve(latents, np.int32([0, 2]))
    assert images.shape == (2, *SHAPE)
    for function in (judge.serve, judge.logits):
        with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be from 0 to 2"):
            function(images, np.int32([0, 3]))
