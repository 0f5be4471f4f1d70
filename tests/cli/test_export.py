"""bin/export on a small run; its files are used by a process that knows nothing of this project."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from gan import build
from gan.core import rng
from gan.pictures import raster
from gan.runs import trained
from gan.sampling import sampler

# What a person would write; `gan` cannot be imported there.
_PLAIN = """
import sys
import numpy as np
import keras
import tensorflow as tf
folder, latents, images, expected, probabilities = sys.argv[1], *np.load(sys.argv[2]).values()
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
    """All calls in one process: every format, one of them written twice; one without --out; the mistakes."""
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
    return [
        ([], "--workdir is missing"),
        ([f"--workdir={folder}"], "there is no run in it"),
        ([run, "--format=onnx"], "--format=onnx must be one of h5, keras, saved_model"),
        ([run, "--step=7"], "has no checkpoint of step 7; choose one of 1, 2"),
        ([run, f"--out={folder}/file"], "is a file"),
        ([run, f"--out={folder}/taken"], "taken/generatormodel.h5 is there but no exported model"),
        ([run, f"--out={folder}/folder", "--format=saved_model"], "generatormodel is there but no exported model"),
    ]


def test_every_format_reports_what_it_wrote_and_leaves_the_rest(exported, trained_run):
    folder, done, _ = exported
    assert [(call.code, call.err) for call in done] == [(0, "")] * 5
    names = [f"{name}{suffix}" for name in ("discriminatormodel", "generatormodel") for suffix in ("", ".h5", ".keras")]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "mine.txt"])
    first = done[0].out.splitlines()
    assert first[0] == f"step 2 of {trained_run}"
    assert first[1].startswith(f"{folder}/generatormodel.h5: 13,225 parameters; read back, its outputs differ")
    assert first[2].startswith(f"{folder}/discriminatormodel.h5: 21,569 parameters;")
    assert f"keras.models.load_model('{folder}/generatormodel.h5', compile=False)" in first[-1]


def test_networks_of_the_default_preset_are_keras_layers(default_run, call_many):
    done = call_many("export", [[f"--workdir={default_run}"], [f"--workdir={default_run}", "--format=keras"]])
    assert [(call.code, call.err) for call in done] == [(0, "")] * 2
    written = sorted(path.name for path in (default_run / "exports" / "step_0000000001").iterdir())
    assert written == [f"{name}{end}" for name in ("discriminatormodel", "generatormodel") for end in (".h5", ".keras")]


def test_the_default_folder_is_that_of_the_step(exported, trained_run):
    written = sorted(path.name for path in (trained_run / "exports").rglob("*"))
    assert written == ["discriminatormodel.h5", "generatormodel.h5", "step_0000000001"]


def test_plain_keras_and_tensorflow_compute_what_the_engine_computes(exported, trained_run, tmp_path):
    folder = exported.folder
    found = trained.open(trained_run)
    run = found.run
    random = np.random.default_rng(1)
    latents, images = random.standard_normal((7, 16), np.float32), random.random((7, 28, 28, 1), np.float32)
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
    assert len(differences) == 12
    assert max(differences) < 1e-5


def test_a_conditional_run_is_exported_with_its_averages_and_norms(conditional_run, call_many, tmp_path):
    run, out = f"--workdir={conditional_run}", f"--out={tmp_path}/models"
    done, wrong = call_many("export", [[run, out], [run, "--format=keras"]])
    assert (wrong.code, wrong.err) == (
        2,
        "error: --format=keras cannot hold networks sngan; use --format=saved_model\n",
    )
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"step 3 of {conditional_run}"
    assert lines[1].startswith(f"{tmp_path}/models/generatormodel: ") and "read back" in lines[2]
    assert "moving averages" in lines[3] and "fixed statistics" in lines[4]
    assert "labels: int32 [N] from 0 to 2" in lines[5] and "model.serve(x, labels)" in lines[-1]
    loaded = tf.saved_model.load(f"{tmp_path}/models/generatormodel")
    latents, labels = sampler.latents(0, 0, 128, 8), sampler.random_labels(0, 128, [0.2, 0.5, 0.3])
    found = trained.open(conditional_run)
    run = found.run
    generator = build.sampling_generator(run.config, run.image_shape, build.PLAIN, run.class_shares)
    (images,) = sampler.make_sampler(generator, 8)(found.generator, 0, 128, labels)
    assert np.abs(raster.to_uint8(loaded.serve(latents, labels)).astype(int) - images).max() <= 1


def test_mistakes_are_one_line(exported):
    for call, words in exported.mistakes:
        assert (call.code, call.out) == (2, ""), call
        assert words in call.err
        assert call.err.startswith("error: ") and call.err.count("\n") == 1
