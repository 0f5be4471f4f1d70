"""Keras files and SavedModels that a person names, broken, or with a program in them."""

import functools
import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import tensorflow as tf
from hypothesis import strategies as st

from gan.export import pretrained
from tests.fuzz import MARKER, Kind
from tests.fuzz.damage import BYTES, WITHIN, as_text, bytes_broken, json_broken


@functools.cache
def _templates() -> Path:
    """A folder with one small model in each form, and one with a program in both forms of Keras."""
    import keras

    folder = Path(tempfile.mkdtemp(prefix="gan-fuzz-"))
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.save(folder / "good.keras")
    model.save(folder / "good.h5")
    tf.saved_model.save(tf.Module(), str(folder / "without_signature"))
    model.export(str(folder / "good"), verbose=False)
    return folder


def _program(folder: Path, suffix: str) -> Path:
    """A Keras file whose layer is Python code that makes the marker."""
    import keras

    place = str(folder / MARKER)
    made = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Lambda(lambda x: (__import__("os").mkdir(place), x)[1])]
    )
    path = folder / f"model{suffix}"
    made.save(path)
    if (folder / MARKER).exists():  # the model was called when it was made
        (folder / MARKER).rmdir()
    return path


def write(folder: Path, case: tuple[str, str, object]) -> None:
    form, what, edits = case
    if what == "program":
        _program(folder, form)
        return
    if form == "":
        shutil.copytree(_templates() / ("good" if what != "other" else "without_signature"), folder / "model")
        file = folder / "model" / {"bytes": "saved_model.pb", "variables": "variables/variables.index"}.get(what, ".")
        if file.is_file():
            file.write_bytes(bytes_broken(file.read_bytes(), edits))
        return
    path = Path(shutil.copy(_templates() / f"good{form}", folder / f"model{form}"))
    if what == "config":
        _config_broken(path, edits)
    else:
        path.write_bytes(bytes_broken(path.read_bytes(), edits if what == "bytes" else [("cut", 0.5, b"")]))


def _config_broken(path: Path, edits: list) -> None:
    """Changes the JSON that describes the layers of a .keras file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = as_text(json_broken(json.loads(members["config.json"]), edits)).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


MODELS = Kind(
    "models",
    st.one_of(
        st.tuples(st.sampled_from([".keras", ".h5", ""]), st.just("bytes"), BYTES),
        st.tuples(st.just(".keras"), st.just("config"), WITHIN),
        st.tuples(st.sampled_from([".keras", ".h5"]), st.just("program"), st.just([])),
        st.tuples(st.just(""), st.sampled_from(["variables", "other"]), BYTES),
    ),
    write,
    lambda folder, case: pretrained.load(folder / f"model{case[0]}"),
    share=1,
)
