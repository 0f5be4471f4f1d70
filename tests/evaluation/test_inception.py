"""Inception's features: those of Keras, those of PyTorch's port, of images resized as by clean-fid; its files."""

import hashlib
import importlib.util
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.errors import UserError
from gan.evaluation import features
from gan.evaluation import inception as extractors
from gan.export import inception_weights
from gan.networks import inception
from gan.networks.inception import Normalized
from tests.export import torch_files

TORCH = os.environ.get("GAN_TORCH_PYTHON") or (sys.executable if importlib.util.find_spec("torch") else "")
RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (2, 299, 299, 3)).astype(np.float32)
IMAGES = RANDOM.integers(0, 256, (2, 28, 28, 1), np.uint8)
POOLED = 192  # features, the last ones, behind the pool of the last block


def drawn(name: str, shape: tuple[int, ...]) -> Normalized:
    """A layer whose outputs are about as large as its inputs; Keras' have no scale."""
    random, (rows, columns, inputs, filters) = np.random.default_rng(sum(name.encode())), shape
    kernel = random.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / (rows * columns * inputs)))
    offset, mean = random.normal(0, 0.2, (2, filters)).astype(np.float32)
    return Normalized(
        kernel, np.ones(filters, np.float32), offset, mean, random.uniform(0.5, 1.5, filters).astype(np.float32)
    )


@pytest.fixture(scope="module")
def layers():
    return tuple(drawn(*item) for item in inception.shapes().items())


@pytest.fixture(scope="module", autouse=True)
def built():
    """Keras' network, of which one with its top and one without are built: building takes seconds."""
    build, made = keras.applications.InceptionV3, {}

    def inception_v3(weights=None, include_top=True, input_shape=(299, 299, 3)):
        assert weights is None
        if include_top not in made:
            made[include_top] = build(weights=None, include_top=include_top, input_shape=input_shape)
        for variable in made[include_top].variables:  # so that what is read must come from the file
            variable.assign(tf.zeros(variable.shape))
        return made[include_top]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.applications, "InceptionV3", inception_v3)
        yield inception_v3


@pytest.fixture(scope="module")
def model(layers, built):
    """Keras' network with its top and these layers; by Keras' own names, which count the layers from the first on.

    It has them until weights are read.
    """
    made = built()
    for kind, arrays in (("conv2d", slice(0, 1)), ("batch_normalization", slice(2, 5))):
        numbered = [layer for layer in made.layers if re.fullmatch(rf"{kind}(_\d+)?", layer.name)]
        numbered.sort(key=lambda layer: int(layer.name.removeprefix(kind).strip("_") or 0))
        for layer, given in zip(numbered, layers, strict=True):
            layer.set_weights(list(given[arrays]))
    return made


@pytest.fixture(scope="module")
def maps(model):
    """The inputs of the last block and the features by Keras itself, of `X`."""
    outputs = [model.get_layer("mixed9").output, model.get_layer("avg_pool").output]
    return [np.asarray(array) for array in keras.Model(model.inputs, outputs)(X, training=False)]


