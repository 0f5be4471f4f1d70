"""How many images each class has: bars by name, or where there are many the classes by their size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gan.text import printable

_NAMED = 40  # classes up to which each has its bar and its name
_COUNTED = 12  # and its number
_LETTERS = 16  # of a name
_FAR = 50  # times as many images in one class as in another, from which on the axis is logarithmic


def draw(axes: Any, names: Sequence[str], counts: np.ndarray, heading: str = "") -> None:
    """Draws `counts` int [K] of the classes `names` into matplotlib axes."""
    if len(names) <= _NAMED:
        _bars(axes, names, counts)
    else:
        _curve(axes, counts)
    present = counts[counts > 0]
    if len(present) and present.max() > _FAR * present.min():
        axes.set_yscale("log")
    axes.set_ylabel("images", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(heading, fontsize=9, parse_math=False)


def _bars(axes: Any, names: Sequence[str], counts: np.ndarray) -> None:
    """A bar for each class, in their order."""
    bars = axes.bar(range(len(names)), counts, color="0.45", width=0.8)
    spelled = [printable(name) for name in names]
    shown = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 3]}..." for name in spelled]
    turned = sum(map(len, shown)) > 60
    axes.set_xticks(range(len(names)), shown, rotation=90 if turned else 0, parse_math=False)
    axes.set_xlim(-0.6 - (len(names) < 3), len(names) - 0.4 + (len(names) < 3))
    if len(names) <= _COUNTED:
        axes.bar_label(bars, [f"{count:,}" for count in counts], fontsize=7)


def _curve(axes: Any, counts: np.ndarray) -> None:
    """The sizes of all classes, the largest first."""
    ordered = np.sort(counts)[::-1]
    axes.fill_between(np.arange(len(ordered) + 1), np.append(ordered, ordered[-1:]), step="post", color="0.45")
    axes.set_xlim(0, len(ordered))
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"{len(ordered):,} classes, those with most images first", fontsize=8)
