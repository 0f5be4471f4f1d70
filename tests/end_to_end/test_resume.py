"""Law 1 with real processes: however a run is stopped, it ends as if it had not been. Kills: tests/faults."""

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import tiny

STEPS = 70
LOG, SAMPLE, SAVE = 5, 10, 2
FLAGS = (f"--steps={STEPS}", f"--log_every_steps={LOG}", f"--sample_every_steps={SAMPLE}", "--data_in_memory=true")
SAVING = f"--save_every_steps={SAVE}"


def assert_same(workdir: Path, expected: Path) -> None:
    """Everything that a run leaves is what `expected` has, nothing twice and nothing missing."""
    assert tiny.differences(workdir, expected, STEPS) == []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, finish) -> Path:
    workdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    finish(workdir, *FLAGS, SAVING)
    return workdir


def test_an_undisturbed_run_leaves_what_it_should(undisturbed):
    kept = tiny.rows(undisturbed)
    assert [row["step"] for row in kept] == list(range(LOG, STEPS + 1, LOG))
    assert all(row["images"] == 8 * row["step"] and row["epoch"] == row["images"] / 96 for row in kept)
    assert all({"d_loss", "g_loss", "real_logit", "fake_logit", "d_gradient_norm"} <= row.keys() for row in kept)
    epochs = set(range(12, STEPS + 1, 12))
    drawn = {0, STEPS} | set(range(SAMPLE, STEPS + 1, SAMPLE)) | epochs
    assert sorted(tiny.grids(undisturbed)) == [
        *(f"grid_{step:010d}.png" for step in sorted(drawn)),
        "progress.gif",
    ]
    shown = tiny.events(undisturbed)
    assert sorted(step for tag, step, _ in shown if tag == "samples") == sorted(drawn)
    assert [(step, value) for tag, step, value in shown if tag == "g_loss"] == [
        (row["step"], float(np.float32(row["g_loss"]))) for row in kept
    ]
    with Image.open(undisturbed / "samples/progress.gif") as animation:
        assert animation.n_frames == len(drawn)


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
    assert tiny.checkpoint_hashes(tmp_path / "run", STEPS) == tiny.checkpoint_hashes(undisturbed, STEPS)


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
