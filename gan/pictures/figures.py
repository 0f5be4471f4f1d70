"""Figures with words on them: grids of titled images, as PNG.

matplotlib takes a third of a second to import, and training never draws these: it is imported where it is used. What
a person has set for it (a matplotlibrc, MPLBACKEND, a style) changes nothing in them, and they change nothing of that.
"""

import contextlib
import importlib.util
import io
import logging
import os
import sys
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gan.storage.files import write_with_folders
from gan.text import printable

_HEADING_INCHES = 0.6
_HEADING_POINTS, _LINE_INCHES = 11, 0.18  # of a line in a heading
_TITLE_INCHES, _SIDE_INCHES = 0.28, 1.42  # in a grid: height of a title, the longer side of an image
_BELOW_INCHES, _LEAST_INCHES = 2.4, 5.0  # of what is drawn below a grid: height, and least width
_TITLE_COLUMNS = 24  # of letters, as many as are above a picture


@contextlib.contextmanager
def own_settings() -> Iterator[None]:
    """While it lasts matplotlib has the settings that it is delivered with, and tells nothing; then the old ones."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # folders that cannot be written, fonts that are being looked for
    try:
        matplotlib = _matplotlib()
        settings = {name: value for name, value in matplotlib.rcParamsDefault.items() if not name.startswith("backend")}
        with warnings.catch_warnings(), matplotlib.rc_context(settings):
            warnings.simplefilter("ignore")  # a character without a glyph is drawn as a box
            yield
    finally:
        logger.setLevel(level)


def _matplotlib():
    """The module; where it cannot be imported with the person's settings, it is without them."""
    with contextlib.suppress(Exception):  # whatever a file of settings makes it raise
        return importlib.import_module("matplotlib")
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[name]
    (package,) = importlib.util.find_spec("matplotlib").submodule_search_locations
    hidden = {name: os.environ.pop(name) for name in ("MPLBACKEND", "MATPLOTLIBRC") if name in os.environ}
    here = os.open(".", os.O_RDONLY)
    os.chdir(os.path.join(package, "mpl-data"))  # it looks in the current folder first: here is the file of its own
    try:
        return importlib.import_module("matplotlib")
    finally:
        os.fchdir(here)
        os.close(here)
        os.environ.update(hidden)


def as_title(text: str) -> str:
    """A text as it can stand above a picture: on one line, and cut where it would reach the next one."""
    shown, columns = printable(text), 0
    for place, character in enumerate(shown):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > _TITLE_COLUMNS:
            return f"{shown[: place - 1]}..."
    return shown


def _wrapped(lines: Sequence[str], inches: float) -> list[str]:
    """The lines of a heading as they fit into so many inches: cut where they would end, and shown on further ones."""
    columns = int(inches * 72 / (0.6 * _HEADING_POINTS))  # a letter is 0.6 as wide as it is high
    return [part for line in lines for part in textwrap.wrap(printable(line), columns) or [""]]


@own_settings()
def titled_grid(
    path: str | Path,
    images: np.ndarray,
    titles: Sequence[str],
    columns: int,
    heading: str = "",
    below: Callable[[Any], None] | None = None,
) -> None:
    """Writes uint8 `images` [N, H, W, C] as PNG in rows of `columns`, each below its title; raises `StorageError`.

    `below` draws into axes under the grid, as wide as it is.
    """
    rows, (height, width) = -(-len(images) // columns), images.shape[1:3]
    inches = (_TITLE_INCHES + _SIDE_INCHES * min(1.0, height / width)) * rows + (0.5 if heading else 0.1)
    across = 1.5 * columns if below is None else max(1.5 * columns, _LEAST_INCHES)
    lines = _wrapped([heading], across)
    inches += _LINE_INCHES * (len(lines) - 1)
    size = (across, inches if below is None else inches + _BELOW_INCHES)
    figure = whole = blank(figsize=size, dpi=120, layout="constrained")
    if below:
        figure, under = whole.subfigures(2, 1, height_ratios=(inches, _BELOW_INCHES))
        below(under.subplots())
    for axes in (cells := figure.subplots(rows, columns, squeeze=False).ravel()):
        axes.set_axis_off()
    for axes, image, text in zip(cells, images, titles, strict=False):
        axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(as_title(text), fontsize=9, parse_math=False)  # names of classes may have a $
    if heading:
        whole.suptitle("\n".join(lines), fontsize=_HEADING_POINTS, parse_math=False)
    write_figure(path, whole)


@own_settings()
def titled_rows(path: Path, rows: list[list[tuple[np.ndarray, str]]], heading: Sequence[str]) -> None:
    """Writes rows of (uint8 image [H, W, C], title above it) as one PNG below lines of heading; raises `StorageError`.

    All are one picture with texts on it: axes for each image would take as long as the search for them.
    """
    height, width, channels = rows[0][0][0].shape
    band, gap, side = 0.22 * width, 0.1 * width, 1.1  # of the titles, between the columns, inches of a width
    across, down = len(rows[0]) * (width + gap), len(rows) * (height + band) + gap
    inches = side * across / width, side * down / width
    lines = _wrapped(heading, inches[0])
    whole = inches[1] + _HEADING_INCHES + _LINE_INCHES * (len(lines) - len(heading))
    figure = blank(figsize=(inches[0], whole), dpi=120)
    axes = figure.add_axes((0, 0, 1, inches[1] / whole))
    axes.set_axis_off()
    for row, cells in enumerate(rows):
        for column, (image, text) in enumerate(cells):
            left, top = column * (width + gap) + gap / 2, row * (height + band) + band
            shown = image.squeeze(-1) if channels == 1 else image
            place = (left, left + width, top + height, top)
            axes.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=place, aspect="auto", interpolation="nearest")
            middle = left + width / 2, top - 0.04 * width
            axes.text(*middle, as_title(text), ha="center", va="bottom", fontsize=8, parse_math=False)
    axes.set(xlim=(0, across), ylim=(down, 0))
    figure.text(
        0.5,
        1 - 0.1 / whole,
        "\n".join(lines),
        ha="center",
        va="top",
        fontsize=_HEADING_POINTS - 1,
        parse_math=False,
    )
    write_figure(path, figure)


def blank(figsize: tuple[float, float], **options: Any) -> Any:
    """An empty matplotlib figure of so many inches (width, height), drawn without a window, within `own_settings`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize, **options)
    FigureCanvasAgg(figure)
    return figure


def write_figure(path: str | Path, figure) -> None:
    """Writes a matplotlib figure as PNG, within `own_settings`; raises `StorageError`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_with_folders(path, buffer.getvalue())
