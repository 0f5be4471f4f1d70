"""The networks as TensorFlow Lite models: one file each, for phones, browsers and the LiteRT interpreter.

Built-in operations alone, nearly all of which XNNPACK computes; float32 inside and out. The signature
`serving_default` has the inputs `latents` [N, latent_size] and in a conditional run `labels` int32 [N], and the output
`images` [N, H, W, C] in [0, 1]. N is 1 until the interpreter is told another one, unless a fixed one is asked for. For
a label that is no class the interpreter reports an error.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from gan.export import portable
from gan.settings import Config
from gan.silence import no_native_words

KINDS = ("float32", "float16", "int8")  # in which the weights are kept
INPUT, LABELS, IMAGES = "latents", "labels", "images"


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
    return _converted(portable.traced(function, portable.generator_inputs(config), IMAGES, batch), kind)


def _converted(function, kind: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with no_native_words():
        return converter.convert()