@pytest.fixture(scope="module")
def files(layers, model, maps, built, tmp_path_factory):
    """The weights in all forms that are read, and what is none; `maps` are made before the model is read into."""
    folder = tmp_path_factory.mktemp("inception")
    model.save_weights(folder / "top.weights.h5")
    bare = built(include_top=False)
    bare.set_weights(model.get_weights()[:-2])
    bare.save(folder / "whole.h5")
    with h5py.File(folder / "whole.h5") as whole, h5py.File(folder / "notop.h5", "w") as file:
        for name in whole["model_weights"]:
            whole.copy(f"model_weights/{name}", file, counted_otherwise(name))
        for name, value in whole["model_weights"].attrs.items():
            file.attrs[name] = value
        names = [name if isinstance(name, str) else name.decode() for name in file.attrs["layer_names"]]
        file.attrs["layer_names"] = [counted_otherwise(name).encode() for name in names]
    (folder / "port.pth").write_bytes(torch_files.zipped(port(layers)))
    (folder / "cut.pth").write_bytes((folder / "port.pth").read_bytes()[: 1 << 20])
    (folder / "cut.h5").write_bytes((folder / "notop.h5").read_bytes()[: 1 << 20])
    few = {"Conv2d_1a_3x3.conv.weight": np.zeros((32, 3, 3, 3), np.float32)}
    (folder / "few.pth").write_bytes(torch_files.zipped(few))
    (folder / "other.pth").write_bytes(torch_files.zipped({name: array[:1] for name, array in few.items()}))
    (folder / "imagenet.pth").write_bytes(torch_files.zipped(port(layers, 1000)))
    (folder / "model.onnx").write_bytes(b"")
    inputs = keras.Input((5,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save_weights(folder / "dense.weights.h5")
    return folder


def counted_otherwise(name: str) -> str:
    """The name of a layer in a process that has made others before."""
    return re.sub(r"(?<=conv2d_|zation_)\d+", lambda number: str(int(number[0]) + 1000), name)


def port(layers, classes=1008):
    """The state dict of PyTorch's port with these layers."""
    parts = ("weight", "bias", "running_mean", "running_var")
    found = {}
    for name, layer in zip(inception.shapes(), layers, strict=True):
        found[f"{name}.conv.weight"] = np.ascontiguousarray(layer.kernel.transpose(3, 2, 0, 1))
        found |= {f"{name}.bn.{part}": array for part, array in zip(parts, layer[1:], strict=True)}
        found[f"{name}.bn.num_batches_tracked"] = np.array(0, np.int64)
    return found | {"fc.weight": np.zeros((classes, 2048), np.float32), "fc.bias": np.zeros(classes, np.float32)}


def computed(layers, of_2015):
    return inception.features(inception.folded(layers), tf.constant(X), of_2015).numpy()


@pytest.fixture(scope="module")
def ours(layers):
    """The engine's features of `X`, by whether they are those of 2015."""
    return {of_2015: computed(layers, of_2015) for of_2015 in (False, True)}


def test_the_features_are_those_of_keras(ours, maps):
    assert maps[1].shape == (2, 2048) and maps[1].std() > 0.1
    np.testing.assert_allclose(ours[False], maps[1], atol=2e-5 * maps[1].max())


@pytest.mark.parametrize("of_2015", [False, True])
def test_the_last_pool_is_the_maximum_in_2015_and_else_a_mean_without_padding(layers, maps, ours, of_2015):
    before, whole = maps[0].astype(np.float64), ours[of_2015]
    pooled = np.empty_like(before)
    for row in range(8):
        for column in range(8):
            window = before[:, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            pooled[:, row, column] = window.max(axis=(1, 2)) if of_2015 else window.mean(axis=(1, 2))
    kernel, scale, offset, mean, variance = (array.astype(np.float64) for array in layers[-1])
    normal = (pooled @ kernel[0, 0] - mean) / np.sqrt(variance + 1e-3) * scale + offset
    expected = np.maximum(normal, 0.0).mean(axis=(1, 2))
    np.testing.assert_allclose(whole[:, -POOLED:], expected, atol=2e-5 * expected.max())
    np.testing.assert_allclose(whole[:, :-POOLED], maps[1][:, :-POOLED], atol=2e-5 * maps[1].max())


@pytest.mark.skipif(not TORCH, reason="PyTorch is not here, and GAN_TORCH_PYTHON names no Python")
def test_the_network_of_2015_is_that_of_the_port_in_pytorch(layers, tmp_path):
    scaled = [layer._replace(scale=np.linspace(0.5, 1.5, len(layer.scale), dtype=np.float32)) for layer in layers]
    (tmp_path / "given.pth").write_bytes(torch_files.zipped(port(scaled)))
    np.save(tmp_path / "x.npy", np.ascontiguousarray(X.transpose(0, 3, 1, 2)))
    program = Path(__file__).with_name("inception_port.py")
    subprocess.run([TORCH, program, tmp_path], check=True, timeout=300)
    expected = np.load(tmp_path / "features.npy")
    np.testing.assert_allclose(computed(scaled, True), expected, atol=2e-5 * expected.max())
    for name in ("zip.pth", "old.pth"):  # as PyTorch itself writes them
        assert same(inception_weights.read(tmp_path / name).layers, scaled)


def same(some, others) -> bool:
    return all(
        np.array_equal(a, b) for one, two in zip(some, others, strict=True) for a, b in zip(one, two, strict=True)
    )


@pytest.mark.parametrize("name", ["top.weights.h5", "notop.h5", "port.pth"])
def test_weights_are_read_from_every_form(files, layers, name):
    found = inception_weights.read(files / name)
    assert same(found.layers, layers)
    assert found.of_2015 == (name == "port.pth")
    more = ", which is NOT the published pt_inception-2015-12-05-6726825d.pth: not published FID" * found.of_2015
    assert found.origin == f"weights of the file {name}{more}"


def test_the_published_file_is_known_by_its_sum(files, monkeypatch):
    monkeypatch.setattr(inception_weights, "sha256", lambda path: f"6726825d{path.stem}")
    assert (
        inception_weights.read(files / "port.pth").origin == "weights of the published file, as published FID has them"
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nowhere.pth", "nowhere.pth is not there; name pt_inception-2015-12-05-6726825d.pth, or weights of Keras'"),
        ("", "is a folder; name pt_inception"),
        ("model.onnx", r"model.onnx must end in .pth \(the network of 2015\) or .h5 \(weights of Keras' InceptionV3\)"),
        ("cut.pth", "cut.pth cannot be read as a state dict, it may be cut"),
        ("cut.h5", r"cut.h5 cannot be read as weights of Keras' InceptionV3 \(.*truncated.*\); it may be cut"),
        ("dense.weights.h5", "dense.weights.h5 cannot be read as weights of Keras' InceptionV3"),
        ("few.pth", "few.pth has no Conv2d_1a_3x3.bn.weight: it is not Inception v3"),
        ("other.pth", r"Conv2d_1a_3x3.conv.weight is \[1, 3, 3, 3\], of Inception v3 it is \[32, 3, 3, 3\]"),
        ("imagenet.pth", "tells 1,000 classes apart, the network of 2015 1,008: it is another Inception"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(files, name, line):
    with pytest.raises(UserError, match=line) as error:
        inception_weights.read(files / name)
    assert "\n" not in str(error.value)


def bicubic(count: int) -> np.ndarray:
    """The weights [299, count] of a row of pixels, in float64: Keys' kernel with a = -0.5, antialiased."""
    scale = count / 299
    width = max(scale, 1.0)
    centres = (np.arange(299) + 0.5) * scale
    away = np.abs((np.arange(count) + 0.5 - centres[:, None]) / width)
    near, far = (1.5 * away - 2.5) * away**2 + 1, ((-0.5 * away + 2.5) * away - 4) * away + 2
    weights = np.where(away < 1, near, np.where(away < 2, far, 0.0))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [(28, 28, 1), (40, 33, 3), (299, 299, 3), (350, 612, 3)])
def test_images_are_resized_by_antialiased_bicubic_in_floats(shape):
    images = np.random.default_rng(1).integers(0, 2, (2, *shape)).astype(np.uint8) * 255  # where it overshoots most
    expected = np.einsum(
        "yh,nhwc,xw->nyxc", bicubic(shape[0]), images.astype(np.float64), bicubic(shape[1]), optimize=True
    )
    found = extractors.resized(images)
    assert found.dtype == np.float32 and found.shape == (2, 299, 299, shape[2])
    assert shape[0] == 299 or (expected.min() < -1 and expected.max() > 256)  # so the clipping is seen
    np.testing.assert_allclose(found, expected.clip(0, 255), atol=1e-4)
    assert shape[0] == 299 or np.any(found != np.round(found))


@pytest.mark.parametrize(("of_2015", "middle"), [(False, 127.5), (True, 128.0)])
def test_an_extractor_repeats_grey_and_scales_as_its_network_wants(layers, of_2015, middle):
    extractor = extractors.from_inception(layers, of_2015, "mine", (28, 28, 1))
    found, probabilities = features.of_batches(extractor._replace(batch=3), [IMAGES[:1], IMAGES[1:]])
    x = (np.repeat(extractors.resized(IMAGES), 3, axis=3) - middle) / middle
    expected = inception.features(inception.folded(layers), tf.constant(x, tf.float32), of_2015).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-5 * expected.max())
    assert probabilities.shape == (2, 0)
    assert extractor.kind == ("inception_2015" if of_2015 else "inception_keras")
    assert ("not the network of published FID" in extractor.title) != of_2015
    assert extractor.title.endswith("mine (images resized to 299 x 299 as by clean-fid, grey repeated for RGB)")


def test_the_identity_is_that_of_network_and_weights(layers):
    other = (layers[0]._replace(offset=layers[0].offset + 1), *layers[1:])
    found = {extractors.identity(*each) for each in ((layers, False), (layers, True), (other, False))}
    assert len(found) == 3 and extractors.identity(layers, True) in found


def test_images_of_two_channels_are_refused(layers):
    with pytest.raises(UserError, match="sees grey and RGB images, these have 2 channels; give --channels"):
        extractors.from_inception(layers, True, "mine", (28, 28, 2))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "cache" / "gan-engine" / "models"


def test_a_server_that_says_nothing_is_given_up(own_cache, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(inception_weights, "ORIGIN", f"http://127.0.0.1:{silent.getsockname()[1]}/x.h5")
        monkeypatch.setattr(inception_weights, "SILENCE", 0.2)
        monkeypatch.setenv("no_proxy", "*")
        before = socket.getdefaulttimeout()
        with pytest.raises(UserError, match=r"weights cannot be downloaded \(.*timed out.*\); get .* --features=incep"):
            inception_weights.downloaded()
    assert socket.getdefaulttimeout() == before
    assert list(own_cache.iterdir()) == [] and capsys.readouterr().out == ""


def test_what_was_downloaded_is_kept_and_what_is_damaged_is_not_used(own_cache, monkeypatch):
    contents = [b"weights", b"weights"]

    def get_file(name, origin, cache_dir, cache_subdir, file_hash):
        Path(cache_dir, cache_subdir, name).write_bytes(contents.pop())

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    monkeypatch.setattr(inception_weights, "_MD5_OF_KERAS", (hashlib.md5(b"weights").hexdigest(),))
    path = inception_weights.downloaded()
    assert path == inception_weights.downloaded() and path.read_bytes() == b"weights" and len(contents) == 1
    path.write_bytes(b"weight")
    assert inception_weights.downloaded().read_bytes() == b"weights" and contents == []
    assert list(own_cache.iterdir()) == [path]
