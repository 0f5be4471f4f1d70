"""bin/bench end to end on tiny networks, and its mistakes."""

import json
import time

import numpy as np
import pytest
from PIL import Image

TINY = (
    "--dataset=garments",
    "--data_in_memory=false",
    "--batch_size=4",
    "--g_width=8",
    "--d_width=4",
    "--latent_size=4",
    "--precision=float32",
    "--jit_compile=false",
    "--penalty_every_steps=1",
)
ONE_WINDOW = ("--rounds=1", "--window_steps=1")


def test_a_comparison_is_a_table_and_a_json(run_command, tmp_path):
    out = tmp_path / "bench.json"
    flags = (*TINY, "--convolution=spectral", "--against=convolution=direct,d_dropout=0.1")
    unequal = ("--penalty_every_steps=3", "--rounds=2", "--window_steps=2")
    done = run_command("bench", *flags, *unequal, f"--out={out}")
    assert done.returncode == 0, done.stderr
    first, second, note = done.stdout.splitlines()[-3:]
    assert first.startswith("as given") and first.endswith("1.00x")
    assert second.startswith("convolution=direct,d_dropout=0.1") and second.endswith("times as fast")
    report = json.loads(out.read_text())
    names = ["as given", "convolution=direct,d_dropout=0.1"]
    assert {name: len(windows) for name, windows in report["seconds_per_step"].items()} == dict.fromkeys(names, 2)
    assert report["machine"]["threads"] >= 1 and report["versions"]["tensorflow"]
    assert report["settings"]["g_width"] == 8 and [f"note: {each}" for each in report["notes"]] == [note]
    assert note == "note: a window of 2 steps may have a lazy penalty more than the next; those of 3 are alike"
    assert report["timings"]["as given"]["speedup"] == {"least": 1.0, "median": 1.0, "greatest": 1.0}


def test_parts_limit_picture_and_costs_of_the_host(run_command, tmp_path):
    out, picture = tmp_path / "bench.json", tmp_path / "roofline.png"
    flags = (*TINY, "--preset=article", "--rounds=1", "--convolution=direct", "--penalty_every_steps=4")
    begin = time.monotonic()
    done = run_command("bench", *flags, "--parts", "--host", f"--roofline={picture}", f"--out={out}")
    took = time.monotonic() - begin
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["window_steps"] == 4 and report["notes"] == []  # as many penalties in each window
    parts, limit, host = report["parts"], report["limit"], report["host"]
    assert sum(parts["seconds"].values()) == pytest.approx(parts["step"])
    assert all(parts["seconds"][name] > 0 for name in ("convolutions and products", "random numbers", "optimizer"))
    assert limit["ratio"] == pytest.approx(limit["step"] / limit["seconds"])
    assert limit["gflop"] == pytest.approx(sum(row["times"] * row["flops"] for row in limit["alone"]) / 1e9)
    assert {row["times"] % 1 for row in limit["alone"]} == {0.0, 0.25, 0.5} and limit["replicas"] == 1
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert report["roofline"]["points"][-1]["name"] == "the step"
    costs = ["input batch of 4", "a line of the log", "saving a checkpoint", "restoring a checkpoint"]
    assert list(host["seconds"]) == costs
    assert all(seconds > 0 for seconds in host["seconds"].values())
    assert 0 < host["start"]["first_step_seconds"] < took - sum(host["seconds"].values())  # a part of what it all took
    assert host["start"]["peak_bytes"] > 1e8


@pytest.mark.parametrize(
    "against",
    [
        "threads=1",
        "nothing=1",
        "batch_size",
        "batch_size=many",
        "dataset=garments",
        "keras,nothing",
        "torch,",
        "",
        "jax",
    ],
)
def test_what_cannot_be_compared_is_one_line(run_command, against):
    done = run_command("bench", f"--against={against}")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith(f"error: --against={against}: ")


def test_images_in_memory_and_decoded_by_workers_are_raced(run_command, tmp_path):
    for i in range(12):
        Image.fromarray(np.full((28, 28), 20 * i, np.uint8)).save(tmp_path / f"{i:02}.png")
    against, out = "data_in_memory=false,data_workers=1,flip=true", tmp_path / "bench.json"
    flags = (*TINY, f"--dataset=folder:{tmp_path}", "--data_in_memory=true", f"--against={against}", f"--out={out}")
    done = run_command("bench", *flags, *ONE_WINDOW)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert {name: len(seconds) for name, seconds in report["seconds_per_step"].items()} == {"as given": 1, against: 1}
    assert done.stdout.splitlines()[-1].startswith(against)
