"""What the tests of commands on a run share: a small run, and many calls of a command in one process."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


class Called(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def call_many(server) -> Callable[..., list[Called]]:
    """A function (name, [arguments of a call, ...]) -> what each call gave, one after the other."""

    def call(name: str, calls: list[list[str]]) -> list[Called]:
        done = []
        for arguments in calls:
            begun = server.start(*arguments, command=name, **os.environ)
            done.append(Called(begun.wait(), begun.out, begun.err))
        return done

    return call


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory, call_many) -> Path:
    """The folder of a run with tiny networks and checkpoints of the steps 1 and 2, trained by bin/train."""
    folder = tmp_path_factory.mktemp("run")
    images = np.random.default_rng(0).integers(0, 256, (16, 28, 28), np.uint8)
    np.savez(folder / "data.npz", images=images)
    settings = {
        "preset": "article",
        "dataset": f"npz:{folder}/data.npz",
        "batch_size": 8,
        "g_width": 8,
        "d_width": 4,
        "latent_size": 16,
    }
    settings |= {"steps": 2, "save_every_steps": 1, "sample_rows": 2, "sample_columns": 3, "precision": "float32"}
    settings |= {"convolution": "direct", "g_learning_rate": 0.01, "workdir": folder / "run"}
    (done,) = call_many("train", [[f"--{name}={value}" for name, value in settings.items()]])
    assert done.code == 0, done.err
    return folder / "run"


CLASSES = 3


@pytest.fixture(scope="session")
def conditional_run(tmp_path_factory, call_many) -> Path:
    """A run of 3 steps in 3 classes, with averages, batch normalization and spectral normalization."""
    folder = tmp_path_factory.mktemp("conditional")
    images = np.random.default_rng(0).integers(0, 256, (16, 28, 28), np.uint8)
    np.savez(folder / "data.npz", images=images, labels=np.arange(16) % CLASSES)
    settings = {
        "preset": "article",
        "dataset": f"npz:{folder}/data.npz",
        "batch_size": 8,
        "g_width": 4,
        "d_width": 4,
        "latent_size": 8,
    }
    settings |= {"steps": 3, "sample_columns": 2, "precision": "float32", "convolution": "direct"}
    settings |= {"networks": "sngan", "conditional": "true", "objective": "hinge", "ema_half_life_images": 20}
    settings |= {"g_learning_rate": 0.01, "workdir": folder / "run"}
    (done,) = call_many("train", [[f"--{name}={value}" for name, value in settings.items()]])
    assert done.code == 0, done.err
    return folder / "run"
