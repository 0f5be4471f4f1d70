"""TensorFloat-32: products of float32 numbers with 10 bits of their mantissa, by the tensor units of NVIDIA's GPUs.

They have them from compute capability 8.0 (Ampere) on; anywhere else it is float32. TensorFlow has one switch for the
whole process. It is read when an operation runs and when XLA compiles, so who computes in several precisions switches
before each.
"""

import tensorflow as tf

from gan.build import Numerics

NAME = "tensorfloat32"  # as a precision


def switch(numerics: Numerics) -> None:
    """Lets products of float32 on GPUs be those of these numerics; without a GPU there is nothing to switch."""
    if tf.config.get_visible_devices("GPU"):
        tf.config.experimental.enable_tensor_float_32_execution(numerics.precision == NAME)
