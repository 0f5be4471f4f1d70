"""The networks as ONNX models, made by tf2onnx: one file each, for ONNX Runtime and whatever else reads the format.

Inputs and outputs have the names and shapes of the TensorFlow Lite models, any number N of examples. For a label that
is no class the runtime reports an error.
"""

from collections.abc import Sequence

import tensorflow as tf

from gan.export import portable
from gan.export.networks import Networks
from gan.export.portable import Function
from gan.silence import no_native_words

_OPSET = 17  # which runtimes of the last years read
_ANY = "N"  # name of the number of examples


def generator(of: Networks) -> bytes:
    """The file of the generator."""
    function = portable.generator(of.config, of.image_shape, of.generator.applied, of.class_shares)
    return _converted(_checked(function, of), portable.generator_inputs(of.config), portable.IMAGES)


def discriminator(of: Networks) -> bytes:
    """The file of the discriminator, as `portable.discriminator` has it."""
    function = portable.discriminator(of.config, of.image_shape, of.discriminator.params, of.class_shares, of.real_sign)
    inputs = portable.discriminator_inputs(of.config, of.image_shape)
    return _converted(_checked(function, of), inputs, portable.PROBABILITIES)


def _checked(function: Function, of: Networks) -> Function:
    """The function, in which a label goes by a table of all labels: one that is no class is not in it.

    Networks would draw something for it. ONNX counts negative places from the end, and so they are led beyond it.
    """
    if not of.num_classes:
        return function

    def checked(x: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        places = tf.where(labels < 0, of.num_classes, labels)
        return function(x, tf.gather(tf.range(of.num_classes), places))

    return checked


def _converted(function: Function, inputs: Sequence[tf.TensorSpec], output: str) -> bytes:
    whole = tf.function(lambda *x: {output: function(*x)}, input_signature=inputs, autograph=False)
    with no_native_words():
        import tf2onnx

        model, _ = tf2onnx.convert.from_function(whole, input_signature=inputs, opset=_OPSET)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = _ANY
    return model.SerializeToString()
