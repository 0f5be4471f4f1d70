"""bin/export on a small run; its files are used by a process that knows nothing of this project."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gan import build, presets
from gan.core import rng
from gan.export import models
from gan.jobs import export
from gan.pictures import raster
from gan.runs import trained
from gan.sampling import sampler
from tests.explore import runs

# What a person would write; `gan` cannot be imported there.
_PLAIN = """
import sys
import numpy as np
import keras
import tensorflow as tf
folder, latents, images, expected, probabilities = sys.argv[1], *np.load(sys.argv[2]).values()
module = tf.saved_model.load(f"{folder}/generatormodel")
print("samples", float(np.abs(module.sample(7, 1) - expected).max()))
for suffix in (".h5", ".keras", ""):
    for name, x, y in (("generatormodel", latents, expected), ("discriminatormodel", images, probabilities)):
        path = f"{folder}/{name}{suffix}"
        if suffix:
            model = keras.models.load_model(path, compile=False)
            function = lambda x: model.predict(x, verbose=0)
        else:
            model = tf.saved_model.load(path)
            function = lambda x: model.signatures["serving_default"](tf.constant(x))["output_0"].numpy()
        for count in (1, len(x)):
            found = function(x[:count])
            assert found.shape == y[:count].shape, (path, found.shape)
            print(path, float(np.abs(found - y[:count]).max()))
assert not [name for name in sys.modules if name.split(".")[0] == "gan"]
"""


class Exported(NamedTuple):
    """The folder written to, what was said on success, and each mistake's call with the words expected of it."""

    folder: Path
    said: list
    mistakes: list


@pytest.fixture(scope="module")
def exported(trained_run, tmp_path_factory, call_many) -> Exported:
    """All calls in one process: every old format, one of them written twice; one without --out; the mistakes."""
    folder, wrong = tmp_path_factory.mktemp("exported"), tmp_path_factory.mktemp("mistakes")
    (folder / "mine.txt").write_text("precious")
    run, out = f"--workdir={trained_run}", f"--out={folder}"
    calls = [[run, out, f"--format={form}"] for form in ("h5", "keras", "saved_model", "saved_model")]
    calls += [[run, "--step=1"]]
    mistakes = _mistakes(run, wrong)
    before = sorted(wrong.rglob("*"))
    done = call_many("export", calls + [flags for flags, _ in mistakes])
    assert sorted(wrong.rglob("*")) == before
    judged = [(call, words) for call, (_, words) in zip(done[len(calls) :], mistakes, strict=True)]
    return Exported(folder, done[: len(calls)], judged)


def _mistakes(run: str, folder: Path) -> list[tuple[list[str], str]]:
    """(arguments, words of the line) of calls that must fail."""
    (folder / "file").write_text("x")
    (folder / "taken" / "generatormodel.h5").mkdir(parents=True)
    (folder / "folder" / "generatormodel" / "mine").mkdir(parents=True)
    (folder / "project").mkdir()
    (folder / "project" / "README.md").write_text("precious")
    return [
        ([], "--workdir is missing"),
        ([f"--workdir={folder}"], "there is no run in it"),
        ([run, "--format=torch"], "--format=torch must be one of h5, keras, saved_model, tflite, onnx, web"),
        ([run, "--step=7"], "has no checkpoint of step 7; choose one of 1, 2"),
        ([run, f"--out={folder}/file"], "is a file"),
        ([run, f"--out={folder}/taken"], "taken/generatormodel.h5 is there but no exported model"),
        ([run, f"--out={folder}/folder", "--format=saved_model"], "generatormodel is there but no exported model"),
        ([run, f"--out={folder}/project"], "project/README.md is there but not as an export wrote it; move it away"),
    ]


BESIDE = ["README.md", "model.json", "samples.png"]


def test_every_format_reports_what_it_wrote_and_leaves_the_rest(exported, trained_run):
    folder, done, _ = exported
    assert [(call.code, call.err) for call in done] == [(0, "")] * 5
    names = [f"{name}{suffix}" for name in ("discriminatormodel", "generatormodel") for suffix in ("", ".h5", ".keras")]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, *BESIDE, "mine.txt"])
    first = done[0].out.splitlines()
    assert first[0] == f"step 2 of {trained_run}"
    assert re.match(rf"{folder}/generatormodel.h5: 13,225 parameters, \d+ KiB; read back, its outputs differ", first[1])
    assert first[2].startswith(f"{folder}/discriminatormodel.h5: 21,569 parameters,")
    assert first[3] == f"{folder}/README.md: a model card, with samples.png and model.json beside it"
    assert first[-4].strip().startswith("latents = np.random.default_rng(0).standard_normal((16, ")
    assert first[-2].strip() == f"model = keras.models.load_model('{folder}/generatormodel.h5', compile=False)"


def test_networks_of_the_default_preset_are_keras_layers(call_many, tmp_path):
    run = runs.begin(tmp_path / "run", presets.DEFAULT_PRESET)
    (done,) = call_many("export", [[f"--workdir={run}"]])
    assert (done.code, done.err) == (0, "")
    written = sorted(path.name for path in (run / "exports" / "step_0000000001" / "h5").iterdir())
    assert written == sorted(["discriminatormodel.h5", "generatormodel.h5", *BESIDE])


def test_the_default_folder_is_that_of_the_step_and_format(exported, trained_run):
    written = sorted(path.name for path in (trained_run / "exports").rglob("*"))
    assert written == sorted(["discriminatormodel.h5", "generatormodel.h5", *BESIDE, "h5", "step_0000000001"])


