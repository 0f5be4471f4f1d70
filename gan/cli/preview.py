"""Show a data set: what was understood of it, a grid of its images as a PNG, and how to train on it.

The grid has a histogram of the classes below it. --as_trained shows the images as the discriminator sees them in its
first update: cut, mirrored and augmented by the numbers of a run with this seed. --suggest trains a few steps to tell
how long it takes on this machine.

    bin/preview --dataset=garments
    bin/preview --dataset=folder:photos --resolution=64 --rows=6 --columns=8 --out=photos.png
    bin/preview --dataset=folder:photos --resolution=64 --flip --augmentation=diffaugment --as_trained
    bin/preview --dataset=folder:photos --resolution=64 --suggest
"""

from gan.cli import command, settings, streams
from gan.cli.packages import flags
from gan.jobs.asked import DATA
from gan.jobs.requests import Preview

settings.define(["seed", "augmentation", "augmentation_strength", "augmentation_target", *DATA])
ROWS = flags.DEFINE_integer("rows", 4, "rows of the grid")
COLUMNS = flags.DEFINE_integer("columns", 4, "columns of the grid")
OUT = flags.DEFINE_string("out", "preview.png", "PNG file to write")
AS_TRAINED = flags.DEFINE_boolean("as_trained", False, "images as the discriminator sees them in its first update")
SUGGEST = flags.DEFINE_boolean("suggest", False, "measure how fast this machine trains with the suggested settings")
STRICT = flags.DEFINE_boolean("strict", False, "warnings of the data are errors")


def main() -> None:
    """Shows the data that the flags name; raises `UserError`."""
    request = Preview(
        settings=settings.explicit(),
        rows=ROWS.value,
        columns=COLUMNS.value,
        out=OUT.value,
        as_trained=AS_TRAINED.value,
        suggest=SUGGEST.value,
        strict=STRICT.value,
    )
    streams.keep_free_for(request.out)
    from gan.jobs import preview

    preview.run(request)


if __name__ == "__main__":
    command.execute(main)
