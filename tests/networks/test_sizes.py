import pytest

from gan.networks import sizes


def test_which_squares_fit():
    fit = [side for side in range(-2, 130) if not sizes.check_size((side, side))]
    assert fit == [10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128]
    assert "30 pixels a side are not a base" in sizes.check_size((30, 30))
    assert sizes.check_size((8, 8)).startswith("8 pixels a side are too few for these networks, 10 are the least")
    assert "20 are the least" in sizes.check_size((16, 16), smallest=20)


@pytest.mark.parametrize(
    ("size", "map", "doublings"),
    [
        ((32, 64), (4, 8), 3),
        ((64, 32), (8, 4), 3),
        ((28, 56), (7, 14), 2),
        ((48, 32), (6, 4), 3),
        ((24, 40), (6, 10), 2),
    ],
)
def test_rectangles_are_halved_as_often_as_the_shorter_side_allows(size, map, doublings):
    assert sizes.base(size) == (map, doublings) and not sizes.check_size(size)


@pytest.mark.parametrize(
    ("size", "reason"),
    [((30, 40), "40 x 30 pixels are not a base"), ((28, 30), "30 x 28 pixels are not a base"),
     ((8, 32), "8 pixels a side are too few"), ((16, 128), "128 x 16 pixels are too oblong")],
)  # fmt: skip
def test_why_rectangles_do_not_fit(size, reason):
    assert reason in sizes.check_size(size)


def test_the_base_is_the_largest_map_of_at_most_eight_pixels():
    bases = [sizes.base((side, side)) for side in (8, 20, 28, 32, 64, 96)]
    assert bases == [((s, s), i) for s, i in [(8, 0), (5, 2), (7, 2), (8, 2), (8, 3), (6, 4)]]
