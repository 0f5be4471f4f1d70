"""Draw the loss curves or the sample grids of one or several runs as a PNG.

Several --workdir flags give one panel for each run, side by side; with --grids, a row of sample grids for each:

    bin/plot --workdir=runs/modern-fashion_mnist
    bin/plot --workdir=runs/a --workdir=runs/b --metrics=d_loss,g_loss --out=comparison.png
    bin/plot --workdir=runs/a --workdir=runs/b --grids=0,100,200 --out=grids.png
"""

import os
from pathlib import Path

from absl import flags

from gan.cli import command
from gan.errors import UserError
from gan.runs.metrics_log import read_metrics

WORKDIR = flags.DEFINE_multi_string("workdir", [], "folder of a run, one panel each")
METRICS = flags.DEFINE_list("metrics", ["d_loss", "g_loss"], "names of the metrics to draw, separated by commas")
GRIDS = flags.DEFINE_list("grids", [], "draw the sample grids of these steps instead of curves, separated by commas")
OUT = flags.DEFINE_string("out", "", "PNG file to write (empty: losses.png or grids.png in the first run's folder)")
SMOOTHING = flags.DEFINE_float("smoothing", 0.9, "weight of the past in the moving average, in [0, 1); 0: raw only")
TITLE = flags.DEFINE_string("title", "", "heading of the figure")


def main() -> None:
    """Draws the figure and prints where it is; raises `UserError`."""
    workdirs = [Path(workdir) for workdir in WORKDIR.value if workdir]
    command.check_workdir("".join(WORKDIR.value))
    if GRIDS.value:
        _draw_grids(workdirs)
        return
    metrics = [metric.strip() for metric in METRICS.value if metric.strip()]
    if not metrics:
        raise UserError("--metrics is empty: name at least one metric, such as --metrics=d_loss,g_loss")
    if not 0 <= SMOOTHING.value < 1:
        raise UserError(f"--smoothing={SMOOTHING.value} must be at least 0 and below 1")
    out = Path(OUT.value or workdirs[0] / "losses.png")
    rows = [read_metrics(workdir) for workdir in workdirs]

    from gan.pictures import curves  # matplotlib is needed from here on, not for --help

    runs = [curves.Logged(name, run_rows) for name, run_rows in zip(names(workdirs), rows, strict=True)]
    curves.draw(out, runs, metrics, SMOOTHING.value, TITLE.value)
    print(out)


def _draw_grids(workdirs: list[Path]) -> None:
    """Draws the figure of sample grids and prints where it is."""
    from gan.pictures import montage
    from gan.runs import grids

    if not all(step.strip().isdigit() for step in GRIDS.value):
        raise UserError(f"--grids={','.join(GRIDS.value)} must be steps separated by commas, such as --grids=0,100,200")
    out = Path(OUT.value or workdirs[0] / "grids.png")
    runs = [(name, grids.found_grids(workdir)) for name, workdir in zip(names(workdirs), workdirs, strict=True)]
    montage.draw(out, runs, [int(step) for step in GRIDS.value], TITLE.value)
    print(out)


def names(workdirs: list[Path]) -> list[str]:
    """Labels of the runs: the folders' names, with as many parents as tell them apart."""
    paths = [Path(os.path.abspath(workdir)) for workdir in workdirs]
    depths = range(1, max(len(path.parts) for path in paths) + 1)
    labels = ([str(Path(*path.parts[-depth:])) for path in paths] for depth in depths)
    return next((label for label in labels if len(set(label)) == len(set(paths))), [str(path) for path in paths])


if __name__ == "__main__":
    command.execute(main)
