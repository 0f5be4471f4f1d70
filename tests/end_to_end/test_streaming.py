"""Mirroring, random crops and decoding by workers in real trainings: the same bits however a run is held or stopped."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan import build, config

STEPS = 40
FLAGS = (
    f"--steps={STEPS}",
    "--log_every_steps=5",
    "--sample_every_steps=0",
    "--resolution=28",
    "--channels=1",
    "--flip",
    "--crop=random",
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Fifty colour images of several sizes, most of them not square: an epoch is six steps and a quarter."""
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(5)
    for i in range(50):
        width, height = [(40, 28), (28, 61), (32, 32), (30, 44)][i % 4]
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(root / f"{i:02}.png")
    return root


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, finish, photos) -> Path:
    """A run that holds its images in memory."""
    workdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    finish(workdir, *FLAGS, f"--dataset=folder:{photos}", "--data_in_memory=true")
    return workdir


def final_data(workdir: Path) -> dict[str, str]:
    return json.loads((workdir / f"checkpoints/step_{STEPS:010d}/manifest.json").read_text())["files"]


def children(pid: int) -> list[int]:
    """The worker processes of a process that runs."""
    found = [Path(f"/proc/{pid}/task/{task}/children").read_text() for task in os.listdir(f"/proc/{pid}/task")]
    return [int(child) for child in " ".join(found).split() if b"gan.data.worker " in command_line_of(child)]


def command_line_of(pid: int | str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def assert_ended(pids: list[int]) -> None:
    begin = time.monotonic()
    while any(b"gan.data.worker " in command_line_of(pid) for pid in pids):
        assert time.monotonic() < begin + 60, f"{pids} are still there"
        time.sleep(0.01)


def test_killed_stopped_and_continued_in_the_middle_of_epochs(tmp_path, start, finish, photos, undisturbed):
    """By kill -9, then by a signal, then to the end; each time with another number of workers, and from the device."""
    workdir = tmp_path / "run"
    streamed = (*FLAGS, f"--dataset=folder:{photos}", "--data_in_memory=false", "--save_every_steps=3")
    for number, begun, workers in ((signal.SIGKILL, 9, 2), (signal.SIGINT, 21, 1)):
        process = start(workdir, *streamed, f"--data_workers={workers}", hold=begun + 8)
        process.until(f"saved step {begun}")
        decoders = children(process.pid)
        assert len(decoders) == workers
        process.send(number)
        assert process.wait() == (143 if number == signal.SIGINT else -number), process.err
        assert_ended(decoders)
    assert process.errors == []
    last = finish(workdir, *FLAGS, f"--dataset=folder:{photos}", "--data_in_memory=device")
    assert "continuing after step" in last.out and final_data(workdir) == final_data(undisturbed)


def test_without_mirroring_or_with_the_middle_the_batches_are_others(photos):
    given = {"dataset": f"folder:{photos}", "resolution": 28, "channels": 1, "batch_size": 50, "data_in_memory": "true"}
    found = []
    for more in ({"flip": True, "crop": "random"}, {"crop": "random"}, {"flip": True}):
        settings = config.make(**given, **more)
        found.append(build.batches(settings, build.source(settings)).read(0, 1)[0].tobytes())
    assert len(set(found)) == 3


def test_a_worker_killed_for_memory_is_one_line_and_costs_no_step(tmp_path, start, finish, photos, undisturbed):
    workdir = tmp_path / "run"
    streamed = (*FLAGS, f"--dataset=folder:{photos}", "--data_in_memory=false", "--data_workers=2")
    process = start(workdir, *streamed, attributes={"gan.data.batches.PIECE": 2}, hold=6)
    process.until("step 5/")
    for pid in (decoders := children(process.pid)):
        os.kill(pid, signal.SIGKILL)
    process.release()
    assert process.wait() == 2 and len(decoders) == 2
    (line,) = process.errors
    step = max(int(path.name.removeprefix("step_")) for path in workdir.glob("checkpoints/step_*"))
    assert line == (
        "error: a process that decodes images was killed, as the system does when memory runs out; "
        f"step {step} is saved: start again to continue, with fewer --data_workers if memory is short"
    )
    finish(workdir, *streamed)
    assert final_data(workdir) == final_data(undisturbed)


def streaming(tmp_path, start, photos):
    """(a copy of the photos, the flags, a run on it that is held after a few steps and has read little ahead)."""
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    streamed = (*FLAGS, f"--dataset=folder:{folder}", "--data_in_memory=false", "--data_workers=2")
    process = start(tmp_path / "run", *streamed, attributes={"gan.data.batches.PIECE": 2}, hold=6)
    process.until("step 5/")
    return folder, streamed, process


def test_an_image_damaged_while_a_run_trains_is_one_line_and_costs_no_step(
    tmp_path, start, finish, photos, undisturbed
):
    folder, streamed, process = streaming(tmp_path, start, photos)
    good = (folder / "16.png").read_bytes()
    (folder / "16.png").write_bytes(good[:100] + bytes(8) + good[108:])
    process.release()
    assert process.wait() == 2
    (line,) = process.errors
    step = max(int(path.name.removeprefix("step_")) for path in tmp_path.glob("run/checkpoints/step_*"))
    assert step >= 5 and "16.png cannot be read as an image" in line and f"step {step} is saved: put it back" in line
    (folder / "16.png").write_bytes(good)
    finish(tmp_path / "run", *streamed)
    assert final_data(tmp_path / "run") == final_data(undisturbed)


def test_a_stop_is_heeded_though_the_disk_does_not_answer(tmp_path, start, photos):
    """The files are pipes that nobody writes to: who opens one waits for ever."""
    folder, _, process = streaming(tmp_path, start, photos)
    decoders = children(process.pid)
    for file in folder.iterdir():
        os.mkfifo(tmp_path / "pipe")
        os.replace(tmp_path / "pipe", file)
    process.release()
    time.sleep(2)
    process.send(signal.SIGTERM)
    assert process.wait() == 143 and process.errors == []
    assert "saved: start again to continue" in process.err
    assert len(decoders) == 2
    assert_ended(decoders)


def test_two_replicas_see_the_images_of_one_device(tmp_path, finish, photos, undisturbed):
    """With workers, on two logical processors."""
    streamed = (*FLAGS, f"--dataset=folder:{photos}", "--data_in_memory=false", "--logical_cpus=2")
    finish(tmp_path / "run", *streamed, "--strategy=mirrored", "--steps=10")
    logged = [
        [json.loads(line)["real_logit"] for line in (workdir / "metrics.jsonl").read_text().splitlines()[:2]]
        for workdir in (tmp_path / "run", undisturbed)
    ]
    assert len(logged[0]) == 2
    np.testing.assert_allclose(*logged, rtol=1e-3)
