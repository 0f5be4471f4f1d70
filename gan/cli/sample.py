"""Write generated images of a run, or of what was exported of one.

--out says what is written: x.npz (uint8 `images` [N, H, W, C], `seed`, `step`, `truncation`), x.png (a grid), x.gif,
x.webp or x.apng (an animation; the last two keep every colour) or a folder, new or empty (00000000.png, 00000001.png,
...). Latent i of a seed is the same however many are drawn, and an image depends on its latent and its class alone.
Where the run keeps averages of the generator's parameters, they draw. The run may be in training meanwhile. An archive
or a folder of a million images needs no more memory than one of a thousand.

A conditional run shows a class in each row of a grid; in an .npz or a folder the classes are drawn at random, each as
often as in the data, and the .npz has `labels` int32 [N] and `class_names`. --class chooses some, by name or number.

--interpolate=STEPS walks from latent to latent on great circles. In a grid each row is a walk to the next latent, in an
.npz or a folder the same images stand in order; an animation has cells that walk the whole loop behind each other.

--truncation=PSI multiplies every latent by PSI: nearer to 0, the middle of all latents, images are more typical and
less diverse. So does the psi of StyleGAN with its inner latents w, drawn towards their mean; BigGAN's truncation draws
numbers beyond a threshold again instead. A network has seen few latents of less than full length in training: far below
1 it is on its own.

--like=PHOTO searches for the latent whose image is nearest to a picture, by gradient descent from the best of random
ones, in pixels and in features. x.png shows the picture as the run sees it and the nearest image side by side; x.npz
has `latents`, `images` and `errors` of what every start came to, the nearest first, and the `photo`.

--from_export=PATH takes what bin/export wrote in the place of --workdir: its folder, or a model in it (SavedModel,
.keras, .h5, .tflite, .onnx). Images are those of the run to a level of 255 where it computes in float32.

    bin/sample --workdir=runs/modern-fashion_mnist --out=grid.png
    bin/sample --workdir=runs/modern-fashion_mnist --num=10000 --seed=1 --out=samples.npz
    bin/sample --workdir=runs/modern-fashion_mnist --num=1000 --step=4000 --out=samples/
    bin/sample --workdir=runs/conditional --class=sneaker,bag --out=grid.png
    bin/sample --workdir=runs/modern-fashion_mnist --interpolate=16 --truncation=0.7 --out=walk.webp
    bin/sample --workdir=runs/modern-fashion_mnist --like=shoe.jpg --out=nearest.png
    bin/sample --from_export=runs/modern-fashion_mnist/exports/step_0000004000/h5 --out=grid.png
"""

from gan.cli import command, settings
from gan.cli.packages import flags
from gan.jobs.asked import NUMERICS
from gan.jobs.sample_request import Sample
from gan.machine import startup

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
OUT = flags.DEFINE_string("out", "", "what to write: x.npz, x.png, x.gif, x.webp, x.apng or a folder")
NUM = flags.DEFINE_integer("num", None, "number of images (default: as many as the grid has cells, otherwise 64)")
SEED = flags.DEFINE_integer("seed", 0, "seed of the latents, and of labels drawn at random")
STEP = flags.DEFINE_integer("step", None, "step of the checkpoint (default: the newest good one)")
CLASS = flags.DEFINE_string(
    "class", None, "classes of a conditional run, by name or number, with commas (default: all of them)"
)
INTERPOLATE = flags.DEFINE_integer("interpolate", None, "walk from each latent to the next in so many steps")
ROWS = flags.DEFINE_integer("rows", None, "rows of the grid, or walks (default: one a class, or as needed)")
COLUMNS = flags.DEFINE_integer("columns", None, "columns of the grid (default: as many as make it square)")
TRUNCATION = flags.DEFINE_float("truncation", 1.0, "multiply every latent by so much, from 0 to 1")
NAMES = flags.DEFINE_string(
    "names",
    "numbers",
    "of the files in a folder: numbers is 00000000.png, ...; article is generated_img_STEP_I.png as in the article, "
    "which saves after each epoch: the step of the checkpoint is in the place of the epoch, I counts images from 0",
)
FROM_EXPORT = flags.DEFINE_string(
    "from_export",
    "",
    "in the place of --workdir: a folder that bin/export wrote, or a model in it (a SavedModel is a program: use only "
    "what you trust)",
)
LIKE = flags.DEFINE_string(
    "like", "", "a picture: search for the nearest image that the generator makes; --out is a .png or an .npz then"
)
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
        from_export=FROM_EXPORT.value,
        truncation=TRUNCATION.value,
        names=NAMES.value,
        like=LIKE.value,
    )
    startup.import_tensorflow()
    from gan.jobs import sample

    sample.run(request)


if __name__ == "__main__":
    command.execute(main)
