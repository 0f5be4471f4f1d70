"""The networks as TensorFlow Lite models: one file each, for phones, browsers and the LiteRT interpreter.

Built-in operations alone, nearly all of which XNNPACK computes; float32 inside and out. The signature
`serving_default` has the inputs `latents` [N, latent_size] (of a discriminator `images` [N, H, W, C]) and in a
conditional run `labels` int32 [N], and the output `images` [N, H, W, C] in [0, 1] (`probabilities` [N, 1] of being
fake). N is 1 until the interpreter is told another one, unless a fixed one is asked for. For a label that is no class
the interpreter reports an error.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from gan.export import portable
from gan.export.portable import Function
from gan.settings import Config
from gan.silence import no_native_words

KINDS = ("float32", "float16", "int8")  # in which the weights are kept


def generator(
    config: Config,
    image_shape: Sequence[int],
    params: Mapping,
    class_shares: Sequence[float],
    kind: str = "float32",
    batch: int | None = None,
) -> bytes:
    """The file of the generator with these parameters of a checkpoint, its weights kept as `kind` says.

    Those of "int8" are quantized, all activations stay float32 (dynamic range). `class_shares` are those of the run.
    """
    function = portable.generator(config, image_shape, params, class_shares)
    return _converted(function, portable.generator_inputs(config), portable.IMAGES, kind, batch)


def discriminator(
    config: Config, image_shape: Sequence[int], params: Mapping, class_shares: Sequence[float], real_sign: float
) -> bytes:
    """The file of the discriminator, as `portable.discriminator` has it, in float32."""
    function = portable.discriminator(config, image_shape, params, class_shares, real_sign)
    return _converted(function, portable.discriminator_inputs(config, image_shape), portable.PROBABILITIES)


def _converted(
    function: Function, inputs: Sequence[tf.TensorSpec], output: str, kind: str = "float32", batch: int | None = None
) -> bytes:
    """The function of these named inputs [None, ...] as a file; with a `batch` for that number of examples alone."""
    specs = [tf.TensorSpec([batch, *spec.shape[1:]], spec.dtype, spec.name) for spec in inputs]
    hidden = (lambda x: x) if batch is None else _of_any_number
    whole = tf.function(lambda *x: {output: function(*map(hidden, x))}, input_signature=specs, autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([whole.get_concrete_function()], tf.Module())
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with no_native_words():
        return converter.convert()


def _of_any_number(x: tf.Tensor) -> tf.Tensor:
    """The same, its first length hidden: the operations are those for any number then, all of which a GPU takes."""
    return tf.raw_ops.PlaceholderWithDefault(input=x, shape=[None, *x.shape[1:]])
