import numpy as np

from gan.pictures import figures


def test_rows_stand_below_the_lines_of_their_heading(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(figures, "write_figure", lambda path, figure: drawn.append(figure))
    image = np.zeros((8, 8, 3), np.uint8)
    figures.titled_rows(tmp_path / "x.png", [[(image, "one"), (image, "$two$")]], ("first \x1b line", "second"))
    assert [text.get_text() for text in drawn[0].texts] == ["first \\x1b line\nsecond"]
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["one", "$two$"]
