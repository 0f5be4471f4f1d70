"""Show a data set: a grid of its images titled by class as a PNG, and its facts.

bin/preview --dataset=garments
bin/preview --dataset=folder:photos --resolution=64 --rows=6 --columns=8 --out=photos.png
"""

from absl import flags

from gan.cli import command, settings
from gan.jobs.requests import DATA, Preview

settings.define(["seed", *DATA])
ROWS = flags.DEFINE_integer("rows", 4, "rows of the grid")
COLUMNS = flags.DEFINE_integer("columns", 4, "columns of the grid")
STRICT = flags.DEFINE_boolean("strict", False, "warnings of the data are errors")
OUT = flags.DEFINE_string("out", "preview.png", "PNG file to write")


def main() -> None:
    """Shows the data that the flags name; raises `UserError`."""
    request = Preview(settings.explicit(), ROWS.value, COLUMNS.value, OUT.value)
    from gan.jobs import preview

    preview.run(request)


if __name__ == "__main__":
    command.execute(main)
