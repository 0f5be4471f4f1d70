"""Write generated images of a run.

--out says what is written: x.npz (uint8 `images` [N, H, W, C], `seed` and `step`), x.png (a grid), x.gif (an animation)
or a folder, new or empty (00000000.png, 00000001.png, ...). Latent i of a seed is the same however many are drawn, and
an image depends on its latent and its class alone. Where the run keeps averages of the generator's parameters, they
draw. The run may be in training meanwhile.

A conditional run shows a class in each row of a grid; in an .npz or a folder the classes are drawn at random, each as
often as in the data, and the .npz has `labels` int32 [N] and `class_names`. --class chooses some, by name or number.

--interpolate=STEPS walks from latent to latent on great circles. In a grid each row is a walk to the next latent, in an
.npz or a folder the same images stand in order; an animation has cells that walk the whole loop behind each other.

    bin/sample --workdir=runs/modern-fashion_mnist --out=grid.png
    bin/sample --workdir=runs/modern-fashion_mnist --num=10000 --seed=1 --out=samples.npz
    bin/sample --workdir=runs/modern-fashion_mnist --num=1000 --step=4000 --out=samples/
    bin/sample --workdir=runs/conditional --class=sneaker,bag --out=grid.png
    bin/sample --workdir=runs/modern-fashion_mnist --interpolate=16 --out=walk.gif
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from absl import flags

from gan.cli import command, selection, settings
from gan.cli.batches import with_progress
from gan.config import validated
from gan.errors import UserError

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
OUT = flags.DEFINE_string("out", "", "what to write: x.npz, x.png, x.gif or a folder")
NUM = flags.DEFINE_integer("num", None, "number of images (default: as many as the grid has cells, otherwise 64)")
SEED = flags.DEFINE_integer("seed", 0, "seed of the latents, and of labels drawn at random")
STEP = flags.DEFINE_integer("step", None, "step of the checkpoint (default: the newest good one)")
CLASS = flags.DEFINE_string(
    "class", None, "classes of a conditional run, by name or number, with commas (default: all of them)"
)
INTERPOLATE = flags.DEFINE_integer("interpolate", None, "walk from each latent to the next in so many steps")
ROWS = flags.DEFINE_integer("rows", None, "rows of the grid, or walks (default: one a class, or as needed)")
COLUMNS = flags.DEFINE_integer("columns", None, "columns of the grid (default: as many as make it square)")
_NUMERICS = ("precision", "convolution")
settings.define(_NUMERICS)

_LARGEST_LOOP = 2**28  # pixels of an animation


def main() -> None:
    """Draws the images and prints where they are; raises `UserError`."""
    kind, path = _checked()
    from gan.sampling import image_sets

    if kind == "folder":
        image_sets.check_folder(path)
    command.import_tensorflow()
    run, config, classes, plan = _opened(Path(WORKDIR.value), kind)
    if kind == "gif":
        what = _write_loop(path, run, config, classes, plan)
    elif INTERPOLATE.value:
        what = _write(kind, path, run, plan, *_walks(run, config, classes, plan))
    else:
        what = _write(kind, path, run, plan, *_drawn(kind, run, config, classes, plan))
    only = f", {', '.join(run.class_names[number] for number in classes)}" if CLASS.value is not None else ""
    print(f"{path}: {what} of step {run.step}, seed {SEED.value}{only}")


def _checked() -> tuple[str, Path]:
    """The kind of result and its path, once the flags have been checked; raises `UserError`."""
    command.check_workdir(WORKDIR.value)
    command.check_seed(SEED.value)
    kind = selection.kind_of(OUT.value)
    selection.check(kind, NUM.value, ROWS.value, COLUMNS.value, INTERPOLATE.value)
    return kind, Path(OUT.value)


def _opened(folder: Path, kind: str):
    """(the trained run, its config with the numerics of now, the numbers of the classes, the plan)."""
    from gan.machine import devices
    from gan.runs import trained, workdir

    saved, facts = workdir.load_run(folder)
    given = {name: value for name, value in settings.explicit().items() if name in _NUMERICS}
    config = validated(dataclasses.replace(saved, logical_cpus=0, **given))
    classes = selection.chosen(CLASS.value, config.conditional, facts["class_names"])
    plan = selection.plan(kind, len(classes), NUM.value, ROWS.value, COLUMNS.value, INTERPOLATE.value)
    selection.check_shown(plan, len(classes), CLASS.value is not None)
    devices.configure(config)
    run = trained.load(folder, STEP.value)
    command.warn(*run.skipped)
    return run, config, classes, plan


def _generator(run, config):
    """The generator as it computes in training unless the flags say otherwise."""
    from gan import build
    from gan.machine import devices

    return build.sampling_generator(config, run.image_shape, devices.resolve(config), run.class_shares)


def _drawn(kind: str, run, config, classes: list[int], plan: selection.Plan):
    """(images of random latents in batches, their labels or None)."""
    import numpy as np

    from gan.sampling import sampler

    labels = None
    if classes and kind == "png":
        labels = np.int32(classes)[sampler.labels_by_row(plan.rows, plan.columns, len(classes))]
    elif classes and CLASS.value is not None:
        labels = np.resize(np.int32(classes), plan.num)
    elif classes:
        labels = sampler.random_labels(SEED.value, plan.num, run.class_shares)
    sample = sampler.make_sampler(_generator(run, config), config.latent_size)
    return with_progress(sample(run.generator, SEED.value, plan.num, labels), plan.num), labels


def _walks(run, config, classes: list[int], plan: selection.Plan):
    """(the images of the walks, their labels or None)."""
    import numpy as np

    from gan.sampling import sampler, walks

    labels = None
    if classes:
        labels = np.int32(classes)[sampler.labels_by_row(plan.rows, plan.columns, len(classes))]
    points = walks.rows(SEED.value, plan.rows, plan.columns, config.latent_size)
    return [sampler.draw(_generator(run, config), run.generator, points, labels)], labels


def _write(kind: str, path: Path, run, plan: selection.Plan, batches: Iterable, labels) -> str:
    """Writes the images; returns in words what they are."""
    from gan.sampling import image_sets

    if kind == "npz":
        facts = {"seed": SEED.value, "step": run.step}
        if labels is not None:
            facts |= {"labels": labels[: plan.num], "class_names": list(run.class_names)}
        image_sets.write_npz(path, batches, (plan.num, *run.image_shape), facts)
    elif kind == "png":
        image_sets.write_grid(path, batches, plan.rows, plan.columns)
    else:
        image_sets.write_folder(path, batches)
    return f"{plan.num:,} images"


def _write_loop(path: Path, run, config, classes: list[int], plan: selection.Plan) -> str:
    """Writes an animation; returns in words what it is."""
    import numpy as np

    from gan.sampling import image_sets, sampler, walks

    kinds = classes[: plan.rows] or [sampler.NO_CLASS]
    cells = -(-plan.rows // len(kinds)) * plan.columns  # that show one class
    count, (height, width, _) = walks.loop_frames(cells, INTERPOLATE.value), run.image_shape
    pixels = count * plan.num * (height + 1) * (width + 1) * image_sets.GRID_SCALE**2
    if pixels > _LARGEST_LOOP:
        raise UserError(
            f"an animation of {count:,} frames with {plan.rows} x {plan.columns} images is too large; "
            f"give a smaller --interpolate, --rows or --columns"
        )
    points = walks.loop(SEED.value, cells, INTERPOLATE.value, config.latent_size)
    labels = np.repeat(np.int32(kinds), count)
    images = sampler.draw(_generator(run, config), run.generator, np.tile(points, (len(kinds), 1)), labels)
    images = images.reshape(len(kinds), count, *run.image_shape)
    image_sets.write_loop(path, walks.frames(images, (plan.rows, plan.columns), INTERPOLATE.value))
    return f"{count} frames of {plan.rows} x {plan.columns} images"


if __name__ == "__main__":
    command.execute(main)
