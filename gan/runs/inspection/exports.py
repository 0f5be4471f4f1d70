"""The models that were exported from a run: looked at as files, never loaded, since a model is a program."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import tensorflow as tf

from gan.runs.inspection.parts import Part, Problem, Scope
from gan.runs.workdir import EXPORTS
from gan.storage.aliases import plain
from gan.storage.files import sha256
from gan.storage.refusals import storage_errors


def look(scope: Scope) -> Part:
    """Looks at every model below exports/."""
    folder = scope.folder / EXPORTS
    with storage_errors(folder):
        files = sorted(path for path in folder.rglob("*") if _look_of(path) and not _hidden(path, folder))
    faults = {path: _look_of(path)(path) for path in files}
    problems = [Problem(f"{path.relative_to(scope.folder)} {line}", lost=True) for path, line in faults.items() if line]
    models = [path for path in files if path.name != _FACTS]
    return Part(f"{EXPORTS}/", f"{len(models)} models" if models else "none", tuple(problems))


def _hidden(path: Path, folder: Path) -> bool:
    """Whether a path lies in what is still being written."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _h5_fault(path: Path) -> str:
    try:
        with h5py.File(path, "r") as file:
            names: list[str] = []
            file.visit(names.append)
            for name in names:
                if isinstance(file[name], h5py.Dataset):
                    file[name][()]
    except Exception:  # damage shows as whatever HDF5 makes of it
        return "cannot be read as an HDF5 file"
    return ""


def _keras_fault(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            return f"is damaged in {broken}" if (broken := archive.testzip()) else ""
    except Exception:  # damage shows as whatever the decompression makes of it
        return "cannot be read as a Keras file"


def _saved_model_fault(path: Path) -> str:
    """Of the file saved_model.pb of a folder: the graph's bytes must parse, its variables be readable."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        SavedModel.FromString(path.read_bytes())
        with plain(path.parent) as folder:
            reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
            for name in reader.get_variable_to_shape_map():
                reader.get_tensor(name)
    except Exception:  # TensorFlow and protobuf report damage by errors of many kinds
        return "or its variables cannot be read"
    return ""


def _tflite_fault(path: Path) -> str:
    with path.open("rb") as file:
        return "" if file.read(8)[4:] == b"TFL3" else "cannot be read as a TensorFlow Lite file"


def _facts_fault(path: Path) -> str:
    """Of model.json: it knows the hash of every file of the models that lie beside it."""
    try:
        hashes = json.loads(path.read_bytes()).get("files", {}).items()
        changed = [name for name, digest in hashes if not _is(path.parent / name, digest)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return "cannot be read"
    return f"tells of another {changed[0]} than is there; export it again" if changed else ""


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


_FACTS = "model.json"
_FAULTS = {
    ".h5": _h5_fault,
    ".keras": _keras_fault,
    ".onnx": lambda path: "",  # nothing in it shows damage but its hash, which model.json has
    ".tflite": _tflite_fault,
    "saved_model.pb": _saved_model_fault,
    _FACTS: _facts_fault,
}


def _look_of(path: Path) -> Callable[[Path], str] | None:
    """What tells what is wrong with a file, if it is that of a model."""
    return _FAULTS.get(path.name, _FAULTS.get(path.suffix))