def test_what_lies_beside_the_models_tells_what_they_are(exported, trained_run):
    folder = trained_run / "exports/step_0000000001/h5"
    facts = json.loads((folder / "model.json").read_text())
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in facts.pop("files")}
    assert sorted(files) == ["discriminatormodel.h5", "generatormodel.h5"]
    card = (folder / "README.md").read_text()
    assert facts == {
        "version": 1,
        "format": "h5",
        "preset": "article",
        "networks": "article",
        "dataset": "npz:data.npz",
        "step": 1,
        "latent_size": 16,
        "image_shape": [28, 28, 1],
        "conditional": False,
        "class_names": [],
        "class_shares": [],
        "classes": [],
        "generator": "generatormodel.h5",
        "discriminator": "discriminatormodel.h5",
    }
    assert str(trained_run.parent) not in card
    with Image.open(folder / "samples.png") as grid:
        assert grid.size == (2 * (1 + 3 * 29), 2 * (1 + 2 * 29))
    assert json.loads((exported.folder / "model.json").read_text())["format"] == "saved_model"  # the last one


def test_plain_keras_and_tensorflow_compute_what_the_engine_computes(exported, trained_run, tmp_path):
    folder = exported.folder
    found = trained.open(trained_run)
    run = found.run
    random = np.random.default_rng(1)
    latents, images = sampler.latents(1, 0, 7, 16).numpy(), random.random((7, 28, 28, 1), np.float32)
    stream, labels = rng.stream(0, 0), tf.fill([7], -1)
    networks = [make(run.config, run.image_shape, build.PLAIN) for make in (build.generator, build.discriminator)]
    made = np.clip(networks[0].apply(found.generator, latents, labels, stream, False), 0, 1)
    probabilities = tf.sigmoid(networks[1].apply(found.discriminator, images, labels, stream, False)).numpy()[:, None]
    np.savez(tmp_path / "expected.npz", latents=latents, images=images, made=made, probabilities=probabilities)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", _PLAIN, folder, tmp_path / "expected.npz"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    differences = [float(line.split()[-1]) for line in done.stdout.splitlines()]
    assert len(differences) == 13
    assert max(differences) < 1e-5


def test_a_conditional_run_is_exported_with_its_averages_and_norms(conditional_run, call_many, tmp_path):
    run, out = f"--workdir={conditional_run}", f"--out={tmp_path}/models"
    done = call_many("export", [[run, out, f"--format={form}"] for form in ("saved_model", "h5")])
    assert [(call.code, call.err) for call in done] == [(0, "")] * 2
    lines = done[0].out.splitlines()
    assert lines[0] == f"step 3 of {conditional_run}"
    assert lines[1].startswith(f"{tmp_path}/models/generatormodel: ") and "read back" in lines[2]
    assert "moving averages" in lines[4] and "fixed statistics" in lines[5]
    assert "labels: int32 [N] from 0 to 2" in lines[6] and "others, classes = model.sample(64, 0)" in lines[-1]
    labels = sampler.random_labels(0, 128, [0.2, 0.5, 0.3])
    latents = sampler.latents(0, 0, 128, 8).numpy()
    found = trained.open(conditional_run)
    run = found.run
    generator = build.sampling_generator(run.config, run.image_shape, build.PLAIN, run.class_shares)
    (images,) = sampler.make_sampler(generator, 8)(found.generator, 0, 128, labels)
    module = tf.saved_model.load(f"{tmp_path}/models/generatormodel")
    drawn = [
        module.generate(latents, labels),
        keras.models.load_model(f"{tmp_path}/models/generatormodel.h5", compile=False)([latents, labels]),
    ]
    for each in drawn:
        assert np.abs(raster.to_uint8(each).astype(int) - images).max() <= 1


def test_models_that_were_timed_are_told_with_their_speeds_and_mean_differences(conditional_run, tmp_path):
    found, kinds = trained.open(conditional_run), {"float32": "", "float16": "_float16", "int8": "_int8"}
    measured = {"parameters": 1234, "size": 2048, "difference": 2e-5, "mean_difference": 3e-6}
    written = [
        models.Exported(f"generatormodel{end}.tflite", "generator", kind, **measured, images_per_second=4321.0)
        for kind, end in kinds.items()
    ]
    written.append(models.Exported("discriminatormodel.tflite", "discriminator", "float32", **measured))
    *lines, judge = export._report(found, "tflite", tmp_path, written).splitlines()[:4]
    told = [f"{tmp_path}/{model.name}: 1,234 parameters, 2 KiB; read back, its outputs differ" for model in written]
    assert [line.partition(" from")[0] for line in (*lines, judge)] == told
    assert [line.partition("by at most ")[2] for line in (*lines, judge)] == [
        "2.0e-05 (allowed: 0.0001); 4,321 images/s, one thread",
        *["2.0e-05, 3.0e-06 in the mean; 4,321 images/s, one thread"] * 2,
        "2.0e-05 (allowed: 0.0001)",
    ]


def test_a_card_that_was_worked_on_is_not_replaced(conditional_run, call_many, tmp_path):
    arguments = [f"--workdir={conditional_run}", f"--out={tmp_path}/models"]
    assert call_many("export", [arguments])[0].code == 0
    card = tmp_path / "models/README.md"
    card.write_text(card.read_text().replace("unknown", "mit"))
    before = {path: path.read_bytes() for path in (tmp_path / "models").iterdir()}
    (again,) = call_many("export", [arguments])
    assert (again.code, again.out) == (2, "")
    assert again.err == f"error: {card} is there but not as an export wrote it; move it away or use another --out\n"
    assert {path: path.read_bytes() for path in (tmp_path / "models").iterdir()} == before


def test_mistakes_are_one_line(exported):
    for call, words in exported.mistakes:
        assert (call.code, call.out) == (2, ""), call
        assert words in call.err
        assert call.err.startswith("error: ") and call.err.count("\n") == 1
