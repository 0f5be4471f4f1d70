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

from gan.cli import command, settings
from gan.cli.packages import flags
from gan.jobs.asked import NUMERICS
from gan.jobs.requests import Sample
from gan.machine import startup

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
settings.define(NUMERICS)


def main() -> None:
    """Draws what the flags ask for; raises `UserError`."""
    request = Sample(
        workdir=WORKDIR.value,
        out=OUT.value,
        num=NUM.value,
        seed=SEED.value,
        step=STEP.value,
        classes=CLASS.value,
        interpolate=INTERPOLATE.value,
        rows=ROWS.value,
        columns=COLUMNS.value,
        numerics=settings.explicit(NUMERICS),
    )
    startup.import_tensorflow()
    from gan.jobs import sample

    sample.run(request)


if __name__ == "__main__":
    command.execute(main)
