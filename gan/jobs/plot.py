"""Plots of runs: curves of their metrics, or their sample grids, side by side in one PNG."""

import os
from pathlib import Path

from gan.jobs.requests import Plot as Request
from gan.pictures import curves, montage
from gan.runs import grids, metrics_log


def run(request: Request) -> Path:
    """Draws the figure and prints where it is; raises `UserError` for what is not there, and `StorageError`."""
    workdirs = [Path(workdir) for workdir in request.workdir if workdir]
    if request.grids:
        out = Path(request.out or workdirs[0] / "grids.png")
        found = [(name, grids.found(workdir)) for name, workdir in zip(names(workdirs), workdirs, strict=True)]
        montage.write_montage(out, found, [int(step) for step in request.grids], request.title)
    else:
        out = Path(request.out or workdirs[0] / "losses.png")
        rows = [metrics_log.read_metrics(workdir) for workdir in workdirs]
        logged = [curves.Logged(name, of_run) for name, of_run in zip(names(workdirs), rows, strict=True)]
        metrics = [metric.strip() for metric in request.metrics if metric.strip()]
        curves.write_curves(out, logged, metrics, request.smoothing, request.title)
    print(out)
    return out


def names(workdirs: list[Path]) -> list[str]:
    """Labels of the runs: the folders' names, with as many parents as tell them apart."""
    paths = [Path(os.path.abspath(workdir)) for workdir in workdirs]
    depths = range(1, max(len(path.parts) for path in paths) + 1)
    labels = ([str(Path(*path.parts[-depth:])) for path in paths] for depth in depths)
    return next((label for label in labels if len(set(label)) == len(set(paths))), [str(path) for path in paths])
