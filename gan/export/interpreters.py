"""Generators in formats that programs of their own compute: LiteRT (.tflite) and ONNX Runtime (.onnx).

Which input takes the latents and which the labels is told by their types: the latter are whole numbers.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan.errors import UserError
from gan.silence import no_native_words

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]


def tflite(path: Path) -> Function:
    """(latents [B, latent_size], labels [B]) -> images [B, H, W, C] of a .tflite file, which may have any batch or one.

    Raises `UserError` if the package is missing, and whatever it raises about files that are no models.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise _missing(path, "ai-edge-litert") from None
    threads = len(os.sched_getaffinity(0))
    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
    entries = interpreter.get_input_details()
    fixed = max((int(entry["shape_signature"][0]) for entry in entries), default=-1)  # -1: any
    ready = 0

    def images(*inputs: np.ndarray) -> np.ndarray:
        nonlocal ready
        count = len(inputs[0])
        if ready != count:
            for entry in entries:
                interpreter.resize_tensor_input(entry["index"], [count, *entry["shape"][1:]])
            with no_native_words():  # it tells of its delegate
                interpreter.allocate_tensors()
            ready = count
        for entry in entries:
            of = inputs[_place(np.issubdtype(entry["dtype"], np.integer))]
            interpreter.set_tensor(entry["index"], of.astype(entry["dtype"]))
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    if fixed < 0:
        return images
    with no_native_words():
        interpreter.allocate_tensors()
    ready = fixed
    return _in_pieces(images, fixed)


def onnx(path: Path) -> Function:
    """The same of an .onnx file, by ONNX Runtime."""
    try:
        import onnxruntime
    except ImportError:
        raise _missing(path, "onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    entries = [(entry.name, entry.type.startswith("tensor(int"), "64" in entry.type) for entry in session.get_inputs()]

    def images(*inputs: np.ndarray) -> np.ndarray:
        given = {name: inputs[_place(is_label)] for name, is_label, _ in entries}
        wide = {name: given[name].astype(np.int64) for name, is_label, is_wide in entries if is_label and is_wide}
        return session.run(None, {**given, **wide})[0]

    batch = session.get_inputs()[0].shape[0]
    return _in_pieces(images, batch) if isinstance(batch, int) else images


def _place(is_label: bool) -> int:
    """Where in (latents, labels) the value of an input is."""
    return 1 if is_label else 0


def _in_pieces(function: Function, size: int) -> Function:
    """A function of `size` examples for any number: the last piece is filled up with the first examples."""

    def images(*inputs: np.ndarray) -> np.ndarray:
        count = len(inputs[0])
        places = np.arange(-(-count // size) * size) % count
        parts = (places[first : first + size] for first in range(0, len(places), size))
        return np.concatenate([np.array(function(*(x[part] for x in inputs))) for part in parts])[:count]

    return images


def _missing(path: Path, package: str) -> UserError:
    return UserError(f"{path} needs the package {package}, which is not there; install it: pip install {package}")
