"""Exported generators read back by what their folder says: the same images, whatever the format, or one line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.errors import UserError
from gan.export import exported, keras, models, onnx, tflite
from gan.export.formats import FORMATS
from gan.export.networks import networks
from tests.export.exporting import SHARES, tiny

SHAPE, LATENTS = (28, 28, 1), 6
POINTS = np.random.default_rng(0).standard_normal((5, LATENTS), np.float32)
LABELS = np.int32([0, 2, 1, 1, 0])


def facts(name: str, **changed) -> dict:
    conditional = {"conditional": False, "class_names": ["a"], "class_shares": [1.0], "classes": [0]}
    return {
        "version": 1,
        "format": "x",
        "step": 7,
        "latent_size": LATENTS,
        "image_shape": list(SHAPE),
        "generator": name,
        "discriminator": "discriminatormodel" + Path(name).suffix,
        **conditional,
        **changed,
    }


def describe(folder: Path, name: str, **changed) -> None:
    (folder / "model.json").write_text(json.dumps(facts(name, **changed)))


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A folder with a generator in each format that there is of it, and its images of `POINTS`."""
    folder = tmp_path_factory.mktemp("plain")
    settings = config.make(preset="article", g_width=8, d_width=4, latent_size=LATENTS)
    network = build.sampling_generator(settings, SHAPE, build.PLAIN)
    params = network.init(rng.stream(0, -1))
    noisy = tf.nest.map_structure(lambda value: value + 0.05 * tf.random.stateless_normal(value.shape, [1, 2]), params)
    model = keras.generator(settings, network, noisy)
    for suffix in (".keras", ".h5"):
        model.save(folder / f"generatormodel{suffix}")
    lite = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    (folder / "generatormodel.tflite").write_bytes(lite)
    judge = build.discriminator(settings, SHAPE, build.PLAIN).init(rng.stream(0, -1))
    of = networks(settings, SHAPE, noisy, judge)
    models.write(folder, "saved_model", [next(FORMATS["saved_model"].models(of))])
    describe(folder, "generatormodel.keras")
    images = network.apply(noisy, tf.constant(POINTS), tf.fill([5], -1), rng.stream(0, 0), False)
    return folder, np.clip(images.numpy(), 0, 1)


@pytest.mark.parametrize(
    "name", ["", "generatormodel.keras", "generatormodel.h5", "generatormodel", "generatormodel.tflite"]
)
def test_every_format_makes_the_images_of_the_network(plain, name, capfd):
    folder, images = plain
    if name.endswith("tflite"):
        pytest.importorskip("ai_edge_litert")
    found = exported.described(folder / name)
    assert (found.step, found.latent_size, found.image_shape, found.classes) == (7, LATENTS, SHAPE, (0,))
    draw = exported.load(found)
    for count in (5, 2):  # a batch of another size
        np.testing.assert_allclose(draw(POINTS[:count], LABELS[:count]), images[:count], atol=2e-5)
    assert "INFO" not in capfd.readouterr().err


def test_labels_go_where_they_belong(tmp_path):
    of = tiny(conditional=True, latent_size=LATENTS)
    models.write(tmp_path, "saved_model", [next(FORMATS["saved_model"].models(of))])
    names = {"class_names": ["a", "b", "c"], "class_shares": list(SHARES), "classes": [0, 1, 2]}
    describe(tmp_path, "generatormodel", conditional=True, **names)
    images, expected = exported.load(exported.described(tmp_path))(POINTS, LABELS), of.generator.function
    np.testing.assert_allclose(images, expected(POINTS, LABELS), atol=2e-5)
    assert np.abs(images - expected(POINTS, 2 - LABELS)).max() > 1e-3  # labels matter


@pytest.mark.parametrize("form, batch", [("tflite", 2), ("onnx", None)])
def test_models_of_other_programs_draw_any_number_of_images(tmp_path, form, batch):
    pytest.importorskip("ai_edge_litert" if form == "tflite" else "tf2onnx")
    of = tiny(networks="residual", conditional=True, latent_size=LATENTS)
    made = form == "tflite" and tflite.generator(
        of.config, of.image_shape, of.generator.applied, of.class_shares, batch=batch
    )
    name = f"generatormodel.{form}"
    (tmp_path / name).write_bytes(made or onnx.generator(of))
    describe(tmp_path, name, conditional=True, class_names=list("abc"), class_shares=list(SHARES), classes=[0, 1, 2])
    images = exported.load(exported.described(tmp_path))(POINTS, LABELS)
    np.testing.assert_allclose(images, of.generator.function(POINTS, LABELS), atol=2e-5)


