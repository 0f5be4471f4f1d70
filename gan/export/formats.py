"""The forms in which a Keras model is kept: saved, and read back as its users will."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl import logging

_H5_OVERHEAD = 1 << 20  # bytes beside the float32 weights, generously

Function = Callable[[np.ndarray], np.ndarray]


class Format(NamedTuple):
    """`suffix` of the name; `save(model, path)`; `load(path) -> (function, weights)`; `usage`, lines of Python."""

    suffix: str
    save: Callable[[keras.Model, Path], None]
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


def _save_saved_model(model: keras.Model, path: Path) -> None:
    model.export(path, format="tf_saved_model", verbose=False)


def _load_saved_model(path: Path) -> tuple[Function, list[np.ndarray]]:
    model = tf.saved_model.load(str(path))
    return lambda x: model.serve(tf.constant(x)).numpy(), [variable.numpy() for variable in model.variables]


_KERAS = "import keras\nmodel = keras.models.load_model({path}, compile=False); y = model.predict(x)"
_TENSORFLOW = "import tensorflow as tf\nmodel = tf.saved_model.load({path}); y = model.serve(x)"

FORMATS = {
    "h5": Format(".h5", _save_h5, _load_keras, _KERAS),
    "keras": Format(".keras", _save_keras, _load_keras, _KERAS),
    "saved_model": Format("", _save_saved_model, _load_saved_model, _TENSORFLOW),
}
