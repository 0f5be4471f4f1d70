"""The hardware: what there is, how TensorFlow shall use it, and what "auto" means on it.

Everything here must happen before TensorFlow's runtime starts, that is before the first operation.
"""

import contextlib
import dataclasses
import os
import platform

import tensorflow as tf

from gan import build
from gan.build import DTYPES, Numerics
from gan.errors import UserError
from gan.machine import calibration, processor, sharing, tensorfloat32
from gan.machine.sharing import Sharing
from gan.settings import Config

_BFLOAT16_UNITS = ("amx_bf16", "avx512_bf16")  # without one of them a CPU emulates bfloat16
_TENSOR_FLOAT_32 = (8, 0)  # the compute capability of a GPU from which on it has units for it
_HALF_PRECISIONS = {(8, 0): "mixed_bfloat16", (7, 0): "mixed_float16"}  # by the compute capability of a GPU


def configure(config: Config) -> None:
    """Applies threads, logical CPUs and memory growth; raises `UserError` where the machine does not allow it.

    In a process in which TensorFlow has started, what it was started with can no longer be changed: threads that the
    config leaves open stay as they are, and anything else that differs is refused.
    """
    try:
        _set_threads(config.threads)
        if config.logical_cpus:
            _split_cpu(config.logical_cpus)
        for gpu in gpus():
            tf.config.experimental.set_memory_growth(gpu, True)
        if gpus() and is_deterministic(config):  # its fastest gradients are not the same from run to run
            tf.config.experimental.enable_op_determinism()
        tensorfloat32.switch(build.PLAIN)  # a GPU's float32 is otherwise not all of float32
    except RuntimeError as error:
        raise UserError(f"the devices cannot be configured: {error}") from error


def share_out(config: Config, before: Sharing | None = None) -> int:
    """Configures the devices for training; returns how many shall share each batch, 0: as the strategy has it.

    A run that was saved with `before` goes on so. In a process in which TensorFlow has started, what the config leaves
    open is as it was started; anything else raises `UserError`.
    """
    replicas, threads = sharing.chosen(config, bool(gpus()), before)
    if replicas > 1 and not gpus():
        try:
            _split_cpu(replicas)
        except RuntimeError as error:
            there = len(tf.config.list_logical_devices("CPU"))
            if config.replicas == "auto":
                replicas = there if sharing.fits(config, there) else 1
            elif there != replicas:
                raise UserError(f"the devices cannot be configured: {error}") from error
    if threads and not config.threads:
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        threads = tf.config.threading.get_intra_op_parallelism_threads()
    configure(dataclasses.replace(config, threads=threads))
    return replicas


def _split_cpu(parts: int) -> None:
    """Makes so many logical devices of the CPU; raises `RuntimeError` in a process in which TensorFlow has started."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * parts)


def _set_threads(threads: int) -> None:
    """Threads within an operation; 0: one for each core, or as many as TensorFlow was started with."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads or len(os.sched_getaffinity(0)))
    except RuntimeError:
        if threads:
            raise


def gpus() -> list[tf.config.PhysicalDevice]:
    """The GPUs that this process may use."""
    return tf.config.get_visible_devices("GPU")


def is_deterministic(config: Config) -> bool:
    """Whether a run of the config has the same bits each time on this machine."""
    return not gpus() or config.deterministic != "false"


def kinds() -> list[str]:
    """The names of the devices that train: the GPUs if there are any, else the logical CPUs; of one worker."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return list(dict.fromkeys(device.name.split("/")[-1].removeprefix("device:") for device in devices))


def resolve(config: Config, before: Numerics | None = None) -> Numerics:
    """How the networks compute on this machine: what the config asks for, and of what it leaves open the fastest.

    A run that computed as `before` goes on so where it can: exact continuation must not hang on a measurement.
    """
    if before in candidates(config):
        found = before
    else:
        machine = {
            "tensorflow": tf.__version__,
            "devices": [description(), *kinds()],
            "flags": processor.vector_units(),
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            **({} if is_deterministic(config) else {"deterministic": False}),
        }
        found = calibration.fastest(candidates(config), machine, config)
    tensorfloat32.switch(found)
    return found


def candidates(config: Config) -> list[Numerics]:
    """The numerics that the config allows and this hardware may be good at; the one to prefer in doubt comes first."""
    there = gpus()
    half = _half_precision(there)
    precisions = ["float32", half] if half else ["float32"]
    if config.precision != "auto":
        precisions = [config.precision]
    elif there:
        precisions = [half or "float32", *[tensorfloat32.NAME] * _rounds_products(there)]
    elif config.convolution == "spectral":
        precisions = ["float32"]
    jits = [config.jit_compile == "true"] if config.jit_compile != "auto" or not there else [False, True]
    if len(there) > 1 and config.strategy != "one_device" and build.has_batch_statistics(config):
        jits = [jit for jit in jits if not jit] or jits  # XLA cannot average them over replicas
    narrow, found = build.has_narrow_convolutions(config), []
    for precision in precisions:
        is_whole = DTYPES[precision] == tf.float32
        fits_direct = bool(there) or precision == half or (is_whole and narrow)
        convolution = config.convolution if config.convolution != "auto" else ("spectral", "direct")[fits_direct]
        found += [Numerics(precision, convolution, jit) for jit in jits]
    return found


def description() -> str:
    """The machine in a line, for the start summary."""
    there = gpus()
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in there]
    return ", ".join(names) or f"{processor.model() or platform.machine()}, {os.cpu_count()} cores"


def _half_precision(found: list) -> str:
    """The 16-bit precision that all these GPUs, or without any this CPU, have units for; empty if there is none."""
    if not found:
        return "" if processor.flags().isdisjoint(_BFLOAT16_UNITS) else "mixed_bfloat16"
    least = min(_capability(gpu) for gpu in found)
    return next((name for needed, name in _HALF_PRECISIONS.items() if least >= needed), "")


def _rounds_products(found: list) -> bool:
    """Whether all these GPUs have units for TensorFloat-32."""
    return min(_capability(gpu) for gpu in found) >= _TENSOR_FLOAT_32


def _capability(gpu) -> tuple[int, int]:
    return tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
