"""The forms in which models are kept: what each is made of, how it is saved and read back as its users will."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras as keras_library
import numpy as np
import tensorflow as tf
from absl import logging

from gan.errors import UserError
from gan.export import interpreters, keras, onnx, saved_model, tflite
from gan.export.networks import Networks
from gan.export.portable import IMAGES, LABELS, LATENTS
from gan.settings import Config

_H5_OVERHEAD = 1 << 20  # bytes beside the float32 weights, generously

Function = Callable[..., np.ndarray]
GENERATOR, DISCRIMINATOR = "generator", "discriminator"


class Model(NamedTuple):
    """One of the two networks in a form: which, in what kind of weights, and what `Format.save` takes."""

    network: str
    kind: str
    content: Any


class Loaded(NamedTuple):
    """A model read back: its function of arrays, and its weights if the form keeps them as they are."""

    function: Function
    weights: list[np.ndarray] | None


class Format(NamedTuple):
    """`models(networks)` are written by `save(model, path)` under names with a `suffix`, a folder where that is empty.

    `kinds` are those of the weights that the generator is kept in; the first, of full precision, is in no name. The
    discriminator is kept in that one: if the form `holds_whole` even where it looks at the whole batch. `usage` is
    Python for the generator, `conditional_usage` with labels. `packages` are those that only this form needs, each a
    module with the requirements of pip that bring it. `is_timed`: what reads it is what will compute it.
    """

    suffix: str
    models: Callable[[Networks], Iterator[Model]]
    save: Callable[[Any, Path], None]
    load: Callable[[Path, str], Loaded]
    usage: str
    conditional_usage: str
    kinds: tuple[str, ...] = ("float32",)
    holds_whole: bool = False
    packages: Mapping[str, str] = {}
    is_timed: bool = False


def file_name(form: str, network: str, kind: str = "float32") -> str:
    """The name of a model's file or folder: that of the article, with the kind of its weights and the form's suffix."""
    format_ = FORMATS[form]
    return f"{network}model{'' if kind == format_.kinds[0] else f'_{kind}'}{format_.suffix}"


def names(form: str, config: Config) -> list[str]:
    """The names of all that is written in a form for networks of a config, the generator first."""
    format_ = FORMATS[form]
    judges = [DISCRIMINATOR] if holds_discriminator(form, config) else []
    return [file_name(form, GENERATOR, kind) for kind in format_.kinds] + [file_name(form, name) for name in judges]


def holds_discriminator(form: str, config: Config) -> bool:
    """Whether a form has the discriminator, too: one that looks at the whole batch is a program of fixed size."""
    return FORMATS[form].holds_whole or not config.minibatch_deviation


def default(config: Config) -> str:
    """The form for networks of a config if none is asked for: that of the article, if it holds both."""
    return "h5" if holds_discriminator("h5", config) else "saved_model"


def check_packages(form: str, asked: str = "") -> None:
    """Raises `UserError` if what a form needs is not installed; `asked` is what the person calls it."""
    for module, requirements in FORMATS[form].packages.items():
        try:
            __import__(module)
        except ImportError:
            install = shlex.join([sys.executable, "-m", "pip", "install", *requirements.split()])
            raise UserError(
                f"--format={asked or form} needs {module.partition('.')[0]}, which is not here: {install}"
            ) from None


def _keras_models(of: Networks) -> Iterator[Model]:
    making, judging, classes = of.generator, of.discriminator, of.num_classes
    yield Model(GENERATOR, "float32", keras.generator(of.config, making.network, making.applied, classes))
    if not of.whole:
        judge = keras.discriminator(of.config, judging.network, judging.applied, of.image_shape, of.real_sign, classes)
        yield Model(DISCRIMINATOR, "float32", judge)


def _save_keras(model: keras_library.Model, path: Path) -> None:
    """Saves without Keras' advice on what format to use: this one was asked for."""
    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        model.save(path)
    finally:
        logging.set_verbosity(level)


def _save_h5(model: keras_library.Model, path: Path) -> None:
    """Saves once there is room for it: where a write fails, the HDF5 library may take the process down with it."""
    try:
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 4 * model.count_params() + _H5_OVERHEAD)
    finally:
        path.unlink(missing_ok=True)
    _save_keras(model, path)


