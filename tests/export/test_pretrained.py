"""Models of users as feature extractors: read back from both forms, and refused in one line."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.errors import UserError
from gan.export import pretrained
from gan.jobs import extractor
from gan.jobs.requests import Evaluate

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


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_python_in_a_keras_file_is_not_run(tmp_path, suffix):
    place = str(tmp_path / "executed")
    program = keras.layers.Lambda(lambda x: (__import__("os").makedirs(place, exist_ok=True), x)[1])
    keras.Sequential([keras.Input((8, 8, 3)), program]).save(tmp_path / f"model{suffix}")
    (tmp_path / "executed").rmdir()
    with pytest.raises(UserError, match="cannot be loaded as a model .*code execution"):
        pretrained.load(tmp_path / f"model{suffix}")
    assert not (tmp_path / "executed").exists()


def test_of_a_saved_model_it_is_said_that_it_is_a_program(models, capsys):
    splits = SimpleNamespace(train=SimpleNamespace(image_shape=(8, 8, 3)))
    for name, expected in (("good", 1), ("good.keras", 0)):
        extractor.of(Evaluate("run", features=f"saved_model:{models / name}"), splits)
        assert (
            capsys.readouterr().err.count("is a SavedModel, which is a program and runs with your rights") == expected
        )
