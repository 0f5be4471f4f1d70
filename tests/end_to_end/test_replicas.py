"""Law 2 through the command: two replicas with half a batch each train like one device with the whole."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gan.runs import tensors

FLAGS = ("--log_every_steps=3",)
ONE = ("--strategy=one_device", "--logical_cpus=0")
TWO = ("--strategy=mirrored", "--logical_cpus=2")
# Adam divides by the root of the second moment: where a gradient is all rounding, so is the direction of its update.
PARAMETERS = {"rtol": 1e-3, "atol": 2e-5}


def values(workdir: Path, step: int) -> dict[str, np.ndarray]:
    return dict(tensors.read(workdir / f"checkpoints/step_{step:010d}"))


def assert_close(left: Path, right: Path, step: int) -> None:
    """Equal parameters within rounding, and equal losses."""
    ours, theirs = values(left, step), values(right, step)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        if "/params/" in name:
            np.testing.assert_allclose(value, theirs[name], **PARAMETERS, err_msg=name)
    for mine, other in zip(rows(left), rows(right), strict=True):
        for name in ("step", "d_loss", "g_loss", "real_logit", "d_gradient_norm"):
            assert mine[name] == pytest.approx(other[name], rel=1e-3, abs=1e-5), name


def rows(workdir: Path) -> list[dict]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def one(tmp_path_factory, finish) -> Path:
    workdir = tmp_path_factory.mktemp("one") / "run"
    assert "1 x 8 images" in finish(workdir, *FLAGS, *ONE, "--steps=3").out
    return workdir


@pytest.fixture(scope="module")
def two(tmp_path_factory, finish) -> Path:
    workdir = tmp_path_factory.mktemp("two") / "run"
    assert "2 x 4 images" in finish(workdir, *FLAGS, *TWO, "--steps=3").out
    return workdir


def test_two_replicas_train_like_one(one, two):
    assert_close(one, two, 3)


def test_a_run_moves_to_two_replicas_and_to_one(tmp_path, one, two, finish):
    moved = {}
    for begun, flags, change in ((one, TWO, "one_device -> mirrored"), (two, ONE, "mirrored -> one_device")):
        moved[change] = Path(shutil.copytree(begun, tmp_path / change.replace(" ", "")))
        again = finish(moved[change], *FLAGS, *flags, "--steps=6")
        assert "continuing after step 3\n" in again.out
        settings, fingerprint = again.warnings
        assert f"strategy: {change}" in settings and "logical_cpus: " in settings
        assert "not be the same to the bit" in fingerprint and "replicas: " in fingerprint
    assert_close(*moved.values(), 6)
