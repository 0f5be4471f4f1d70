"""Models that a user brings along as feature extractors: a SavedModel folder, a .keras or .h5 file.

A Keras file is read in Keras' safe mode. A SavedModel is a program, whatever is done about it: `is_program` says so.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from gan.errors import UserError
from gan.storage.aliases import plain

_SIGNATURE = "serving_default"
_SUFFIXES = (".keras", ".h5")


class Pretrained(NamedTuple):
    """`function` maps float32 [B, size, size, channels] to a tensor; 0 where the model takes any size or channels."""

    function: Callable[[tf.Tensor], tf.Tensor]
    size: int
    channels: int
    integers: bool  # it takes whole numbers: the values given are rounded
    identity: str  # sha256 (hex) of the files


def is_program(path: Path) -> bool:
    """Whether what is at `path` may do on this machine what its user may do, once it is loaded."""
    return path.is_dir()


def load(path: Path) -> Pretrained:
    """The model at `path`; raises `UserError` if it is none, or does not map images to one tensor."""
    if not path.exists():
        raise UserError(f"--features=saved_model:{path} is not there; give a SavedModel folder or a .keras file")
    if path.is_file() and path.suffix not in _SUFFIXES:
        raise UserError(f"{path} is not a model; give a SavedModel folder or a .keras file")
    try:
        function, shape, dtype = _keras(path) if path.is_file() else _saved_model(path)
    except UserError:
        raise
    except Exception as error:  # whatever Keras and TensorFlow raise about files that are no models
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{path} cannot be loaded as a model ({reason}); save it again") from None
    if len(shape) != 4 or shape[1] != shape[2]:
        raise UserError(f"{path} takes inputs of shape {shape}, not square images [batch, H, W, C]; give another model")

    def rounded(x: tf.Tensor) -> tf.Tensor:
        return function(tf.cast(tf.round(x) if dtype.is_integer else x, dtype))

    return Pretrained(rounded, shape[1] or 0, shape[3] or 0, dtype.is_integer, _identity(path))


def _keras(path: Path) -> tuple[Callable, list, tf.DType]:
    """Function, shape and type of the input of a Keras file."""
    import keras

    model = keras.models.load_model(path, compile=False, safe_mode=True)  # Python within a file is not run
    _check_one(path, "inputs", model.inputs)
    _check_one(path, "outputs", model.outputs)
    taken = model.inputs[0]
    function = tf.function(lambda x: tf.nest.flatten(model(x, training=False))[0])
    return function, list(taken.shape), tf.as_dtype(taken.dtype)


def _saved_model(path: Path) -> tuple[Callable, list, tf.DType]:
    """Function, shape and type of the input of a SavedModel's default signature."""
    with plain(path) as readable:
        model = tf.saved_model.load(str(readable))
    if _SIGNATURE not in model.signatures:
        raise UserError(f"{path} has no signature {_SIGNATURE} (it has {', '.join(model.signatures) or 'none'})")
    signature = model.signatures[_SIGNATURE]
    inputs = signature.structured_input_signature[1]
    _check_one(path, "inputs", inputs)
    _check_one(path, "outputs", signature.structured_outputs)
    ((name, spec),) = inputs.items()

    def function(x: tf.Tensor, _keep=model) -> tf.Tensor:  # a signature does not keep its model's variables alive
        return tf.nest.flatten(signature(**{name: x}))[0]

    return function, spec.shape.as_list() if spec.shape.rank else [], spec.dtype


def _check_one(path: Path, what: str, there) -> None:
    """Raises `UserError` unless there is one of what a model has."""
    if len(there) != 1:
        raise UserError(
            f"{path} has {len(there)} {what}, not one; save a model of one image and one tensor of features"
        )


def _identity(path: Path) -> str:
    """sha256 (hex) of the files of a model with their names."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            name = file.relative_to(path).as_posix() if path.is_dir() else ""
            digest.update(f"\n{name} {file.stat().st_size}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
