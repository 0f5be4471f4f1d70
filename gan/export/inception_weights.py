"""The weights of Inception v3 from a file that a person names, or by Keras' own download.

There are two networks of the name. Keras' has weights of ImageNet, in HDF5. That of 2015, of which the published FID is
made, is read from the state dict of its port to PyTorch.
"""

import contextlib
import hashlib
import os
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np

from gan.errors import UserError
from gan.export import state_dict
from gan.networks import inception
from gan.networks.inception import Normalized
from gan.storage import cache
from gan.storage.files import make_folder, read_bytes, remove, sha256, temporary

OF_2015 = "pt_inception-2015-12-05-6726825d.pth"  # the port's file; its name ends in the first digits of its sha256
_SHA256_OF_2015 = "6726825d"
_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3"
KERAS = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
ORIGIN = f"{_FOLDER}/{KERAS}"
_MD5_OF_KERAS = ("bcbd6486424b2319ff4ef7d526e38f63", "9a0d58056eeedaa3f26cb7ebd46da564")  # without and with the top
SILENCE = 20.0  # seconds in which a server says nothing, until it is given up
_PYTORCH, _HDF5 = (".pth", ".pt"), (".h5", ".hdf5")
_CLASSES = 1008  # of the network of 2015


class Weights(NamedTuple):
    """The convolutions in the order of `inception.shapes`, of which of the two networks, and whose they are."""

    layers: tuple[Normalized, ...]
    of_2015: bool
    origin: str  # for people


def read(path: Path) -> Weights:
    """The weights in a file; raises `UserError` if it holds none of this network."""
    flag = f"--features=inception:{path}"
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no file" if path.exists() else "is not there"
        raise UserError(f"{flag} {what}; name {OF_2015}, or weights of Keras' InceptionV3 (.h5)")
    if path.suffix in _PYTORCH:
        known = sha256(path).startswith(_SHA256_OF_2015)
        other = f"weights of the file {path.name}, which is NOT the published {OF_2015}: not published FID"
        origin = "weights of the published file, as published FID has them" if known else other
        return Weights(_of_state_dict(path, state_dict.read(path)), True, origin)
    if path.suffix not in _HDF5:
        raise UserError(f"{flag} must end in .pth (the network of 2015) or .h5 (weights of Keras' InceptionV3)")
    origin = "Keras' weights of ImageNet" if _md5(path) in _MD5_OF_KERAS else f"weights of the file {path.name}"
    return Weights(_of_keras(path), False, origin)


def downloaded() -> Path:
    """Keras' file of weights in the cache, downloaded if it is not there; raises `UserError` where that cannot be."""
    own = Path(os.path.expanduser("~/.keras"), "models", KERAS)
    place = cache.folder()
    if own.is_file() and _md5(own) in _MD5_OF_KERAS:
        return own
    if place is None:
        raise UserError("--features=inception: there is no folder for a cache; set XDG_CACHE_HOME, or name a file")
    target = place / "models" / KERAS
    if target.is_file() and _md5(target) in _MD5_OF_KERAS:
        return target
    try:
        make_folder(target.parent)
        part = temporary(target, target.parent)
        try:
            with _told_elsewhere(), _impatient():
                keras.utils.get_file(
                    part.name, ORIGIN, cache_dir=str(place), cache_subdir="models", file_hash=_MD5_OF_KERAS[0]
                )
            os.replace(part, target)
        finally:
            remove(part)
    except Exception as error:  # Keras raises plain ones
        reason = " ".join(str(error).rpartition(" -- ")[2].split())[:160] or type(error).__name__
        raise UserError(
            f"--features=inception: Keras' weights cannot be downloaded ({reason}); get {KERAS} or {OF_2015} where "
            "there is a network, and give --features=inception:FILE"
        ) from None
    return target


@contextlib.contextmanager
def _told_elsewhere() -> Iterator[None]:
    """What Keras prints of its progress goes to standard error: standard output may be a file of results."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Connections of this process end with an error after `SILENCE`."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _of_state_dict(path: Path, arrays: dict[str, np.ndarray]) -> tuple[Normalized, ...]:
    """The layers of the port's tensors, of which kernels are [filters, inputs, rows, columns]."""

    def taken(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name not in arrays:
            raise UserError(f"{path} has no {name}: it is not Inception v3; give {OF_2015}")
        if arrays[name].shape != shape:
            found, wanted = list(arrays[name].shape), list(shape)
            raise UserError(f"{path}: {name} is {found}, of Inception v3 it is {wanted}; give {OF_2015}")
        return arrays[name]

    layers = []
    for name, (rows, columns, inputs, filters) in inception.shapes().items():
        kernel = taken(f"{name}.conv.weight", (filters, inputs, rows, columns)).transpose(2, 3, 1, 0)
        parts = ("weight", "bias", "running_mean", "running_var")
        layers.append(Normalized(kernel, *(taken(f"{name}.bn.{part}", (filters,)) for part in parts)))
    if "fc.weight" in arrays and len(arrays["fc.weight"]) != _CLASSES:
        raise UserError(
            f"{path} tells {len(arrays['fc.weight']):,} classes apart, the network of 2015 {_CLASSES:,}: it is another "
            f"Inception; give {OF_2015}"
        )
    return tuple(layers)


def _of_keras(path: Path) -> tuple[Normalized, ...]:
    """The layers of Keras' InceptionV3 with the weights of a file, with its top or without."""
    try:
        with h5py.File(path, "r") as file:
            names: list[str] = []
            file.visit(names.append)
        top = any(re.fullmatch(r"(?:.*/)?(?:predictions|dense(?:_\d+)?)", name) for name in names)
        model = keras.applications.InceptionV3(
            weights=None, include_top=top, input_shape=(inception.SIZE, inception.SIZE, 3)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns of layers that stay as they were drawn
            model.load_weights(path)
    except Exception as error:  # whatever HDF5 and Keras raise
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(
            f"{path} cannot be read as weights of Keras' InceptionV3 ({reason}); it may be cut, or of another network"
        ) from None
    layers = []
    for convolution, normal in zip(_made(model, "conv2d"), _made(model, "batch_normalization"), strict=True):
        offset, mean, variance = normal.get_weights()
        layers.append(Normalized(convolution.get_weights()[0], np.ones_like(offset), offset, mean, variance))
    return tuple(layers)


def _made(model: keras.Model, kind: str) -> list[keras.layers.Layer]:
    """The layers of a kind in the order in which they were made, which Keras counts in their names."""
    numbers = {layer: re.fullmatch(rf"{kind}(?:_(\d+))?", layer.name) for layer in model.layers}
    found = {layer: int(match[1] or 0) for layer, match in numbers.items() if match}
    return sorted(found, key=found.get)


def _md5(path: Path) -> str:
    """The sum that Keras knows its files by."""
    return hashlib.md5(read_bytes(path), usedforsecurity=False).hexdigest()
