"""The forms in which a model is kept: saved, and read back as its users will."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl import logging

_H5_OVERHEAD = 1 << 20  # bytes beside the float32 weights, generously

Function = Callable[..., np.ndarray]


class Format(NamedTuple):
    """`suffix` of the name; `save(model, path)`; `load(path) -> (function, weights)`; `usage`, lines of Python.

    The model is one of Keras if `is_keras`, otherwise a module of TensorFlow.
    """

    is_keras: bool
    suffix: str
    save: Callable[[Any, Path], None]
    load: Callable[[Path], tuple[Function, list[np.ndarray]]]
    usage: str


def _save_keras(model: keras.Model, path: Path) -> None:
    """Saves without Keras' advice on what format to use: this one was asked for."""
    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        model.save(path)
    finally:
        logging.set_verbosity(level)


def _save_h5(model: keras.Model, path: Path) -> None:
    """Saves once there is room for it: where a write fails, the HDF5 library may take the process down with it."""
    try:
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 4 * model.count_params() + _H5_OVERHEAD)
    finally:
        path.unlink(missing_ok=True)
    _save_keras(model, path)


def _load_keras(path: Path) -> tuple[Function, list[np.ndarray]]:
    model = keras.models.load_model(path, compile=False)
    return lambda x: model(x, training=False).numpy(), model.get_weights()


def _save_saved_model(module: tf.Module, path: Path) -> None:
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})


def _load_saved_model(path: Path) -> tuple[Function, list[np.ndarray]]:
    module = tf.saved_model.load(str(path))
    weights = [variable.numpy() for variable in tf.nest.flatten(module.parameters)]
    return lambda *inputs: module.serve(*map(tf.constant, inputs)).numpy(), weights


_KERAS = "import keras\nmodel = keras.models.load_model({path}, compile=False); y = model.predict({inputs})"
_TENSORFLOW = "import tensorflow as tf\nmodel = tf.saved_model.load({path}); y = model.serve({inputs})"

FORMATS = {
    "h5": Format(True, ".h5", _save_h5, _load_keras, _KERAS),
    "keras": Format(True, ".keras", _save_keras, _load_keras, _KERAS),
    "saved_model": Format(False, "", _save_saved_model, _load_saved_model, _TENSORFLOW),
}
