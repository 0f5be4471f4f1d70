"""The sample grids of a run: which files they are, and the animation made of them."""

from pathlib import Path

from gan.errors import UserError
from gan.pictures import raster
from gan.runs.workdir import SAMPLES
from gan.storage.files import make_folder
from gan.storage.refusals import storage_errors

ANIMATION = "progress.gif"
_PREFIX = "grid_"


def path(folder: Path, step: int) -> Path:
    """Where the grid of a step is in the folder of samples."""
    return folder / f"{_PREFIX}{step:010d}.png"


def by_step(folder: Path) -> dict[int, Path]:
    """The grids in a folder of samples by step, ascending."""
    numbers = {drawn.stem.removeprefix(_PREFIX): drawn for drawn in sorted(folder.glob(f"{_PREFIX}*.png"))}
    return {int(number): drawn for number, drawn in numbers.items() if number.isdecimal()}


def remove_later(folder: Path, step: int) -> None:
    """Removes the grids that were drawn after the step that a run goes on from; makes the folder. `StorageError`."""
    with storage_errors(folder):
        make_folder(folder)
        for number, drawn in by_step(folder).items():
            if number > step:
                drawn.unlink()


def animate(folder: Path) -> None:
    """Writes all grids so far as an animated GIF; raises `StorageError`."""
    raster.write_animation(folder / ANIMATION, list(by_step(folder).values()))


def are_complete(folder: Path, step: int) -> bool:
    """Whether the grid of the last step and the animation are there."""
    return path(folder, step).exists() and (folder / ANIMATION).exists()


def found(workdir: str | Path) -> dict[int, Path]:
    """The sample grids of the run in `workdir` by step, ascending; raises `UserError` if there is none."""
    grids = by_step(Path(workdir) / SAMPLES)
    if not grids:
        raise UserError(f"{workdir} has no sample grids yet; train first, or lower --sample_every_steps")
    return grids
