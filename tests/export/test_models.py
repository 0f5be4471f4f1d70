"""Writing and checking the pair: a fault in what was written is found."""

import errno
import resource

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.errors import UserError
from gan.export import models

SHAPE = (28, 28, 1)


def made(form: str, shape=SHAPE, **settings) -> models.Exportable:
    chosen = config.make(**{"preset": "article_as_published", "g_width": 4, "d_width": 2, "latent_size": 8, **settings})
    networks = [make(chosen, shape, build.PLAIN) for make in (build.generator, build.discriminator)]
    return models.pair(chosen, shape, *(network.init(rng.stream(0, -1)) for network in networks), form)


@pytest.fixture(scope="module")
def pair() -> models.Exportable:
    return made("keras")


@pytest.mark.parametrize("form", ["h5", "keras", "saved_model"])
@pytest.mark.parametrize(
    ("preset", "shape"),
    [("article", SHAPE), ("modern", SHAPE), ("article", (24, 40, 3)), ("modern", (64, 32, 1))],
)
def test_what_was_written_is_what_the_engine_computes(preset, shape, form, tmp_path):
    both = made(form, shape, preset=preset)
    models.write(tmp_path, form, both)
    found = models.check(tmp_path, form, both)
    assert [model.name for model in found] == models.names(form)
    assert all(0 <= model.difference < 1e-6 for model in found)


def test_the_probability_is_that_of_a_fake_whatever_sign_the_logits_have():
    article, hinge = made("keras"), made("keras", objective="hinge")
    np.testing.assert_array_equal(article.inputs[1][0], hinge.inputs[1][0])
    probabilities = [both.models[1](both.inputs[1][0], training=False).numpy() for both in (article, hinge)]
    np.testing.assert_allclose(probabilities[0], 1.0 - probabilities[1], atol=1e-6)
    for both, probability in zip((article, hinge), probabilities, strict=True):
        np.testing.assert_allclose(probability, both.functions[1](*both.inputs[1]), atol=1e-6)


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_no_room_is_an_error_of_the_system(pair, form, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError) as raised:
            models.write(tmp_path, form, pair)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.errno == errno.EFBIG


def test_other_weights_are_found(pair, tmp_path):
    models.write(tmp_path, "keras", pair)
    weights = [pair.weights[0], [*pair.weights[1][:-1], pair.weights[1][-1] + 1e-7]]
    with pytest.raises(UserError, match=r"discriminatormodel\.keras, read back, has other weights"):
        models.check(tmp_path, "keras", pair._replace(weights=weights))


@pytest.mark.parametrize("change", [2 * models.TOLERANCE, float("nan")])
def test_other_outputs_are_found(pair, tmp_path, change):
    models.write(tmp_path, "keras", pair)
    other = pair._replace(functions=(lambda x: pair.functions[0](x) + tf.constant(change), pair.functions[1]))
    with pytest.raises(
        UserError, match=r"generatormodel\.keras, read back, gives outputs that differ .* by (0\.0002|nan)"
    ):
        models.check(tmp_path, "keras", other)


def test_the_persons_settings_of_keras_change_nothing_and_stay():
    expected = made("keras", preset="modern", width=0.1)
    before = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()
    try:
        keras.config.set_image_data_format("channels_first")
        keras.config.set_floatx("float16")
        keras.config.set_dtype_policy("mixed_bfloat16")
        both = made("keras", preset="modern", width=0.1)
        found = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy().name
    finally:
        for change, value in zip(_CHANGES, before, strict=True):
            change(value)
    assert found == ("channels_first", "float16", "mixed_bfloat16")
    for model, plain, inputs in zip(both.models, expected.models, both.inputs, strict=True):
        assert model.output.dtype == "float32"
        np.testing.assert_array_equal(model(*inputs), plain(*inputs))


_CHANGES = keras.config.set_image_data_format, keras.config.set_floatx, keras.config.set_dtype_policy


@pytest.mark.filterwarnings("ignore")  # of the interpreter, which will be a package of its own
@pytest.mark.parametrize("form", ["h5", "saved_model"])
@pytest.mark.parametrize("preset", ["article_as_published", "modern"])
def test_tensorflow_lite_has_all_operations(preset, form, tmp_path):
    both = made(form, preset=preset)
    models.write(tmp_path, form, both)
    for name, function, inputs in zip(models.names(form), both.functions, both.inputs, strict=True):
        if form == "h5":
            lite = tf.lite.TFLiteConverter.from_keras_model(keras.models.load_model(tmp_path / name, compile=False))
        else:
            lite = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / name))
        interpreter = tf.lite.Interpreter(model_content=lite.convert())
        (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
        x = inputs[0][:3]
        interpreter.resize_tensor_input(taken["index"], x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(taken["index"], x)
        interpreter.invoke()
        np.testing.assert_allclose(interpreter.get_tensor(given["index"]), function(x), atol=1e-5)
        assert not [each["op_name"] for each in interpreter._get_ops_details() if each["op_name"].startswith("Flex")]


@pytest.mark.parametrize("name", ["[1]", "a*?", "{x}", "back\\slash", "new\nline", "%20 #", "s3:", "ö"])
def test_a_folder_of_any_name_holds_a_saved_model(name, tmp_path):
    both = made("saved_model")
    (tmp_path / name).mkdir()
    models.write(tmp_path / name, "saved_model", both)
    found = models.check(tmp_path / name, "saved_model", both)
    assert all(model.difference < 1e-6 for model in found)
    assert {path.name for path in (tmp_path / name).iterdir()} == set(models.names("saved_model"))
