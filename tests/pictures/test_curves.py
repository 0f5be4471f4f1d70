"""Loss curves: the smoothing in numbers, the ranges, and a figure that comes out."""

import numpy as np
import pytest
from PIL import Image

from gan.errors import StorageError, UserError
from gan.pictures import curves


def run(name: str, values, **columns) -> curves.Logged:
    """A run with one row for each of `values` of d_loss, ten steps apart."""
    rows = [{"step": 10 * i + 10, "epoch": (i + 1) / 47, "d_loss": v, "g_loss": 0.5} for i, v in enumerate(values)]
    return curves.Logged(name, [{**row, **columns} for row in rows])


def test_smoothing_by_hand():
    # weight 0.5: s1 = (.5*4)/.5; s2 = (.25*4 + .5*1)/.75; s3 = (.125*4 + .25*1 + .5*7)/.875
    np.testing.assert_allclose(curves.smoothed(np.array([4.0, 1.0, 7.0]), 0.5), [4.0, 2.0, 4.25 / 0.875], rtol=1e-14)


def test_smoothing_is_not_drawn_to_zero_and_can_be_off():
    np.testing.assert_allclose(curves.smoothed(np.full(50, 3.0), 0.99), 3.0, rtol=1e-12)
    np.testing.assert_array_equal(curves.smoothed(np.array([1.0, -2.0, 5.0]), 0.0), [1.0, -2.0, 5.0])


def test_smoothing_passes_over_gaps():
    with_gap = curves.smoothed(np.array([4.0, np.nan, 1.0]), 0.5)
    assert np.isnan(with_gap[1])
    np.testing.assert_allclose(with_gap[[0, 2]], [4.0, 2.0])


def test_series_takes_the_rows_that_have_the_metric():
    rows = [{"step": 10, "d_loss": 1.0}, {"step": 20, "fid": 5.0}, {"step": 30, "d_loss": None}]
    steps, values = curves.series(rows, "d_loss")
    assert steps.tolist() == [10, 30]
    assert values[0] == 1.0
    assert np.isnan(values[1])


def test_panels_share_their_range_unless_one_would_be_squeezed():
    near = [run("a", np.linspace(0, 1, 50)), run("b", np.linspace(0, 2, 50))]
    first, second = curves._limits(near, ["d_loss"], 0.0)
    assert first == second
    far = [run("a", np.linspace(0, 1, 50)), run("b", np.linspace(0, -100, 50))]
    first, second = curves._limits(far, ["d_loss"], 0.0)
    assert first == pytest.approx((-0.04, 1.04), abs=0.02)
    assert second == pytest.approx((-105, 5), abs=2)


def test_a_single_spike_does_not_set_the_range():
    values = np.full(1000, 0.7)
    values[500] = 1e6
    low, high = curves._range(run("a", values), ["d_loss"], 0.0)
    assert high == 1e6  # unsmoothed, every value is a curve of its own
    values[500] = 50
    low, high = curves._range(run("a", values), ["d_loss"], 0.99)
    assert low == pytest.approx(0.7)
    assert high == pytest.approx(0.7 + 0.01 * 49.3 / (1 - 0.99**501))


@pytest.mark.parametrize(("count", "size"), [(1, (7.2, 4.7)), (2, (10.4, 4.7)), (5, (15.6, 9.0))])
def test_the_figure_has_a_panel_for_each_run(tmp_path, count, size):
    runs = [run(f"run {i}", np.cos(np.arange(30.0) + i)) for i in range(count)]
    curves.write_curves(tmp_path / "a.png", runs, ["d_loss", "g_loss"], 0.9, title="losses")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == tuple(round(130 * inches) for inches in size)
        assert np.asarray(picture.convert("L")).std() > 5


@pytest.mark.parametrize("values", [[0.5], [0.0, 0.0], [None, None], [-1.0, None, 2.0]])
def test_short_constant_and_gappy_curves_are_drawn(tmp_path, values):
    curves.write_curves(tmp_path / "a.png", [run("a", values)], ["d_loss"], 0.9)
    curves.write_curves(tmp_path / "b.png", [run("a", values, epoch=0.0)], ["d_loss"], 0.0)


def test_what_cannot_be_drawn_is_said(tmp_path):
    with pytest.raises(UserError, match="a has no metrics yet"):
        curves.write_curves(tmp_path / "a.png", [curves.Logged("a", [])], ["d_loss"], 0.9)
    with pytest.raises(UserError, match="a has no metric fid; --metrics can name epoch, d_loss, g_loss"):
        curves.write_curves(tmp_path / "a.png", [run("a", [1.0])], ["d_loss", "fid"], 0.9)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        curves.write_curves(tmp_path / "file" / "a.png", [run("a", [1.0])], ["d_loss"], 0.9)
