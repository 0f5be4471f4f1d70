"""The networks as TensorFlow Lite models: what is in the files, and what they make of labels."""

import numpy as np
import pytest
import tensorflow as tf

from gan.export import interpreters, tflite
from tests.export.exporting import PAIRS, SHARES, tiny

litert = pytest.importorskip("ai_edge_litert.interpreter")


def model_of(of, **options) -> bytes:
    return tflite.generator(of.config, of.image_shape, of.generator.params, SHARES, **options)


@pytest.mark.parametrize("networks", PAIRS)
def test_operations_are_built_in_and_computed_by_xnnpack(networks):
    of = tiny(networks=networks)
    interpreter = litert.Interpreter(model_content=model_of(of), num_threads=1)
    interpreter.allocate_tensors()
    operations = [each["op_name"] for each in interpreter._get_ops_details()]
    assert operations.count("DELEGATE") == 1 and operations[-1] == "DELEGATE"  # the whole graph, in one piece
    assert not [name for name in operations if name.startswith("Flex")]
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert taken["shape_signature"].tolist() == [-1, 8] and taken["dtype"] == np.float32
    assert given["shape_signature"].tolist() == [-1, 28, 28, 1]
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["latents"], "outputs": ["images"]}}


def test_a_fixed_number_of_examples_is_in_the_file():
    of = tiny(networks="residual")
    interpreter = litert.Interpreter(model_content=model_of(of, batch=4))
    assert interpreter.get_input_details()[0]["shape_signature"].tolist() == [4, 8]
    found = interpreter.get_signature_runner()(latents=of.generator.inputs[0][:4])["images"]
    np.testing.assert_allclose(found, of.generator.function(of.generator.inputs[0][:4]), atol=1e-5)


@pytest.mark.parametrize("networks", ["article", "sngan"])
def test_a_label_that_is_no_class_is_an_error_of_the_interpreter(networks):
    of = tiny(networks=networks, conditional=True)
    latents, model = of.generator.inputs[0][:2], model_of(of)
    for label in (-5, -1, 3, 99):
        function = interpreters.litert(model, ("latents", "labels"))
        with pytest.raises(RuntimeError, match=f"index out of bounds. Got {label}, and bounds are \\[0, 2\\]"):
            function(latents, np.int32([0, label]))


@pytest.mark.filterwarnings("ignore")  # of the interpreter, which will be a package of its own
@pytest.mark.parametrize("networks", ["article", "residual"])
def test_plain_keras_models_convert_with_builtin_operations_too(networks):
    from gan.export import keras

    of = tiny(networks=networks)
    model = keras.generator(of.config, of.generator.network, of.generator.applied)
    interpreter = tf.lite.Interpreter(model_content=tf.lite.TFLiteConverter.from_keras_model(model).convert())
    assert not [each["op_name"] for each in interpreter._get_ops_details() if each["op_name"].startswith("Flex")]
    taken, given = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    latents = of.generator.inputs[0][:3]
    interpreter.resize_tensor_input(taken, latents.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(taken, latents)
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(given), of.generator.function(latents), atol=1e-5)


def test_nothing_is_said_on_the_terminal(capfd):
    of = tiny(networks="residual")
    interpreters.litert(model_of(of), ("latents",))(of.generator.inputs[0])
    assert capfd.readouterr() == ("", "")
