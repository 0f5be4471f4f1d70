"""bin/preview: the grid, what was understood, the suggestion, and what cannot be."""

import re

import numpy as np
import pytest
from PIL import Image

from gan.jobs import preview
from gan.jobs.requests import Preview


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def lines_of(text: str) -> dict[str, str]:
    return {line[:12].strip(): line[12:] for line in text.splitlines() if line[:12].strip()}


def test_the_grid_and_the_facts(run_command, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=[0, 1, 1, 0, 2, 1])
    result = run_command("preview", "--dataset=npz:set.npz", "--rows=2", "--columns=3", "--out=deep/grid.png")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "deep" / "grid.png") as grid:
        assert grid.width > 3 * 80 and grid.height > 2 * 80
    facts = lines_of(result.stdout)
    assert facts["data"] == f"npz:set.npz, {tmp_path}/set.npz" and len(facts["fingerprint"]) == 64
    assert facts["held"] == "8 x 8 x 3, 0.0 MiB, in memory" and facts["images"] == "6 used; none passed over"
    assert facts["classes"] == "3: 0 2, 1 3, 2 1"
    assert f"mean {images.mean():.2f}, standard deviation {images.std():.2f}" in facts["pixels"]
    command = result.stdout.splitlines()[-2].split()
    assert command[:2] == ["bin/train", "--dataset=npz:set.npz"] and "--resolution=10" in command
    (warning,) = result.stderr.splitlines()
    assert warning.startswith("warning: 3 of 3 classes have fewer than 10 images (0 2, 1 3, 2 1)")


def test_bad_data_ends_in_one_line(run_command, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"no image")
    result = run_command("preview", "--dataset=folder:photos")
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and "photos/a.png cannot be read" in result.stderr
    assert not (tmp_path / "preview.png").exists()


def drawn(folder, sizes, colours=("L",)) -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for i, (width, height) in enumerate(sizes):
        shape = (height, width) if colours[i % len(colours)] == "L" else (height, width, 3)
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{i}.png")


@pytest.mark.parametrize(
    ("sizes", "colours", "given"),
    [
        ([(60, 60), (50, 70), (20, 20)], ("L",), "--resolution=48"),
        ([(200, 100), (90, 90), (300, 300)], ("RGB",), "--resolution=64"),
        ([(32, 32), (32, 32)], ("L", "RGB"), "--channels=3"),
        ([(33, 40), (40, 33)], ("L", "RGB"), "--resolution=32 --channels=3"),
    ],
)
def test_a_set_that_cannot_be_trained_as_it_is_is_shown_with_what_to_give(tmp_path, capsys, sizes, colours, given):
    drawn(tmp_path / "set", sizes, colours)
    preview.run(Preview({"dataset": "folder:set"}))
    told = capsys.readouterr()
    first = next(line for line in told.err.splitlines() if "cannot be trained on as it is" in line)
    assert first.startswith("warning: ") and first.endswith(f"Shown with {given}")
    command = told.out.splitlines()[-2].split()
    assert set(given.split()) < set(command) and (tmp_path / "preview.png").exists()


@pytest.mark.parametrize(("side", "fits"), [(28, True), (33, False), (9, False), (52, False)])
def test_a_resolution_that_no_network_takes_is_named(tmp_path, capsys, side, fits):
    drawn(tmp_path / "set", [(side, side)] * 3)
    preview.run(Preview({"dataset": "folder:set"}))
    suggested = [line for line in capsys.readouterr().out.splitlines() if "--resolution=" in line and ": " in line]
    assert bool(suggested) != fits and all(f"{side} pixels a side" in line for line in suggested)


def test_a_crop_without_a_resolution_is_told_and_shown_with_one(tmp_path, capsys):
    drawn(tmp_path / "set", [(28, 40), (56, 30)] * 3)
    preview.run(Preview({"dataset": "folder:set", "crop": "pad"}))
    told = capsys.readouterr()
    assert "--crop=pad has no effect without --resolution. Shown with --resolution=28" in told.err
    assert "6 padded with white" in told.out


def test_what_trains_is_seen_as_it_is_trained_on(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 1), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images)
    plain = {"dataset": "npz:set.npz", "seed": 3}
    more = plain | {"flip": True, "augmentation": "adaptive"}
    for name, settings in (("plain", plain), ("trained", more)):
        preview.run(Preview(settings, out=f"{name}.png", as_trained=name == "trained"))
    line = lines_of(capsys.readouterr().out)["as trained"]
    assert line.startswith("--flip=true, --augmentation=adaptive at strength 0 (it begins there")
    shots = [np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("plain", "trained")]
    assert shots[0].shape == shots[1].shape and (shots[0] != shots[1]).any()


def test_strict_makes_a_warning_the_error_and_writes_nothing(run_command, tmp_path):
    np.savez(tmp_path / "bits.npz", images=np.random.default_rng(0).integers(0, 2, (40, 8, 8), dtype=np.uint8))
    result = run_command("preview", "--dataset=npz:bits.npz", "--strict")
    assert result.returncode == 2 and not (tmp_path / "preview.png").exists()
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: all pixels are 0 or 1 (mean ") and line.endswith("--strict makes an error)")
    assert "values 0 to 1" in result.stdout  # what was understood is told all the same


def test_suggest_measures_a_few_steps_and_says_how_long_it_takes(tmp_path, server):
    np.savez(tmp_path / "set.npz", images=np.random.default_rng(0).integers(0, 256, (64, 16, 16), np.uint8))
    quick = {"gan.jobs.pace._SECONDS": 0.1}
    begun = server.start("--dataset=npz:set.npz", "--suggest", command="preview", folder=tmp_path, attributes=quick)
    assert begun.wait() == 0, begun.err
    (line,) = [line for line in begun.out.splitlines() if line.startswith("measured")]
    speed, hours = re.search(r"([\d.,]+) images/s.*?([\d.,]+) (?:hours|minutes)", line).groups()
    assert float(speed.replace(",", "")) > 0 and float(hours.replace(",", "")) > 0
    assert "(--suggest measures" not in begun.out and not (tmp_path / "runs").exists()
