"""The hardware: what there is, how TensorFlow shall use it, and what "auto" means on it.

Everything here must happen before TensorFlow's runtime starts, that is before the first operation.
"""

import os
import platform

import tensorflow as tf

from gan.build import Numerics
from gan.config import Config
from gan.engine import processor
from gan.errors import UserError

_FAST_BFLOAT16 = ("amx_bf16", "avx512_bf16")  # without one of them a CPU emulates bfloat16, slower than float32


def configure(config: Config) -> None:
    """Applies threads, logical CPUs and memory growth; raises `UserError` where the machine does not allow it."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(config.threads or len(os.sched_getaffinity(0)))
        if config.logical_cpus:
            cpu = tf.config.list_physical_devices("CPU")[0]
            parts = [tf.config.LogicalDeviceConfiguration()] * config.logical_cpus
            tf.config.set_logical_device_configuration(cpu, parts)
        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        if gpus:  # a GPU's fastest gradients are not the same from run to run, and its float32 is not all of float32
            tf.config.experimental.enable_op_determinism()
            tf.config.experimental.enable_tensor_float_32_execution(False)
    except RuntimeError as error:
        raise UserError(f"the devices cannot be configured: {error}") from error


def kinds() -> list[str]:
    """The names of the devices that train: the GPUs if there are any, else the logical CPUs."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name.split("/")[-1].removeprefix("device:") for device in devices]


def resolve(config: Config) -> Numerics:
    """How the networks compute on this machine; raises `UserError` for a combination that cannot work."""
    gpus = tf.config.list_physical_devices("GPU")
    precision = config.precision
    if precision == "auto":
        fast = all(_capability(gpu) >= (8, 0) for gpu in gpus) if gpus else _has_fast_bfloat16()
        precision = "mixed_bfloat16" if fast and config.convolution != "spectral" else "float32"
    convolution = config.convolution
    if convolution == "auto":
        convolution = "spectral" if precision == "float32" and not gpus else "direct"
    if convolution == "spectral" and precision != "float32":
        raise UserError(f"--convolution=spectral needs --precision=float32, not {precision}; use --convolution=direct")
    return Numerics(precision, convolution, config.jit_compile == "true")


def description() -> str:
    """The machine in a line, for the start summary."""
    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return ", ".join(names) or f"CPU {platform.machine()}, {os.cpu_count()} cores"


def _has_fast_bfloat16() -> bool:
    return not processor.flags().isdisjoint(_FAST_BFLOAT16)


def _capability(gpu) -> tuple[int, int]:
    return tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