def _load_keras(path: Path, network: str) -> Loaded:
    model = keras_library.models.load_model(path, compile=False)

    def function(*inputs: np.ndarray) -> np.ndarray:
        return model(list(inputs) if len(inputs) > 1 else inputs[0], training=False).numpy()

    return Loaded(function, model.get_weights())


def _saved_models(of: Networks) -> Iterator[Model]:
    for network, make in ((GENERATOR, saved_model.generator), (DISCRIMINATOR, saved_model.discriminator)):
        module = make(of)
        yield Model(network, "float32", (module, saved_model.signatures(module, of)))


def _save_saved_model(content: tuple[tf.Module, Mapping[str, Any]], path: Path) -> None:
    module, signatures = content
    tf.saved_model.save(module, str(path), signatures=signatures)


def _load_saved_model(path: Path, network: str) -> Loaded:
    module = tf.saved_model.load(str(path))
    weights = [variable.numpy() for variable in tf.nest.flatten(module.parameters)]
    return Loaded(lambda *inputs: module.serve(*map(tf.constant, inputs)).numpy(), weights)


def _tflite_models(of: Networks) -> Iterator[Model]:
    about = of.config, of.image_shape
    for kind in tflite.KINDS:
        yield Model(GENERATOR, kind, tflite.generator(*about, of.generator.applied, of.class_shares, kind))
    if not of.whole:
        judge = tflite.discriminator(*about, of.discriminator.params, of.class_shares, of.real_sign)
        yield Model(DISCRIMINATOR, "float32", judge)


def _onnx_models(of: Networks) -> Iterator[Model]:
    yield Model(GENERATOR, "float32", onnx.generator(of))
    if not of.whole:
        yield Model(DISCRIMINATOR, "float32", onnx.discriminator(of))


def _save_bytes(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _load_by(interpreter: Callable[[bytes, tuple[str, str]], Function]) -> Callable[[Path, str], Loaded]:
    """What loads a file that one of `gan.export.interpreters` computes; labels are passed over if it has none."""

    def load(path: Path, network: str) -> Loaded:
        names = LATENTS if network == GENERATOR else IMAGES, LABELS
        return Loaded(interpreter(path.read_bytes(), names), None)

    return load


_KERAS = Format(
    ".keras",
    _keras_models,
    _save_keras,
    _load_keras,
    "import keras\nmodel = keras.models.load_model({path}, compile=False)\nimages = model.predict(latents)",
    "import keras\nmodel = keras.models.load_model({path}, compile=False)\nimages = model.predict([latents, labels])",
)
_LITE = "from ai_edge_litert.interpreter import Interpreter\nmodel = Interpreter({path}).get_signature_runner()\n"
_ONNX = "import onnxruntime\nmodel = onnxruntime.InferenceSession({path})\n"
_TENSORFLOW = "import tensorflow as tf\nmodel = tf.saved_model.load({path})\n"

FORMATS = {
    "h5": _KERAS._replace(suffix=".h5", save=_save_h5),
    "keras": _KERAS,
    "saved_model": Format(
        "",
        _saved_models,
        _save_saved_model,
        _load_saved_model,
        _TENSORFLOW
        + "images = model.generate(latents)\nothers = model.sample(64, 0)  # num, seed: as bin/sample draws",
        _TENSORFLOW + "images = model.generate(latents, labels)\n"
        "others, classes = model.sample(64, 0)  # num, seed: as bin/sample draws",
        holds_whole=True,
    ),
    "tflite": Format(
        ".tflite",
        _tflite_models,
        _save_bytes,
        _load_by(interpreters.litert),
        _LITE + 'images = model(latents=latents)["images"]',
        _LITE + 'images = model(latents=latents, labels=labels)["images"]',
        kinds=tflite.KINDS,
        packages={"ai_edge_litert.interpreter": "ai-edge-litert>=2.1 backports.strenum<1.3"},
        is_timed=True,
    ),
    "onnx": Format(
        ".onnx",
        _onnx_models,
        _save_bytes,
        _load_by(interpreters.onnx_runtime),
        _ONNX + 'images = model.run(None, {{"latents": latents}})[0]',
        _ONNX + 'images = model.run(None, {{"latents": latents, "labels": labels}})[0]',
        packages=dict.fromkeys(("onnx", "onnxruntime", "tf2onnx"), "onnx>=1.18 onnxruntime>=1.20 tf2onnx>=1.16.1"),
        is_timed=True,
    ),
}
