"""Laws 1 and 2 through the command for every piece of the recipes: killed and continued, and shared by two replicas."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from gan.runs import tensors

STEPS = 8
TINY = ("--batch_size=4", "--g_width=4", "--d_width=4", "--sample_every_steps=0", f"--steps={STEPS}")
EVERYTHING = (
    "--networks=residual",
    "--conditional",
    "--mismatch_weight=0.5",
    "--minibatch_deviation=2",
    "--g_output=linear",
    "--objective=relativistic",
    "--penalty=r1_r2",
    "--gamma=0.5",
    "--penalty_every_steps=3",
    "--gradient_clip=10",
    "--ema_half_life_images=20",
    "--ema_end_factor=2",
    "--augmentation=adaptive",
    "--augmentation_strength=0.5",
    "--augmentation_images=200",
    "--schedule=cosine",
    "--schedule_images=28",
    "--warmup_images=8",
    "--learning_rate_end_factor=0.1",
    "--gamma_end_factor=0.5",
    "--beta2_end=0.9",
    "--g_beta1=0",
    "--d_beta1=0",
)
SNGAN = ("--networks=sngan", "--conditional", "--objective=hinge", "--d_steps=2")
HALF = ("--objective=hinge", "--penalty=r1", "--gamma=1", "--penalty_every_steps=2", "--ema_half_life_images=20")
RECIPES = {
    "sngan": (*SNGAN, "--precision=float32"),
    "bfloat16": (*HALF, "--precision=mixed_bfloat16"),
    "float16": (*HALF, "--precision=mixed_float16"),
    "replicas": (*HALF, "--precision=mixed_bfloat16", "--replicas=2"),
    "xla": (*HALF, "--precision=float32", "--jit_compile=true"),
}
CARRIED = {  # what is in the state of each recipe beside parameters and slots
    "sngan": ["extra/spectral_vectors/projection_1/kernel", "extra/spectral_vectors/projection_1/embedding"],
    "bfloat16": ["averages/dense_1/kernel"],
    "float16": ["averages/dense_1/kernel", "extra/d_loss_scale/scale", "extra/g_loss_scale/scale"],
    "replicas": ["averages/dense_1/kernel"],
    "xla": ["averages/dense_1/kernel"],
}


def final(workdir: Path) -> dict[str, str]:
    """The sha256 of each file of the last checkpoint."""
    return json.loads((workdir / f"checkpoints/step_{STEPS:010d}/manifest.json").read_text())["files"]


def values(workdir: Path) -> dict[str, np.ndarray]:
    return dict(tensors.read(workdir / f"checkpoints/step_{STEPS:010d}"))


def rows(workdir: Path) -> list[dict]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def assert_carried(workdir: Path, names: list[str]) -> None:
    """The last state has tensors of these names, and all of it is finite."""
    state = values(workdir)
    assert not [name for name in names if f"state/state/{name}" not in state]
    assert all(np.isfinite(value).all() for value in state.values() if value.dtype.kind == "f")


def cut_back(workdir: Path, copy: Path, step: int) -> Path:
    """A copy of a run as it was when it had saved this step and was killed in a later one."""
    shutil.copytree(workdir, copy)
    for saved in sorted((copy / "checkpoints").glob("step_*")):
        if int(saved.name.removeprefix("step_")) > step:
            shutil.rmtree(saved)
    return copy


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_goes_on_from_any_step_as_if_it_had_not_ended_there(recipe, tmp_path, finish):
    flags = (*TINY, *RECIPES[recipe], f"--log_every_steps={STEPS}", f"--keep_checkpoints={STEPS}")
    finish(tmp_path / "whole", *flags, "--save_every_steps=1")
    again = finish(cut_back(tmp_path / "whole", tmp_path / "again", 4), *flags)
    assert "continuing after step 4\n" in again.out
    assert final(tmp_path / "again") == final(tmp_path / "whole")
    assert_carried(tmp_path / "whole", CARRIED[recipe])


def test_wrong_labels_may_begin_and_cease_to_count(tmp_path, finish):
    flags = ("--conditional", "--batch_size=4", "--sample_every_steps=0")
    finish(tmp_path / "run", *flags, "--steps=2")
    for steps, weight in ((4, 0.5), (6, 0.0)):
        finish(tmp_path / "run", *flags, f"--steps={steps}", f"--mismatch_weight={weight}", "--override")


def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path, start, finish):
    flags = (*TINY, *EVERYTHING, "--precision=float32", f"--log_every_steps={STEPS}", "--keep_checkpoints=1000")
    finish(tmp_path / "whole", *flags)
    assert_carried(tmp_path / "whole", ["averages/embedding_1/embedding", "extra/augmentation_strength"])
    killed = start(tmp_path / "killed", *flags, "--save_every_steps=1", hold=STEPS - 1)
    killed.until("saved step 3")
    killed.send(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert "continuing after step " in finish(tmp_path / "killed", *flags).out
    assert final(tmp_path / "killed") == final(tmp_path / "whole")


@pytest.mark.parametrize(
    "flags",
    [("--networks=dcgan", "--conditional"), SNGAN, tuple(f for f in EVERYTHING if "augmentation_i" not in f)],
    ids=["dcgan", "sngan", "everything"],
)
def test_two_replicas_train_like_one(flags, tmp_path, finish):
    """Adam's first moments are steps of one size in whatever direction: rates are small, and so what rounding does."""
    small = (*TINY, *flags, "--precision=float32", "--log_every_steps=1", "--batch_size=8")
    small += ("--epsilon=0.001", "--steps=3")
    workdirs = [tmp_path / "one", tmp_path / "two"]
    finish(workdirs[0], *small, "--strategy=one_device")
    assert "2 x 4 images" in finish(workdirs[1], *small, "--strategy=mirrored", "--logical_cpus=2").out
    one, two = (dict(tensors.read(workdir / "checkpoints/step_0000000003")) for workdir in workdirs)
    assert one.keys() == two.keys()
    for name, value in one.items():
        if "/params/" in name or "/averages/" in name or "/extra/" in name:
            np.testing.assert_allclose(value, two[name], rtol=1e-3, atol=2e-5, err_msg=name)
    for left, right in zip(*map(rows, workdirs), strict=True):
        assert left.keys() == right.keys()
        for name in ("d_loss", "g_loss", "d_penalty", "real_logit", "d_gradient_norm", "g_gradient_norm"):
            assert left[name] == pytest.approx(right[name], rel=1e-3, abs=1e-5), name
