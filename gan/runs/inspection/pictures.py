"""The sample grids of a run: there at every step at which one is due, readable, of the size that they must have."""

from collections.abc import Collection
from pathlib import Path

from PIL import Image

from gan.pictures.raster import GRID_SCALE
from gan.runs import grids
from gan.runs.inspection import cadences
from gan.runs.inspection.parts import Part, Problem, Scope, listed
from gan.runs.trained import SavedRun
from gan.runs.workdir import SAMPLES
from gan.sampling import sampler
from gan.storage.refusals import storage_errors

_FORM = ("sample_rows", "sample_columns")


def look(scope: Scope, run: SavedRun, due: Collection[int], is_complete: bool) -> Part:
    """Looks at the grids, which must be there of the steps `due`; a run that is complete has an animation."""
    folder = scope.folder / SAMPLES
    with storage_errors(folder):
        there = {step: path for step, path in grids.by_step(folder).items() if step <= scope.step}
    problems = []
    if missing := set(due) - there.keys():
        problems.append(Problem(f"samples/ lacks the grid of {listed(missing)}", lost=True))
    size = None if cadences.changed(scope, *_FORM) else _size(run)
    for path in there.values():
        if line := fault(path, size):
            problems.append(Problem(f"samples/{path.name} {line}", lost=True))
    if is_complete and not (folder / grids.ANIMATION).exists():
        problems.append(Problem(f"samples/{grids.ANIMATION} is missing", lost=False))
    return Part(f"{SAMPLES}/", f"{len(there):,} grids up to step {scope.step}", tuple(problems))


def fault(path: Path, size: tuple[int, int] | None = None) -> str:
    """What is wrong with the file of a grid, of this size (width, height) if one is given; empty if nothing is."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()
            found = picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "cannot be read as a PNG file" if path.exists() else ""
    return f"has {found[0]} x {found[1]} pixels, not {size[0]} x {size[1]}" if size and found != size else ""


def _size(run: SavedRun) -> tuple[int, int]:
    """Width and height of the grids of a run whose form never changed."""
    rows, columns, _ = sampler.grid_plan(run.config, run.classes)
    height, width, _ = run.image_shape
    return GRID_SCALE * (columns * (width + 1) + 1), GRID_SCALE * (rows * (height + 1) + 1)
