"""The tensors of a checkpoint and the variables of a nest, by the same names: read, compared, matched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gan.core import loss_scale
from gan.errors import UserError
from gan.storage.aliases import plain
from gan.storage.manifest import Damaged
from gan.storage.refusals import storage_errors

ROOT = "state"  # of all names, and of the file names
FILE = f"{ROOT}.data-00000-of-00001"  # the one that holds the tensors; equal ones give equal bytes
_ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"
_NOT_VARIABLES = {"_CHECKPOINTABLE_OBJECT_GRAPH", "save_counter" + _ATTRIBUTE}


def named(nest: Any, path: str = ROOT) -> list[tuple[str, tf.Variable]]:
    """The variables of a nest with their names in a checkpoint: TensorFlow's own, less the suffix they all share."""
    if isinstance(nest, Mapping):
        items = nest.items()
    elif isinstance(nest, tuple) and hasattr(nest, "_fields"):
        items = zip(nest._fields, nest, strict=True)
    elif isinstance(nest, (list, tuple)):
        items = enumerate(nest)
    else:
        return [(path, nest)]
    escaped = ((str(key).replace(".", "..").replace("/", ".S"), value) for key, value in items)
    return [leaf for key, value in escaped for leaf in named(value, f"{path}/{key}")]


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors in a checkpoint's folder by name; raises `Damaged`, or `StorageError` if it may not be read."""
    with storage_errors(path), plain(path) as readable:
        try:
            reader = tf.train.load_checkpoint(str(readable / ROOT))
            keys = sorted(set(reader.get_variable_to_shape_map()) - _NOT_VARIABLES)
            return {key.removesuffix(_ATTRIBUTE): np.asarray(reader.get_tensor(key)) for key in keys}
        except (OSError, MemoryError, tf.errors.PermissionDeniedError, tf.errors.ResourceExhaustedError):
            raise
        except Exception as error:  # TensorFlow reports damage as OpError, IndexError, RuntimeError, ValueError ...
            raise Damaged(f"TensorFlow cannot read it ({type(error).__name__})") from error


def equal(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> bool:
    """Whether two sets of tensors are the same to the bit, NaNs and signs of zero included."""
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype
        and left[name].shape == right[name].shape
        and left[name].tobytes() == right[name].tobytes()
        for name in left
    )


def of_precision(name: str) -> bool:
    """Whether a tensor is of the kind that only some precisions have."""
    return not set(loss_scale.NAMES).isdisjoint(name.split("/"))


def match(path: Path, variables: list[tuple[str, tf.Variable]], values: Mapping[str, np.ndarray]) -> None:
    """Raises `UserError` naming the first tensor in which the variables and the checkpoint differ.

    What belongs to a precision may be missing or surplus.
    """
    variables = [(name, variable) for name, variable in variables if name in values or not of_precision(name)]
    remedy = "use the settings of the run that wrote it, or another --workdir"
    for name, variable in variables:
        label = name.removeprefix(f"{ROOT}/")
        if name not in values:
            raise UserError(f"{path} has no tensor {label}; {remedy}")
        there = f"{values[name].dtype.name}{list(values[name].shape)}"
        here = f"{variable.dtype.name}{variable.shape.as_list()}"
        if there != here:
            raise UserError(f"{path}: tensor {label} is {there} there but {here} in this run; {remedy}")
    surplus = sorted(name for name in values.keys() - dict(variables).keys() if not of_precision(name))
    if surplus:
        raise UserError(f"{path} has a tensor {surplus[0].removeprefix(f'{ROOT}/')} that this run has not; {remedy}")
