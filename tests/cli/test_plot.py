"""bin/plot end to end, as a process of its own: flags are global."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gan.runs import metrics_log

ROOT = Path(__file__).parents[2]


def plot(*flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "gan.cli.plot", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.fixture
def workdirs(tmp_path) -> list[Path]:
    """Two runs with 40 rows each."""
    folders = [tmp_path / "runs" / name for name in ("first", "second")]
    for sign, folder in zip((1, -1), folders, strict=True):
        folder.mkdir(parents=True)
        rows = [{"epoch": i / 47, "d_loss": sign * i / 40, "g_loss": 0.7} for i in range(1, 41)]
        lines = [metrics_log.encode(10 * i, row) for i, row in enumerate(rows, start=1)]
        (folder / metrics_log.FILE_NAME).write_bytes(b"".join(lines))
    return folders


def test_one_run(workdirs):
    done = plot(f"--workdir={workdirs[0]}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{workdirs[0]}/losses.png\n"
    with Image.open(workdirs[0] / "losses.png") as picture:
        assert picture.format == "PNG"


def test_two_runs_and_every_flag(workdirs, tmp_path):
    out = tmp_path / "new" / "both.png"
    flags = ["--metrics=d_loss, epoch", "--smoothing=0", "--title=Both", f"--out={out}"]
    done = plot(*[f"--workdir={folder}" for folder in workdirs], *flags)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{out}\n", "")
    with Image.open(out) as picture:
        assert picture.width > 2 * picture.height


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ([], "--workdir is missing"),
        (["--workdir=/nowhere"], "/nowhere/metrics.jsonl cannot be read"),
        (["--workdir={first}", "--metrics=fid"], "first has no metric fid; --metrics can name epoch, d_loss, g_loss"),
        (["--workdir={first}", "--metrics="], "--metrics is empty"),
        (["--workdir={first}", "--smoothing=1"], "--smoothing=1.0 must be at least 0 and below 1"),
        (["--workdir={first}", "--out={first}/metrics.jsonl/a.png"], "metrics.jsonl"),
    ],
)
def test_mistakes_are_one_line(workdirs, flags, line):
    done = plot(*[flag.format(first=workdirs[0]) for flag in flags])
    assert done.returncode in (2, 74)
    assert done.stdout == ""
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_runs_of_one_name_are_told_apart_and_tensorflow_stays_out():
    code = (
        "import sys; from pathlib import Path; from gan.jobs import plot; from gan.pictures import curves\n"
        "print(plot.names([Path('x/a/run'), Path('x/b/run')]), plot.names([Path('x/a'), Path('y/b/')]))\n"
        "print(plot.names([Path('a'), Path('a')]), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "['a/run', 'b/run'] ['a', 'b']\n['a', 'a'] False\n"
