"""Models in formats that programs of their own compute: LiteRT (.tflite) and ONNX Runtime (.onnx), as functions.

A function takes arrays in the order of the names that it is made for; those that its model does not have are passed
over. It takes any number of examples, whatever its model does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gan.errors import UserError
from gan.silence import no_native_words

Function = Callable[..., np.ndarray]


def litert(model: bytes, names: Sequence[str], threads: int = 1) -> Function:
    """A .tflite model as a function of arrays [N, ...]; raises `UserError` if ai-edge-litert is missing.

    What LiteRT raises about bytes that are no model is raised as it is.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise _missing("ai-edge-litert") from None
    with no_native_words():
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
        runner = interpreter.get_signature_runner()
    details = runner.get_input_details()
    sizes = [int(entry["shape_signature"][0]) for entry in details.values()]

    def function(*arrays: np.ndarray) -> np.ndarray:
        (output,) = runner(**_named(details, names, arrays)).values()
        return output

    return _in_pieces(function, max(sizes)) if max(sizes) > 0 else function


def onnx_runtime(model: bytes, names: Sequence[str], threads: int = 1) -> Function:
    """The same of an .onnx model; raises `UserError` if onnxruntime is missing."""
    try:
        import onnxruntime
    except ImportError:
        raise _missing("onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 4  # what is wrong is raised; it need not be written, too
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    details = {entry.name: entry.shape[0] for entry in session.get_inputs()}

    def function(*arrays: np.ndarray) -> np.ndarray:
        (output,) = session.run(None, _named(details, names, arrays))
        return output

    sizes = [size for size in details.values() if isinstance(size, int)]
    return _in_pieces(function, max(sizes)) if sizes else function


def _named(known: Any, names: Sequence[str], arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays by name, of those names that the model knows."""
    return {name: array for name, array in zip(names, arrays, strict=False) if name in known}


def _in_pieces(function: Function, size: int) -> Function:
    """A function of `size` examples for any number: the last piece is filled up with the first examples."""

    def pieces(*arrays: np.ndarray) -> np.ndarray:
        count = len(arrays[0])
        places = np.arange(-(-count // size) * size) % count
        parts = (places[first : first + size] for first in range(0, len(places), size))
        return np.concatenate([np.array(function(*(x[part] for x in arrays))) for part in parts])[:count]

    return pieces


def _missing(package: str) -> UserError:
    return UserError(f"this model needs the package {package}, which is not there; install it: pip install {package}")
