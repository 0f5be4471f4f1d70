"""Draw the loss curves or the sample grids of one or several runs as a PNG.

Several --workdir flags give one panel for each run, side by side; with --grids, a row of sample grids for each:

    bin/plot --workdir=runs/modern-fashion_mnist
    bin/plot --workdir=runs/a --workdir=runs/b --metrics=d_loss,g_loss --out=comparison.png
    bin/plot --workdir=runs/a --workdir=runs/b --grids=0,100,200 --out=grids.png
"""

from gan.cli import command, streams
from gan.cli.packages import flags
from gan.jobs.requests import Plot

WORKDIR = flags.DEFINE_multi_string("workdir", [], "folder of a run, one panel each")
METRICS = flags.DEFINE_list("metrics", ["d_loss", "g_loss"], "names of the metrics to draw, separated by commas")
GRIDS = flags.DEFINE_list("grids", [], "draw the sample grids of these steps instead of curves, separated by commas")
OUT = flags.DEFINE_string("out", "", "PNG file to write (empty: losses.png or grids.png in the first run's folder)")
SMOOTHING = flags.DEFINE_float("smoothing", 0.9, "weight of the past in the moving average, in [0, 1); 0: raw only")
TITLE = flags.DEFINE_string("title", "", "heading of the figure")


def main() -> None:
    """Draws the figure that the flags ask for; raises `UserError`."""
    request = Plot(
        workdir=tuple(WORKDIR.value),
        metrics=tuple(METRICS.value),
        grids=tuple(GRIDS.value),
        out=OUT.value,
        smoothing=SMOOTHING.value,
        title=TITLE.value,
    )
    streams.keep_free_for(request.out)
    from gan.jobs import plot

    plot.run(request)


if __name__ == "__main__":
    command.execute(main)
