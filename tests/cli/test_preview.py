"""bin/preview: the grid and the facts."""

import numpy as np
from PIL import Image


def test_the_grid_and_the_facts(run_command, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=[0, 1, 1, 0, 2, 1])
    result = run_command("preview", "--dataset=npz:set.npz", "--rows=2", "--columns=3", "--out=deep/grid.png")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "deep" / "grid.png") as grid:
        assert grid.width > 3 * 80 and grid.height > 2 * 80
    facts = {line[:12].strip(): line[13:].strip() for line in result.stdout.splitlines() if line[:12].strip()}
    assert facts["examples"] == "6" and facts["classes"] == "3" and len(facts["fingerprint"]) == 64
    assert facts["images"].startswith("8 x 8 x 3") and facts["held"] == "in memory"
    assert facts["pixels"] == f"mean {images.mean():.2f}, standard deviation {images.std():.2f} of 255"
    assert [line.split() for line in result.stdout.splitlines() if line.startswith("  ")] == [
        ["2", "0"], ["3", "1"], ["1", "2"],
    ]  # fmt: skip


def test_bad_data_ends_in_one_line(run_command, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"no image")
    result = run_command("preview", "--dataset=folder:photos")
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and "photos/a.png cannot be read" in result.stderr
    assert not (tmp_path / "preview.png").exists()
