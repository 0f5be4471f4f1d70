"""Sizes of images and of the maps that networks begin and end with: arithmetic, without TensorFlow."""

from gan.text import dimensions

Size = tuple[int, int]  # height and width in pixels

_SMALLEST_BASE, _LARGEST_BASE = 4, 8  # networks end at a map whose shorter side has so many pixels
_SMALLEST = 10  # with one doubling
_LONGEST = 4  # times the shorter side


def check_size(size: Size, smallest: int = _SMALLEST) -> str:
    """Empty if images of `size` fit, otherwise the reason.

    The shorter side must be 4 to 8 pixels times 2, 4, 8, ... and not below `smallest`; the longer one a multiple of the
    same power of two, at most four times as long.
    """
    height, width = size
    least, rows, columns = min(size), *base(size)[0]
    if least < smallest:
        return f"{least} pixels a side are too few for these networks, {smallest} are the least"
    if max(size) > _LONGEST * least:
        return f"{dimensions(size)} pixels are too oblong for these networks: at most {_LONGEST} times as long as wide"
    if min(rows, columns) <= _LARGEST_BASE:
        return ""
    if height == width:
        return f"{height} pixels a side are not a base of 4 to 8 times a power of two (28, 32, 40, 48, 56, 64, ...)"
    return f"{dimensions(size)} pixels are not a base of 4 to 8 and more times one power of two (28 x 56, 32 x 48, ...)"


def base(size: Size) -> tuple[Size, int]:
    """(height and width of the smallest map, number of doublings from it to `size`)."""
    height, width = size
    doublings = 0
    while max(height, width) > _LARGEST_BASE and not (height % 2 or width % 2):
        if min(height, width) < 2 * _SMALLEST_BASE:
            break
        height, width, doublings = height // 2, width // 2, doublings + 1
    return (height, width), doublings
