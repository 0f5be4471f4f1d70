"""The sample grids of several runs over time, in one figure: a row for each run, a column for each step."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gan.errors import UserError
from gan.pictures.figures import blank, own_settings, write_figure
from gan.text import printable


@own_settings()
def write_montage(
    path: str | Path, runs: Sequence[tuple[str, dict[int, Path]]], steps: Sequence[int], title: str = ""
) -> None:
    """Writes the figure as PNG: of each run, a name and its grids, those of `steps`; a missing one leaves a gap.

    Raises `UserError` if no run has any of the steps, and `StorageError`.
    """
    from PIL import Image

    shown = [step for step in steps if any(step in found for _, found in runs)]
    if not shown:
        there = sorted({step for _, found in runs for step in found})
        raise UserError(f"no run has a sample grid of step {', '.join(map(str, steps))}; there are {_listed(there)}")
    figure = blank(figsize=(2.6 * len(shown) + 0.4, 2.75 * len(runs) + 0.4), dpi=100, layout="constrained")
    for row, (name, found) in zip(figure.subplots(len(runs), len(shown), squeeze=False), runs, strict=True):
        for axes, step in zip(row, shown, strict=True):
            axes.set(xticks=[], yticks=[])
            axes.set_frame_on(step in found)  # so that a white grid differs from a missing one
            axes.spines[:].set_color("0.6")
            if step in found:
                with Image.open(found[step]) as picture:
                    axes.imshow(np.asarray(picture), cmap="gray", vmin=0, vmax=255)
                axes.set_title(f"step {step:,}", fontsize=9)
        row[0].set_ylabel(printable(name), fontsize=11, parse_math=False)
    if title:
        figure.suptitle(printable(title), parse_math=False)
    write_figure(path, figure)


def _listed(steps: Sequence[int]) -> str:
    """The steps, or the first and the last of many."""
    if len(steps) <= 12:
        return ", ".join(map(str, steps))
    return f"{', '.join(map(str, steps[:6]))}, ... {steps[-1]}"
