"""What was measured on what: the machine that belongs beside every number."""

import os
import platform
from typing import Any

import tensorflow as tf

from gan.machine import devices, processor


def machine() -> dict[str, Any]:
    """Processor, cores, threads of an operation, memory, devices."""
    return {
        "processor": processor.model() or platform.machine(),
        "vector_units": processor.vector_units(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "devices": devices.description(),
        "system": platform.platform(),
    }


def fingerprint(**resolved: Any) -> dict[str, Any]:
    """What the bits of a run depend on beside its config: the resolved values given (device kinds, replicas, threads,
    jit, precision, convolution), TensorFlow's version, the oneDNN switch, the CPU's name and its vector units."""
    versions = {"tensorflow": tf.__version__, "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default")}
    return {
        **resolved,
        **versions,
        "cpu": processor.model() or platform.machine(),
        "cpu_flags": processor.vector_units(),
    }
