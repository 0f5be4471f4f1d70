"""A run's two networks as files, each read back and compared with what the engine computes."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan.errors import UserError
from gan.export.formats import FORMATS, GENERATOR, Function, Model, file_name
from gan.export.networks import Networks
from gan.silence import no_native_words
from gan.storage.aliases import plain

TOLERANCE = 1e-4  # of outputs in [0, 1], both in float32
ABSURD = 0.1  # mean difference beyond which weights of less precision make other images
_TIMED = 32  # examples at a time
_ENOUGH = 0.25  # seconds that a speed is measured for


class Exported(NamedTuple):
    """A model that was written, and how its outputs differ from the engine's: at most, and in the mean.

    `size` is in bytes. Of a generator that is read back by what will compute it, the speed in `images_per_second`.
    """

    name: str
    network: str
    kind: str
    parameters: int
    size: int
    difference: float
    mean_difference: float
    images_per_second: float | None = None


def write(folder: Path, form: str, models: Sequence[Model]) -> None:
    """Writes the models into `folder`; raises `OSError` or what TensorFlow raises about storage."""
    with plain(folder) as writable, no_native_words():
        for model in models:
            FORMATS[form].save(model.content, writable / file_name(form, model.network, model.kind))


def check(folder: Path, form: str, of: Networks, models: Sequence[Model]) -> list[Exported]:
    """Reads the models back from `folder`; raises `UserError` if weights or outputs are not the engine's."""
    return [_checked(folder, form, of, model.network, model.kind) for model in models]


def _checked(folder: Path, form: str, of: Networks, network: str, kind: str) -> Exported:
    name, side = file_name(form, network, kind), getattr(of, network)
    with plain(folder) as readable:
        loaded = FORMATS[form].load(readable / name, network)
    weights = [value.numpy() for value in tf.nest.flatten(side.params)]
    if loaded.weights is not None and not _holds(loaded.weights, weights):
        raise UserError(f"{name}, read back, has other weights than the checkpoint; check the disk, start again")
    # It must take batches of any size.
    parts = [tuple(x[:1] for x in side.inputs), tuple(x[1:] for x in side.inputs)]
    apart = np.concatenate([np.abs(loaded.function(*part) - side.function(*part)) for part in parts])
    largest, mean = float(np.max(apart)), float(np.mean(apart))
    check_difference(name, kind == FORMATS[form].kinds[0], largest, mean)
    is_timed = FORMATS[form].is_timed and network == GENERATOR
    pace = speed(loaded.function, [x[:_TIMED] for x in parts[1]]) if is_timed else None
    return Exported(name, network, kind, side.parameters, _size(folder / name), largest, mean, pace)


def check_difference(name: str, is_exact: bool, largest: float, mean: float) -> None:
    """Raises `UserError` for outputs that are too far from the engine's; NaN is a difference, too."""
    found, allowed, what = (largest, TOLERANCE, "") if is_exact else (mean, ABSURD, " in the mean")
    if not found <= allowed:
        raise UserError(
            f"{name}, read back, gives outputs that differ from the engine's by {found:.2g}{what}, more than "
            f"{allowed:g}; nothing was exported: please report it with the run's config.json"
        )


def speed(function: Function, inputs: Sequence[np.ndarray]) -> float:
    """Images a second, of all these at a time."""
    function(*inputs)
    images, seconds, start = 0, 0.0, time.perf_counter()
    while not images or seconds < _ENOUGH:
        function(*inputs)
        images, seconds = images + len(inputs[0]), time.perf_counter() - start
    return images / seconds


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _holds(read: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> bool:
    """Whether each of `weights` is among those read, to the bit; a form may have shapes of its own for them."""
    there = {array.tobytes() for array in read}
    return all(array.tobytes() in there for array in weights)
