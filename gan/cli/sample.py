"""Write generated images of a run.

--out says what is written: x.npz (uint8 `images` [N, H, W, C], `seed` and `step`), x.png (a grid) or a folder, new or
empty (00000000.png, 00000001.png, ...). Image i of a seed is the same however many are drawn. The run may be in
training meanwhile.

    bin/sample --workdir=runs/article-fashion_mnist --out=grid.png
    bin/sample --workdir=runs/article-fashion_mnist --num=10000 --seed=1 --out=samples.npz
    bin/sample --workdir=runs/article-fashion_mnist --num=1000 --step=4000 --out=samples/
"""

import dataclasses
import math
import sys
from collections.abc import Iterator
from pathlib import Path

from absl import flags

from gan.cli import command, settings
from gan.config import validated
from gan.errors import UserError

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
OUT = flags.DEFINE_string("out", "", "what to write: x.npz, x.png or a folder")
NUM = flags.DEFINE_integer("num", None, "number of images (default: as many as the grid has cells, otherwise 64)")
SEED = flags.DEFINE_integer("seed", 0, "seed of the latents")
STEP = flags.DEFINE_integer("step", None, "step of the checkpoint (default: the newest good one)")
ROWS = flags.DEFINE_integer("rows", None, "rows of the grid (default: as needed)")
COLUMNS = flags.DEFINE_integer("columns", None, "columns of the grid (default: as many as make it square)")
_NUMERICS = ("precision", "convolution")
settings.define(_NUMERICS)

_LARGEST_SIDE = 64  # cells of a grid
_DEFAULT_NUM = 64
_LARGEST_SEED = 2**63 - 1
_QUIET = 1000  # fewer images come at once, without a progress line


def main() -> None:
    """Draws the images and prints where they are; raises `UserError`."""
    kind, path, num, cells = _plan()
    from gan.engine import image_sets

    if kind == "folder":
        image_sets.check_folder(path)
    command.import_tensorflow()
    step, image_shape, batches = _drawn(Path(WORKDIR.value), num)
    batches = _with_progress(batches, num)
    if kind == "npz":
        image_sets.write_npz(path, batches, (num, *image_shape), {"seed": SEED.value, "step": step})
    elif kind == "png":
        image_sets.write_grid(path, batches, *cells)
    else:
        image_sets.write_folder(path, batches)
    print(f"{path}: {num:,} images of step {step}, seed {SEED.value}")


def _plan() -> tuple[str, Path, int, tuple[int, int]]:
    """(kind of result, its path, number of images, rows and columns of a grid) from the flags; raises `UserError`."""
    if not WORKDIR.value:
        raise UserError("--workdir is missing: name the folder of a run, such as --workdir=runs/article-fashion_mnist")
    if not 0 <= SEED.value <= _LARGEST_SEED:
        raise UserError(f"--seed={SEED.value} must be from 0 to {_LARGEST_SEED}")
    kind = kind_of(OUT.value)
    if kind != "png" and (ROWS.value is not None or COLUMNS.value is not None):
        raise UserError("--rows and --columns belong to a grid: let --out end in .png")
    if NUM.value is not None and NUM.value < 1:
        raise UserError(f"--num={NUM.value} must be at least 1")
    num, cells = NUM.value or _DEFAULT_NUM, (0, 0)
    if kind == "png":
        num, *cells = layout(NUM.value, ROWS.value, COLUMNS.value)
    return kind, Path(OUT.value), num, tuple(cells)


def kind_of(out: str) -> str:
    """npz, png or folder, by the end of the path; raises `UserError` for any other."""
    if not out:
        raise UserError("--out is missing: name a file that ends in .npz or .png, or a folder")
    path = Path(out)
    suffix = path.suffix.lower()
    if out.endswith("/") or not suffix or path.is_dir():
        return "folder"
    if suffix not in (".npz", ".png"):
        raise UserError(f"--out={out} ends in {path.suffix}; it must end in .npz or .png, or in / for a folder")
    return suffix[1:]


def layout(num: int | None, rows: int | None, columns: int | None) -> tuple[int, int, int]:
    """(images, rows, columns) of a grid where any of them may be left open; raises `UserError` if they do not fit."""
    for name, value in (("rows", rows), ("columns", columns)):
        if value is not None and not 1 <= value <= _LARGEST_SIDE:
            raise UserError(f"--{name}={value} must be from 1 to {_LARGEST_SIDE}")
    if num is None:
        num = rows * columns if rows and columns else _DEFAULT_NUM
    if columns is None:
        columns = math.ceil(num / rows) if rows else math.isqrt(num - 1) + 1
    rows = rows or math.ceil(num / columns)
    if num > rows * columns or max(rows, columns) > _LARGEST_SIDE:
        limit = f"{_LARGEST_SIDE} x {_LARGEST_SIDE}" if max(rows, columns) > _LARGEST_SIDE else f"{rows} x {columns}"
        raise UserError(f"{num} images do not fit into a grid of {limit}; use fewer, or --out=x.npz or a folder")
    return num, rows, columns


def _drawn(folder: Path, num: int) -> tuple[int, tuple[int, ...], Iterator]:
    """(step, image shape, `num` images in batches), computed as in training unless the flags say otherwise."""
    from gan import build
    from gan.engine import devices, sampler, trained, workdir

    config, _ = workdir.load_run(folder)
    given = {name: value for name, value in settings.explicit().items() if name in _NUMERICS}
    config = validated(dataclasses.replace(config, logical_cpus=0, **given))
    devices.configure(config)
    run = trained.load(folder, STEP.value)
    for line in run.skipped:
        print(f"warning: {line}", file=sys.stderr, flush=True)
    generator = build.generator(config, run.image_shape, devices.resolve(config))
    sample = sampler.make_sampler(generator, config.latent_size)
    return run.step, run.image_shape, sample(run.generator, SEED.value, num)


def _with_progress(batches: Iterator, num: int) -> Iterator:
    """The same batches; on a terminal a line shows how far a long list of them is."""
    from tqdm import tqdm

    with tqdm(total=num, unit=" images", disable=True if num < _QUIET else None) as bar:
        for images in batches:
            yield images
            bar.update(len(images))


if __name__ == "__main__":
    command.execute(main)
