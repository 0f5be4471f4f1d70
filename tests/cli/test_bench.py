"""bin/bench end to end on tiny networks, and its mistakes."""

import json

import pytest

TINY = (
    "--dataset=garments",
    "--data_in_memory=false",
    "--batch_size=4",
    "--g_width=8",
    "--d_width=4",
    "--latent_size=4",
)


def test_a_comparison_is_a_table_and_a_json(run_command, tmp_path):
    out = tmp_path / "bench.json"
    flags = (*TINY, "--convolution=spectral", "--precision=float32", "--against=convolution=direct")
    done = run_command("bench", *flags, "--rounds=2", "--window_steps=1", f"--out={out}")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[-2:]
    assert first.startswith("as given") and first.endswith("1.00x") and second.startswith("convolution=direct")
    seconds = json.loads(out.read_text())["seconds_per_step"]
    assert [len(seconds[name]) for name in ("as given", "convolution=direct")] == [2, 2]


@pytest.mark.parametrize("against", ["threads=1", "nothing=1", "batch_size", "batch_size=many", "dataset=garments"])
def test_what_cannot_be_compared_is_one_line(run_command, against):
    done = run_command("bench", f"--against={against}")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith(f"error: --against={against}: ")
