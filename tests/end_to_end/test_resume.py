"""Law 1 with real processes: however a run is interrupted, it ends as if it had not been.

GAN_TEST_KILLS sets the number of kills, GAN_TEST_SEED the moments.
"""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

KILLS = int(os.environ.get("GAN_TEST_KILLS", "3"))
SEED = int(os.environ.get("GAN_TEST_SEED", str(int.from_bytes(os.urandom(4), "big"))))
STEPS = 40 + 10 * KILLS
LOG, SAMPLE, SAVE = 5, 10, 2
TIMES = {"images_per_second", "wall_seconds"}  # what a clock says is not a function of config, seed and data
FLAGS = (f"--steps={STEPS}", f"--log_every_steps={LOG}", f"--sample_every_steps={SAMPLE}", "--data_in_memory=true")
SAVING = f"--save_every_steps={SAVE}"


def final_data(workdir: Path, step: int = STEPS) -> dict[str, str]:
    """The sha256 of each file of a checkpoint, as its manifest has them."""
    return json.loads((workdir / f"checkpoints/step_{step:010d}/manifest.json").read_text())["files"]


def rows(workdir: Path) -> list[dict]:
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if name not in TIMES} for line in lines]


def events(workdir: Path) -> list[tuple[str, int, object]]:
    """(tag, step, value) of everything that TensorBoard's loader finds in the files, in their order."""
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found = []
    for path in sorted((workdir / "train").iterdir()):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag not in TIMES and value.tag != "config":
                    found.append((value.tag, event.step, tf.make_ndarray(value.tensor).tolist()))
    return found


def grids(workdir: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (workdir / "samples").glob("grid_*.png")}


def assert_same(workdir: Path, expected: Path) -> None:
    """Everything that a run leaves is what `expected` has, nothing twice and nothing missing."""
    assert final_data(workdir) == final_data(expected)
    assert rows(workdir) == rows(expected)
    assert events(workdir) == events(expected)
    assert grids(workdir) == grids(expected)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, finish) -> Path:
    workdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    finish(workdir, *FLAGS, SAVING)
    return workdir


def test_an_undisturbed_run_leaves_what_it_should(undisturbed):
    kept = rows(undisturbed)
    assert [row["step"] for row in kept] == list(range(LOG, STEPS + 1, LOG))
    assert all(row["images"] == 8 * row["step"] and row["epoch"] == row["images"] / 96 for row in kept)
    assert all({"d_loss", "g_loss", "real_logit", "fake_logit", "d_gradient_norm"} <= row.keys() for row in kept)
    epochs = set(range(12, STEPS + 1, 12))
    drawn = {0, STEPS} | set(range(SAMPLE, STEPS + 1, SAMPLE)) | epochs
    assert sorted(grids(undisturbed)) == [f"grid_{step:010d}.png" for step in sorted(drawn)]
    shown = events(undisturbed)
    assert sorted(step for tag, step, _ in shown if tag == "samples") == sorted(drawn)
    assert [(step, value) for tag, step, value in shown if tag == "g_loss"] == [
        (row["step"], float(np.float32(row["g_loss"]))) for row in kept
    ]
    with Image.open(undisturbed / "samples/progress.gif") as animation:
        assert animation.n_frames == len(drawn)


def kill_at(process, workdir: Path, moments: random.Random, early: bool) -> str:
    """Kills a process that has no end at a random moment; returns what it was at: start-up, training or saving."""
    if early:
        time.sleep(moments.uniform(0.0, 4.0))
    else:
        process.until("saved step")
        time.sleep(moments.uniform(0.0, 0.5))
    process.send(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, process.err
    if list(workdir.glob(f"checkpoints/temporary_step_*.{process.pid}")):
        return "saving"
    return "training" if "step" in process.err.replace("training step", "") else "start-up"


def test_killed_at_random_moments(tmp_path, start, finish, undisturbed):
    print(f"GAN_TEST_SEED={SEED}, {KILLS} kills")  # shown when the test fails
    moments, hits = random.Random(SEED), []
    for i in range(KILLS):
        held = 39 + 10 * i  # before its end, with steps to save that the start before did not come to
        process = start(tmp_path / "run", *FLAGS, SAVING, hold=held)
        hits.append(kill_at(process, tmp_path / "run", moments, early=i % 4 == 3))
        print(f"kill {i + 1}: {hits[-1]}")
    finish(tmp_path / "run", *FLAGS, SAVING)
    assert KILLS < 1 or hits[0] in ("training", "saving")
    assert_same(tmp_path / "run", undisturbed)
    assert not list(tmp_path.glob("run/checkpoints/temporary_*"))
    print(f"sha256 {final_data(tmp_path / 'run')}")


def test_stopped_within_a_log_interval_by_both_signals(tmp_path, start, finish, undisturbed):
    workdir = tmp_path / "run"
    for number, begun in ((signal.SIGTERM, 5), (signal.SIGINT, 20)):
        process = start(workdir, *FLAGS, hold=begun + 2)
        process.until(f"step {begun}/")
        process.send(number)
        assert process.wait() == 143, process.err
        last = process.err.splitlines()[-1]
        reached = max(int(path.name.removeprefix("step_")) for path in workdir.glob("checkpoints/step_*"))
        assert last == f"stopped by a signal after step {reached}; saved: start again to continue"
        assert process.errors == [] and begun <= reached <= begun + 2
    last = finish(workdir, *FLAGS)
    assert f"continuing after step {reached}\n" in last.out
    assert_same(workdir, undisturbed)


def test_long_chunks_of_streamed_images_give_the_same_bits(tmp_path, finish, undisturbed):
    """The undisturbed run stopped its chunks at every second step, and its images were in memory."""
    rarely = (f"--log_every_steps={STEPS}", "--sample_every_steps=0", "--data_in_memory=false")
    finish(tmp_path / "run", *FLAGS, *rarely)
    assert final_data(tmp_path / "run") == final_data(undisturbed)


def test_a_damaged_newest_checkpoint_costs_only_the_steps_since_the_one_before(tmp_path, finish, undisturbed):
    workdir = tmp_path / "run"
    shutil.copytree(undisturbed, workdir)
    newest = workdir / f"checkpoints/step_{STEPS:010d}"
    data = newest / "state.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-100])
    last = finish(workdir, *FLAGS, SAVING)
    (warning,) = last.warnings
    assert warning.startswith(f"warning: {newest.name} is damaged") and f"damaged_{newest.name}" in warning
    assert f"continuing after step {STEPS - SAVE}\n" in last.out
    assert_same(workdir, undisturbed)


def test_no_whole_checkpoint_is_not_a_new_run(tmp_path, finish, undisturbed, content):
    workdir = tmp_path / "run"
    shutil.copytree(undisturbed, workdir)
    for manifest in workdir.glob("checkpoints/*/manifest.json"):
        manifest.write_text("{}")
    before = sorted(content(workdir).values())
    last = finish(workdir, *FLAGS, code=2)
    (line,) = last.errors
    assert "has no checkpoint that can be read" in line and "--workdir" in line
    assert sorted(content(workdir).values()) == before  # renamed, but all there
