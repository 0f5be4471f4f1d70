"""bin/bench end to end on tiny networks, its tables, and its mistakes."""

import json

import pytest

from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, Convolution, Use
from gan.bench.limit import Best, Limit
from gan.bench.parts import Parts
from gan.bench.windows import compared
from gan.cli import bench_tables

TINY = (
    "--dataset=garments",
    "--data_in_memory=false",
    "--batch_size=4",
    "--g_width=8",
    "--d_width=4",
    "--latent_size=4",
    "--precision=float32",
    "--jit_compile=false",
)
ONE_WINDOW = ("--rounds=1", "--window_steps=1")


def test_a_comparison_is_a_table_and_a_json(run_command, tmp_path):
    out = tmp_path / "bench.json"
    flags = (*TINY, "--convolution=spectral", "--against=convolution=direct,d_dropout=0.1")
    done = run_command("bench", *flags, "--rounds=2", "--window_steps=1", f"--out={out}")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[-2:]
    assert first.startswith("as given") and first.endswith("1.00x")
    assert second.startswith("convolution=direct,d_dropout=0.1") and second.endswith("times as fast")
    report = json.loads(out.read_text())
    names = ["as given", "convolution=direct,d_dropout=0.1"]
    assert {name: len(windows) for name, windows in report["seconds_per_step"].items()} == dict.fromkeys(names, 2)
    assert report["machine"]["threads"] >= 1 and report["versions"]["tensorflow"]
    assert report["settings"]["g_width"] == 8 and report["notes"] == []
    assert report["timings"]["as given"]["speedup"] == {"least": 1.0, "median": 1.0, "greatest": 1.0}


def test_parts_limit_picture_and_costs_of_the_host(run_command, tmp_path):
    out, picture = tmp_path / "bench.json", tmp_path / "roofline.png"
    flags = (*TINY, *ONE_WINDOW, "--convolution=direct", "--parts", "--host", f"--roofline={picture}", f"--out={out}")
    done = run_command("bench", *flags)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    parts, limit, host = report["parts"], report["limit"], report["host"]
    assert sum(parts["seconds"].values()) == pytest.approx(parts["step"])
    assert all(parts["seconds"][name] > 0 for name in ("convolutions and products", "random numbers", "optimizer"))
    assert limit["ratio"] == pytest.approx(limit["step"] / limit["seconds"])
    assert limit["gflop"] == pytest.approx(sum(row["times"] * row["flops"] for row in limit["alone"]) / 1e9)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert report["roofline"]["points"][-1]["name"] == "the step"
    costs = ["input batch of 4", "a line of the log", "saving a checkpoint", "restoring a checkpoint"]
    assert list(host["seconds"]) == costs
    assert host["start"]["first_step_seconds"] > max(host["seconds"].values()) > 0
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


def test_speeds_are_images_a_second():
    timings = compared({"as given": [1.0, 1.0], "double": [4.0, 4.0], "hangs": []})
    *_, first, second, third = bench_tables.timings(
        timings, {"as given": 10, "double": 20, "hangs": 10}, 60.0, ["as given", "double", "hangs"]
    ).splitlines()
    assert first.split() == ["as", "given", "1.000", "1.000", "1.000", "10.0", "2", "1.00x", "1.00x", "1.00x"]
    assert second.split()[:9] == ["double", "4.000", "4.000", "4.000", "5.0", "2", "0.50x", "0.50x", "0.50x"]
    assert second.endswith("as given: 2.00 times as fast")
    assert third.endswith("not one window within --contestant_seconds=60")


def test_parts_are_shown_with_what_they_add_up_to():
    text = bench_tables.parts(
        Parts({"convolutions and products": 0.3, "compiled by XLA": 0.0, "host": 0.1}, 0.4, []), 0.38
    )
    assert [line.split()[-1] for line in text.splitlines()[1:-1]] == ["75.0%", "25.0%", "100.0%"]
    assert "0.3800" in text and "XLA" not in text


def test_the_limit_counts_every_pass():
    convolution = Convolution(1, 8, 8, 10, 10, 5, "SAME", 1, 1)
    use = Use(convolution, ((FORWARD, 2), (FILTER_GRADIENT, 1)))
    alone = {(convolution, FORWARD): Best("direct", 0.1), (convolution, FILTER_GRADIENT): Best("spectral", 0.2)}
    found = bench_tables.limit_json({use: 3}, Limit(alone, {}, 1.2, 1.8))
    assert found["gflop"] == pytest.approx(9 * convolution.flops / 1e9)
    assert found["ratio"] == pytest.approx(1.5)
    assert [(row["pass"], row["times"], row["route"]) for row in found["alone"]] == [
        (FORWARD, 6, "direct"),
        (FILTER_GRADIENT, 3, "spectral"),
    ]
    assert "1.50 times as long" in bench_tables.limit({use: 3}, Limit(alone, {}, 1.2, 1.8))