@pytest.fixture
def folder(plain, tmp_path) -> Path:
    """A copy of what is small."""
    for name in ("model.json", "generatormodel.keras"):
        shutil.copy(plain[0] / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": 2}, "has the version 2, and this program reads 1"),
        ({"version": None}, "has the version None"),
        ({"latent_size": "many"}, "is damaged: it does not say"),
        ({"latent_size": 0}, "is damaged: it does not say"),
        ({"image_shape": [28, 28]}, "is damaged: it does not say"),
        ({"class_names": [1]}, "is damaged: it does not say"),
        ({"classes": [1]}, "is damaged: it does not say"),
        ({"conditional": True, "classes": []}, "is damaged: it does not say"),
        ({"class_shares": []}, "is damaged: it does not say"),
        ({"generator": "x.keras"}, "x.keras is not there, and .*model.json names it"),
        ({"generator": "/etc/hostname"}, "hostname is not there"),
    ],
)
def test_facts_that_cannot_be(folder, changed, words):
    describe(folder, **{"name": "generatormodel.keras", **changed})
    with pytest.raises(UserError, match=words):
        exported.described(folder)


def test_what_is_no_export_or_no_generator(folder):
    unreadable = (b"{", b"\xff\xfe", b"[" * 100_000)
    for content, words in (*((each, "cannot be read") for each in unreadable), (b"[]", "has the version None")):
        (folder / "model.json").write_bytes(content)
        with pytest.raises(UserError, match=words):
            exported.described(folder)
    describe(folder, "generatormodel.keras")
    (folder / "discriminatormodel.keras").touch()
    with pytest.raises(UserError, match="is the discriminator, which makes no images; give .*generatormodel.keras"):
        exported.described(folder / "discriminatormodel.keras")
    (folder / "below" / "folder").mkdir(parents=True)
    with pytest.raises(UserError, match="is no export: there is no model.json"):
        exported.described(folder / "below" / "folder")


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".tflite", ".onnx"])
def test_a_damaged_model_is_one_line(folder, suffix):
    if suffix in (".tflite", ".onnx"):
        pytest.importorskip({".tflite": "ai_edge_litert", ".onnx": "onnxruntime"}[suffix])
    (folder / f"generatormodel{suffix}").write_bytes((folder / "generatormodel.keras").read_bytes()[:500])
    describe(folder, f"generatormodel{suffix}")
    with pytest.raises(UserError, match="cannot be loaded as the generator of its model.json") as caught:
        exported.load(exported.described(folder))
    assert "\n" not in str(caught.value)


def test_models_that_are_others_than_their_facts_say(folder):
    describe(folder, "generatormodel.keras", image_shape=[28, 28, 3])
    with pytest.raises(UserError, match=r"makes \[1, 28, 28, 1\] of a latent, and its model.json says otherwise"):
        exported.load(exported.described(folder))
    describe(folder, "generatormodel.keras", latent_size=LATENTS + 1)
    with pytest.raises(UserError, match="cannot be loaded as the generator"):
        exported.load(exported.described(folder))
    describe(folder, "model.json")
    with pytest.raises(UserError, match="is no model that can draw here; give one that ends in .keras, .h5, .tflite"):
        exported.load(exported.described(folder))


def test_a_missing_package_is_told(folder, monkeypatch):
    for suffix, module, package in (
        (".tflite", "ai_edge_litert.interpreter", "ai-edge-litert"),
        (".onnx", "onnxruntime", "onnxruntime"),
    ):
        (folder / f"generatormodel{suffix}").touch()
        describe(folder, f"generatormodel{suffix}")
        monkeypatch.setitem(__import__("sys").modules, module, None)
        with pytest.raises(UserError, match=f"needs the package {package}, which is not there; install it"):
            exported.load(exported.described(folder))
