"""An exported generator read back: what its folder says of it, and the function that it is, whatever its format.

A Keras file is read in Keras' safe mode, a .tflite or .onnx file holds operations on tensors alone. A SavedModel is a
program, whatever is done about it: `gan.export.pretrained.is_program` says so.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan.errors import UserError
from gan.export import interpreters
from gan.export.description import FILE as FACTS
from gan.export.description import VERSION
from gan.export.portable import LABELS, LATENTS
from gan.storage.aliases import plain

_LARGEST = 1 << 16  # latents, and pixels a side
_REMEDY = "export the run again"

# (latents float32 [B, latent_size], labels int32 [B], without classes passed over) -> images [B, H, W, C] in [0, 1]
Generator = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Described(NamedTuple):
    """What an export says of itself, and the `model` that is to draw: a file, or the folder of a SavedModel.

    Of classes as `gan.runs.trained.SavedRun` has them; `step` is that of the checkpoint.
    """

    model: Path
    latent_size: int
    image_shape: tuple[int, ...]  # [H, W, C]
    conditional: bool
    class_names: tuple[str, ...]
    class_shares: tuple[float, ...]
    classes: tuple[int, ...]
    step: int


def described(path: Path) -> Described:
    """The export in the folder `path`, or the one that the model `path` is of; raises `UserError` if it is none."""
    if not path.exists():
        raise UserError(f"--from_export={path} is not there; give a folder that bin/export wrote, or a model in it")
    is_folder = (path / FACTS).is_file()
    file = (path if is_folder else path.parent) / FACTS
    facts = _facts(file, path)
    try:
        generator = file.parent / Path(facts["generator"]).name
        other = Path(facts.get("discriminator") or "").stem
        found = _read(facts, generator if is_folder else path)
        whole = _is_whole(found)
    except (KeyError, TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise UserError(f"{file} is damaged: it does not say what the generator takes and makes; {_REMEDY}")
    if not is_folder and other and path.name.startswith(other):
        raise UserError(f"{path} is the discriminator, which makes no images; give {generator}")
    if not found.model.exists():
        raise UserError(f"{found.model} is not there, and {file} names it; {_REMEDY}")
    return found


def load(export: Described) -> Generator:
    """The function that the model is, for any number of images.

    Raises `UserError` for a model that cannot be read or is another than its export says, and for a missing package.
    """
    path = export.model
    suffix = path.suffix.lower() if path.is_file() else ""
    if suffix not in _LOADERS:
        known = ", ".join(filter(None, _LOADERS))
        raise UserError(f"{path} is no model that can draw here; give one that ends in {known}, or a folder")
    first = np.zeros([1, export.latent_size], np.float32), np.int32(export.classes[:1] or [0])
    try:
        function = _LOADERS[suffix](path, export.conditional)
        shape = np.shape(function(*first))
    except UserError:
        raise
    except Exception as error:  # whatever the libraries raise about files that are no models, or others
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{path} cannot be loaded as the generator of its {FACTS} ({reason}); {_REMEDY}") from None
    if shape != (1, *export.image_shape):
        raise UserError(f"{path} makes {list(shape)} of a latent, and its {FACTS} says otherwise; {_REMEDY}")
    return function


def _facts(file: Path, path: Path) -> dict[str, Any]:
    """What `model.json` holds; raises `UserError` if it is not there, no JSON, or of another version."""
    if not file.is_file():
        raise UserError(
            f"{path} is no export: there is no {FACTS} beside it or in it; give a folder that bin/export wrote"
        )
    try:
        facts = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} cannot be read ({type(error).__name__}); {_REMEDY}") from None
    version = facts.get("version") if isinstance(facts, dict) else None
    if version != VERSION:
        raise UserError(
            f"{file} has the version {version!r}, and this program reads {VERSION}; use the one that wrote it, or "
            f"{_REMEDY}"
        )
    return facts


def _read(facts: dict[str, Any], model: Path) -> Described:
    """The facts that count; raises what they raise if they are not of their kind."""
    return Described(
        model=model,
        latent_size=int(facts["latent_size"]),
        image_shape=tuple(map(int, facts["image_shape"])),
        conditional=bool(facts["conditional"]),
        class_names=tuple(facts["class_names"]),
        class_shares=tuple(map(float, facts["class_shares"])),
        classes=tuple(map(int, facts["classes"])),
        step=int(facts["step"]),
    )


def _is_whole(found: Described) -> bool:
    """Whether the facts can be those of a generator."""
    sizes = (found.latent_size, *found.image_shape)
    names = all(isinstance(name, str) for name in found.class_names)
    counted = len(found.class_shares) == len(found.class_names) and all(
        0 <= number < len(found.class_names) for number in found.classes
    )
    told = bool(found.classes) and sum(found.class_shares) > 0
    return (
        len(found.image_shape) == 3
        and all(0 < size <= _LARGEST for size in sizes)
        and names
        and counted
        and (told or not found.conditional)
    )


def _keras(path: Path, conditional: bool) -> Generator:
    import keras

    model = keras.models.load_model(path, compile=False, safe_mode=True)  # Python within a file is not run
    order = [int(tf.as_dtype(entry.dtype).is_integer) for entry in model.inputs]  # of (latents, labels)

    def images(*inputs: np.ndarray) -> np.ndarray:
        given = [inputs[place] for place in order]
        return model(given if len(given) > 1 else given[0], training=False).numpy()

    return images


def _saved_model(path: Path, conditional: bool) -> Generator:
    with plain(path) as readable:
        module = tf.saved_model.load(str(readable))
    if not hasattr(module, "serve"):
        raise UserError(f"{path} has no function `serve`, as generators of bin/export have; {_REMEDY}")

    def images(*inputs: np.ndarray) -> np.ndarray:
        return module.serve(*map(tf.constant, inputs[: 1 + conditional])).numpy()

    return images


def _tflite(path: Path, conditional: bool) -> Generator:
    return interpreters.litert(path.read_bytes(), (LATENTS, LABELS), _threads())


def _onnx(path: Path, conditional: bool) -> Generator:
    return interpreters.onnx_runtime(path.read_bytes(), (LATENTS, LABELS), _threads())


def _threads() -> int:
    return len(os.sched_getaffinity(0))


_LOADERS = {"": _saved_model, ".keras": _keras, ".h5": _keras, ".tflite": _tflite, ".onnx": _onnx}
