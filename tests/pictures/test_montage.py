"""The figure of sample grids: which grids are found, shown and missed."""

import numpy as np
import pytest
from PIL import Image

from gan.errors import UserError
from gan.pictures import montage, raster
from gan.runs import grids


def _run(folder, steps, shade):
    for step in steps:
        raster.write_png(folder / "samples" / f"grid_{step:010d}.png", np.full((30, 30, 1), shade, np.uint8))
    return folder


def test_grids_are_found_by_step_and_other_files_are_not(tmp_path):
    folder = _run(tmp_path / "a", (200, 0), 90)
    (folder / "samples" / "grid_of_mine.png").write_bytes(b"")
    assert list(grids.found(folder)) == [0, 200]


def test_a_run_without_grids_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match="no sample grids"):
        grids.found(tmp_path)


def test_each_run_has_a_row_and_a_missing_grid_a_gap(tmp_path):
    dark, light = _run(tmp_path / "dark", (0, 100), 90), _run(tmp_path / "light", (0,), 200)
    out = tmp_path / "grids.png"
    montage.write_montage(out, [("dark", grids.found(dark)), ("light", grids.found(light))], [0, 100, 300])
    picture = np.asarray(Image.open(out).convert("L")).astype(int)
    middle = picture.shape[0] // 2
    counts = {(shade, part): int((abs(rows - shade) < 3).sum()) for shade in (90, 200)
              for part, rows in (("above", picture[:middle]), ("below", picture[middle:]))}  # fmt: skip
    assert counts[90, "below"] < 100 < counts[200, "below"]
    assert counts[90, "above"] > 1.5 * counts[200, "below"]  # two grids above, one below; step 300 takes no room


def test_steps_that_nobody_has_are_a_mistake_that_names_those_there(tmp_path):
    run = ("run", grids.found(_run(tmp_path, (0, 50), 90)))
    with pytest.raises(UserError, match="step 7; there are 0, 50"):
        montage.write_montage(tmp_path / "out.png", [run], [7])
