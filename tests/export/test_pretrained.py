"""Models of users as feature extractors: read back from both forms, and refused in one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.errors import UserError
from gan.export import pretrained

X = np.random.default_rng(0).random((3, 8, 8, 3), np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder of one model in both forms, and models that are no extractors."""
    folder = tmp_path_factory.mktemp("models")
    inputs = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(4, 3)(inputs)
    keras.Model(inputs, maps).save(folder / "good.keras")
    keras.Model(inputs, maps).export(folder / "good", format="tf_saved_model", verbose=False)
    keras.Model(inputs, [maps, inputs]).save(folder / "two.keras")
    vector = keras.Input((5,))
    keras.Model(vector, keras.layers.Dense(2)(vector)).save(folder / "vector.keras")
    (folder / "text.keras").write_text("no model")
    (folder / "notes.txt").write_text("no model")
    (folder / "empty").mkdir()
    module = tf.Module()
    module.f = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None, None, None, 1], tf.float32)])
    tf.saved_model.save(module, folder / "any", signatures={"serving_default": module.f})
    module.g = tf.function(
        lambda x: tf.cast(x, tf.float32), input_signature=[tf.TensorSpec([None, None, None, 1], tf.uint8)]
    )
    tf.saved_model.save(module, folder / "bytes", signatures={"serving_default": module.g})
    return folder


def test_both_forms_give_the_same_maps(models):
    one, other = (pretrained.load(models / name) for name in ("good.keras", "good"))
    assert (one.size, one.channels) == (other.size, other.channels) == (8, 3)
    expected = keras.models.load_model(models / "good.keras")(X).numpy()
    for model in (one, other):
        found = model.function(tf.constant(X)).numpy()
        assert found.shape == (3, 6, 6, 4)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert one.identity == pretrained.load(models / "good.keras").identity != other.identity


def test_a_model_of_any_size(models):
    model = pretrained.load(models / "any")
    assert (model.size, model.channels, model.integers) == (0, 1, False)


def test_a_model_that_takes_integers_gets_them_rounded(models):
    model = pretrained.load(models / "bytes")
    assert model.integers
    pixels = np.float32([0.0, 0.6, 200.4, 254.9]).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(np.ravel(model.function(tf.constant(pixels))), [0.0, 1.0, 200.0, 255.0])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "nowhere is not there; give a SavedModel folder"),
        ("notes.txt", "notes.txt is not a model"),
        ("text.keras", "text.keras cannot be loaded as a model"),
        ("empty", "empty cannot be loaded as a model"),
        ("two.keras", "two.keras has 2 outputs, not one"),
        ("vector.keras", r"vector.keras takes inputs of shape .*5.*, not square images"),
    ],
)
def test_what_is_no_extractor_is_refused_in_one_line(models, name, words):
    with pytest.raises(UserError, match=words) as raised:
        pretrained.load(models / name)
    assert "\n" not in str(raised.value)
