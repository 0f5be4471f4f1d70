"""Which program a rival is for a config, what it is told, and what a reader is told of it."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan import config
from gan.bench import contestants, rivals, twins
from gan.errors import UserError
from gan.presets import PRESETS
from gan.settings import fields

EXACT = {
    "article_corrected": twins.NAMES,
    "article": twins.NAMES,
    "modern": twins.NAMES,
    "modern_conditional": twins.NAMES,
    "dcgan": [name for name in twins.NAMES if name.startswith("torch")],
    "sngan": [name for name in twins.NAMES if name.startswith("torch")],
}


def command(name, settings):
    return twins.command(name, settings, Path("images.npy"), Path("labels.npy"), 10)


def differences(name, preset, **settings):
    return twins.other_mathematics(name, config.make(preset, **settings))


@pytest.mark.parametrize("preset", EXACT)
def test_a_preset_with_a_twin_is_computed_as_it_is(preset):
    for name in EXACT[preset]:
        assert differences(name, preset) == []
        assert config.assembled(**twins.settings(name, config.make(preset))).networks == PRESETS[preset].get(
            "networks", "article"
        )
    assert twins.notes(EXACT[preset], config.make(preset)) == []


@pytest.mark.parametrize("name", twins.NAMES)
def test_what_a_program_takes_is_what_the_run_has(name):
    given = {"preset": "modern_conditional", "width": 0.5, "depth": 2, "batch_size": 8, "gamma": 3.0, "g_beta2": 0.9}
    given |= {"d_learning_rate": 1e-4, "schedule": "constant", "mismatch_weight": 0.5, "seed": 3}
    settings = config.make(**given)
    assert twins.other_mathematics(name, settings) == []
    theirs = config.assembled(**twins.settings(name, settings))
    assert theirs.preset == "modern"
    tuned = [key for key, field in fields().items() if field.metadata["change"] in ("tunable", "fixed")]
    assert {key: getattr(theirs, key) for key in tuned} == {key: getattr(settings, key) for key in tuned}


def test_other_mathematics_is_named():
    assert differences("torch", "article_corrected", batch_size=64, seed=3, d_dropout=0.1) == []
    assert differences("torch", "lsgan") == ["objective=least_squares, theirs non_saturating"]
    assert differences("torch", "modern", optimizer="sgd") == ["optimizer=sgd, theirs adam"]
    assert differences("keras", "modern", d_steps=2) == ["d_steps=2, theirs 1"]
    assert differences("torch", "modern", d_steps=2) == []
    assert "penalty=wgan_gp, theirs r1" in differences("torch", "wgan_gp")
    assert differences("torch", "modern", resolution=32, crop="random") == ["crop=random, theirs center"]
    assert differences("torch", "modern", resolution=32, crop="pad", channels=3) == []


def test_notes_are_one_for_those_that_differ_alike():
    settings = config.make("modern", d_steps=2, d_dropout=0.1)
    both, keras = twins.notes(["torch", "torch_compile", "keras"], settings)
    theirs = "the mathematics of --preset=modern, not that of these settings"
    assert both == f"torch, torch_compile: {theirs} (d_dropout=0.1, theirs 0.0)"
    assert keras.startswith("keras: ") and keras.endswith("(d_dropout=0.1, theirs 0.0; d_steps=2, theirs 1)")


def test_networks_without_a_program_are_refused_before_anything_is_opened():
    with pytest.raises(
        UserError, match="--against=keras has no step with --networks=dcgan; there is one of torch, tor"
    ):
        contestants.of({"preset": "lsgan"}, ["keras"])
    assert contestants.of({"preset": "lsgan"}, ["torch"]).rivals == ["torch"]


def test_the_programs_come_with_the_package():
    """All but their frameworks: they are found from any folder by what the commands name."""
    modules = {command(name, config.make(preset))[2] for preset, names in EXACT.items() for name in names}
    programs = ("keras_article", "keras_modern", "torch_article", "torch_dcgan", "torch_modern", "torch_sngan")
    assert modules == {f"gan.bench.programs.{program}" for program in programs}
    assert all(importlib.util.find_spec(module) for module in modules)


def test_the_command_names_settings_threads_and_files(monkeypatch):
    monkeypatch.delenv(twins.TORCH_PYTHON, raising=False)
    words = command("torch_compile_bfloat16", config.make("modern", batch_size=8, threads=3))
    assert words == [
        sys.executable,
        "-m",
        "gan.bench.programs.torch_modern",
        '--settings={"preset": "modern", "batch_size": 8}',
        "--threads=3",
        "--images=images.npy",
        "--labels=labels.npy",
        "--num_classes=10",
        "--compile",
        "--precision=bfloat16",
    ]


def test_threads_are_as_asked_or_all_cores_and_keras_chooses():
    asked = [next(word for word in command(name, config.make("modern", threads=threads)) if "threads" in word)
             for threads in (3, 0) for name in ("keras_jit", "torch")]  # fmt: skip
    assert asked == ["--threads=3", "--threads=3", "--threads=0", f"--threads={len(os.sched_getaffinity(0))}"]


def test_pytorch_may_be_in_another_python(monkeypatch, tmp_path):
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    for named in (str(link), "./python", "python"):  # a path, a path from here, a program that the shell would find
        monkeypatch.setenv(twins.TORCH_PYTHON, named)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert command("torch", config.make("modern"))[0] == str(link)
        assert command("keras", config.make("modern"))[0] == os.path.abspath(sys.executable)


def test_a_python_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setenv(twins.TORCH_PYTHON, "/nowhere/python")
    with pytest.raises(UserError, match="--against=torch: GAN_TORCH_PYTHON is '/nowhere/python', and there is no such"):
        contestants.of({"preset": "modern"}, ["torch"])
    contestants.of({"preset": "modern"}, ["keras"])


def test_a_python_without_pytorch_is_told_how_to_have_it(tmp_path):
    """In a Python whose `torch`, or `numpy`, is not there."""
    line = [
        sys.executable,
        "-c",
        "import sys; sys.modules[sys.argv[1]] = None; sys.argv = ['']; import gan.bench.programs.",
    ]
    for package, name in (("torch", "PyTorch"), ("numpy", "NumPy")):
        for program in ("torch_modern", "torch_article", "torch_dcgan", "torch_sngan"):
            with pytest.raises(UserError) as error, rivals.Rival("torch", [*line[:2], line[2] + program, package], 9.0):
                pass
            assert str(error.value).startswith(
                f"--against=torch: {name} is not installed in {sys.executable}; name a Py"
            )
            assert "$GAN_TORCH_PYTHON" in str(error.value) and "pip install torch" in str(error.value)


def test_the_programs_need_no_package_but_their_framework():
    """What the programs in PyTorch import of this project works in a Python without TensorFlow and absl."""
    code = "import sys\nfor name in ('tensorflow', 'absl', 'keras', 'matplotlib', 'PIL'): sys.modules[name] = None\n"
    code += "from gan.bench.programs import examples, serving\nfrom gan.networks import sizes\n"
    code += "print(serving.config(serving.arguments('', 'modern').parse_args(['--batch_size=5'])).batch_size)"
    done = subprocess.run([sys.executable, "-c", code], cwd=rivals.ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout == "5\n", done.stderr
    json.loads(json.dumps(twins.settings("torch", config.make("modern"))))
