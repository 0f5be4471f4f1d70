"""A run that begins with the networks of another: law 1 holds for it, and from its step 0 on it stands alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.runs import tensors
from tests.end_to_end.test_recipes import cut_back, final

STEPS = 8  # of `final`
STEP_0 = "checkpoints/step_0000000000"
RECIPE = (
    "--networks=sngan",
    "--conditional",
    "--objective=hinge",
    "--batch_size=4",
    "--g_width=4",
    "--d_width=4",
    "--ema_half_life_images=20",
    "--log_every_steps=8",
    "--sample_every_steps=0",
)
FLAGS = (*RECIPE, f"--steps={STEPS}", "--keep_checkpoints=1000", "--g_learning_rate=0.001")
ONE = ("--strategy=one_device",)
TWO = ("--strategy=mirrored", "--logical_cpus=2")


def squares(path: Path, names: list[str], side: int = 28) -> Path:
    random = np.random.default_rng(len(path.name))
    images = random.integers(0, 255, (24, side, side), np.uint8)
    np.savez(path, images=images, labels=np.arange(24) % len(names), class_names=np.array(names))
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory, finish) -> Path:
    """A run of 3 steps on three classes; not to be changed."""
    folder = tmp_path_factory.mktemp("base")
    data = squares(folder / "letters.npz", ["a", "b", "c"])
    finish(folder / "run", *RECIPE, f"--dataset=npz:{data}", "--steps=3", "--save_every_steps=1")
    return folder / "run"


@pytest.fixture(scope="module")
def begin(finish, base) -> callable:
    """`begin(workdir, flag, ...)` begins a run on other classes with `base`, or continues it."""
    data = squares(base.parent / "others.npz", ["c", "d", "a", "e"])
    return lambda workdir, *flags, **options: finish(workdir, *FLAGS, f"--dataset=npz:{data}", *flags, **options)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, begin, base) -> Path:
    workdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    begun = begin(workdir, *ONE, f"--init_from={base}", "--save_every_steps=1")
    lines = begun.out.splitlines()
    place = lines.index(f"begins with {base}@3")
    assert lines[place + 1].startswith("            generator: 26 of 26 tensors, ")
    assert "by the names of the classes; new: d, e" in lines[place + 2]
    return workdir


def settings(workdir: Path) -> dict:
    return json.loads((workdir / "config.json").read_text())


def test_it_begins_with_a_step_0_and_says_what_with(undisturbed, base):
    content = settings(undisturbed)
    manifest = json.loads((base / "checkpoints/step_0000000003/manifest.json").read_text())
    sha256 = manifest["files"]["state.data-00000-of-00001"]["sha256"]
    assert content["settings"]["init_from"] == f"{base}@3"
    assert content["data"]["init_from"] == {"checkpoint": f"{base}@3", "sha256": sha256}
    assert f"--init_from={base}@3" in (undisturbed / "flags.txt").read_text().splitlines()
    assert (undisturbed / STEP_0 / "manifest.json").exists()


def cut_back_without(workdir: Path, base: Path, folder: Path, step: int) -> tuple[Path, Path]:
    """(A copy of a run as it was when it was killed after this step, begun with a copy of `base`; that copy.)"""
    other, again = shutil.copytree(base, folder / "other"), cut_back(workdir, folder / "again", step)
    for name in ("config.json", "flags.txt"):
        (again / name).write_text((again / name).read_text().replace(f"{base}@", f"{other}@"))
    return again, other


@pytest.mark.parametrize("step", [0, 3])
def test_a_killed_run_ends_as_if_it_had_not_been_and_without_the_other(step, tmp_path, begin, base, undisturbed):
    again, other = cut_back_without(undisturbed, base, tmp_path, step)
    shutil.rmtree(other)
    begun = begin(again, *ONE, f"--init_from={other}")
    assert f"continuing after step {step}\n" in begun.out
    assert f"began with  {other}@3\n" in begun.out
    assert final(again) == final(undisturbed)
    assert settings(again)["data"]["init_from"]["sha256"] == settings(undisturbed)["data"]["init_from"]["sha256"]


def test_two_replicas_begin_with_the_same(tmp_path, begin, base, undisturbed):
    begin(tmp_path / "run", *TWO, f"--init_from={base}", "--steps=1")
    files = [
        json.loads((run / STEP_0 / "manifest.json").read_text())["files"] for run in (tmp_path / "run", undisturbed)
    ]
    assert files[0][tensors.FILE] == files[1][tensors.FILE]


def test_killed_before_its_first_checkpoint_it_begins_with_the_same(tmp_path, begin, finish, undisturbed, base):
    young, other = cut_back_without(undisturbed, base, tmp_path, -1)
    data = settings(other)["settings"]["dataset"]
    finish(other, *RECIPE, f"--dataset={data}", "--steps=4")  # the other run has moved on
    begun = begin(young, *ONE, f"--init_from={other}")
    assert f"begins with {other}@3\n" in begun.out
    assert final(young) == final(undisturbed)
    for place in (other / "checkpoints/step_0000000003", *(young / "checkpoints").iterdir()):
        shutil.rmtree(place)
    (line,) = begin(young, *ONE, f"--init_from={other}", code=2).errors
    assert line.endswith("has no checkpoint of step 3; choose one of 2, 4")


def test_the_first_images_are_those_of_the_other_run(tmp_path, finish, base):
    data = settings(base)["settings"]["dataset"]
    finish(tmp_path / "run", *RECIPE, f"--dataset={data}", f"--init_from={base}", "--steps=1")
    there, here = (
        Image.open(run / f"samples/grid_{step:010d}.png") for run, step in ((base, 3), (tmp_path / "run", 0))
    )
    np.testing.assert_array_equal(np.asarray(here), np.asarray(there))
    assert len(np.unique(np.asarray(here))) > 2


def test_continuing_with_the_flag_and_with_another(tmp_path, begin, undisturbed, base, content):
    run, saving = shutil.copytree(undisturbed, tmp_path / "run"), "--save_every_steps=1"
    assert f"the run is complete at step {STEPS}" in begin(run, saving, f"--init_from={base}/").out
    before = content(run)
    (line,) = begin(run, saving, f"--init_from={base}@2", code=2).errors
    assert line.startswith(f"error: {run} was begun with what cannot change: init_from: ")
    assert line.endswith("use another --workdir") and content(run) == before


def test_a_run_that_began_by_chance_does_not_take_another(finish, undisturbed, base, content):
    before, data = content(base), settings(base)["settings"]["dataset"]
    flags = (*RECIPE, f"--dataset={data}", "--steps=4", f"--init_from={undisturbed}")
    (line,) = finish(base, *flags, code=2).errors
    assert "was begun with what cannot change: init_from: '' -> " in line and content(base) == before


def test_a_dry_run_shows_what_would_be_taken_and_writes_nothing(tmp_path, begin, base, content):
    before = content(base)
    data = squares(tmp_path / "large.npz", ["a", "b", "c"], 56)
    shown = begin(tmp_path / "run", f"--init_from={base}@2", f"--dataset=npz:{data}", "--dry_run").out
    assert f"begins with {base}@2\n" in shown and "block_3 begins anew (not there)" in shown
    assert "discriminator: 23 of 29 tensors, " in shown
    assert "block_2 begins anew (that of this name is block_3 here)" in shown
    assert not (tmp_path / "run").exists() and content(base) == before


def test_what_is_taken_is_the_same_past_a_damaged_checkpoint_and_in_another_precision(tmp_path, begin, base, content):
    other = shutil.copytree(base, tmp_path / "other")
    path = other / "checkpoints/step_0000000003" / tensors.FILE
    path.write_bytes(path.read_bytes()[:-9])
    before = content(other)
    begun = begin(tmp_path / "run", f"--init_from={other}", "--precision=mixed_float16", "--steps=1")
    assert f"begins with {other}@2\n" in begun.out
    assert begun.warnings[-1].startswith("warning: step_0000000003 is damaged (")  # after those of the data
    assert content(other) == before
    there, here = tensors.read(base / "checkpoints/step_0000000002"), tensors.read(tmp_path / "run" / STEP_0)
    kernel = "state/state/generator/params/conv_1/kernel"
    np.testing.assert_array_equal(here[kernel], there[kernel])
    assert here["state/state/extra/g_loss_scale/scale"] == 2.0**15
