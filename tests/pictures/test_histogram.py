"""The histogram of classes: bars of few, a curve of many, below the grid of a preview."""

import numpy as np
import pytest
from PIL import Image

from gan.pictures import figures, histogram


def axes_of(counts):
    axes = figures.blank((5, 3)).subplots()
    histogram.draw(axes, [f"class {i}" for i in range(len(counts))], np.asarray(counts), "heading")
    return axes


@pytest.mark.parametrize("counts", [[7], [5, 0, 3], list(range(1, 41))])
def test_few_classes_have_a_bar_each_with_its_name(counts):
    axes = axes_of(counts)
    assert [bar.get_height() for bar in axes.patches] == counts
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"class {i}" for i in range(len(counts))]
    assert [text.get_text() for text in axes.texts] == ([f"{count:,}" for count in counts] if len(counts) < 13 else [])
    assert axes.get_title() == "heading" and axes.get_yscale() == "linear"


def test_many_classes_are_a_curve_from_the_largest_to_the_smallest():
    axes = axes_of([1, 9, 5] * 500)
    (area,) = axes.collections
    heights = area.get_paths()[0].vertices[:, 1]
    assert not axes.patches and heights.max() == 9 and axes.get_xlabel().startswith("1,500 classes")
    assert axes.get_xlim() == (0, 1500)


def test_classes_of_very_different_sizes_are_drawn_on_a_logarithmic_axis():
    assert axes_of([1, 51]).get_yscale() == "log" and axes_of([0, 50, 51]).get_yscale() == "linear"


def test_it_stands_below_a_grid_of_one_column(tmp_path):
    image = np.zeros((1, 8, 8, 1), np.uint8)
    for name, below in (("a", None), ("b", lambda axes: histogram.draw(axes, ["$x_"], np.array([3])))):
        figures.titled_grid(tmp_path / f"{name}.png", image, ["x"], columns=1, heading="y", below=below)
    plain, more = (Image.open(tmp_path / f"{name}.png").size for name in "ab")
    assert more[1] - plain[1] == 288 and more[0] == 600 > plain[0]
