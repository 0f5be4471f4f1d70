"""Drawing with anti-aliased shapes on a batch of small grey images, the same bits on every machine.

Only additions, multiplications, divisions, square roots and comparisons of float32 elements are used, which IEEE 754
defines to the last bit; no transcendental function, no matrix product and no sum over an axis. Coordinates are pixels,
x to the right, y down; every argument is a number or an array [B] with one value for each image.
"""

import numpy as np

SIDE = 28
FINE = 4  # lines sampled in each pixel row; within a line the coverage of the pixels is exact
_Y = ((np.arange(SIDE * FINE, dtype=np.float32) + np.float32(0.5)) / np.float32(FINE))[None, :]  # [1, SIDE*FINE]
_X = np.arange(SIDE, dtype=np.float32)[None, None, :]  # left edges of the pixels
OUTSIDE = np.float32(-100.0)

Value = np.ndarray | float


def column(value: Value) -> np.ndarray:
    """The value as float32 [B, 1], or [1, 1] for a number."""
    return np.asarray(value, np.float32).reshape(-1, 1)


def along(knots: list[tuple[Value, Value]], smooth: bool = False) -> np.ndarray:
    """A curve through the knots (y, x) in the order of y, for each line [B, SIDE*FINE]; straight or smooth pieces."""
    (y0, x0), *rest = knots
    result = column(x0) + np.zeros_like(_Y)
    for y1, x1 in rest:
        part = np.clip((_Y - column(y0)) / (column(y1) - column(y0)), 0, 1)
        if smooth:
            part = part * part * (3 - 2 * part)
        result = result + part * (column(x1) - column(x0))
        y0, x0 = y1, x1
    return result


class Draws:
    """The uniform numbers of a batch of images, taken one after the other."""

    def __init__(self, numbers: np.ndarray):
        self._numbers, self._next = numbers, 0

    def between(self, low: float, high: float) -> np.ndarray:
        """A float32 [B] in [low, high)."""
        self._next += 1
        return np.float32(low) + self._numbers[:, self._next - 1] * np.float32(high - low)

    def chance(self, probability: float) -> np.ndarray:
        """1 with the given probability, else 0: float32 [B, 1, 1], a factor for coverages."""
        return (self.between(0, 1) < probability).astype(np.float32)[:, None, None]


class Canvas:
    """Grey images [B, SIDE, SIDE] in [0, 1], black at first, moved by `shift_x` and sheared by `shear` per line."""

    def __init__(self, count: int, shift_x: Value = 0.0, shear: Value = 0.0):
        self.pixels = np.zeros((count, SIDE, SIDE), np.float32)
        self._offset = column(shift_x) + column(shear) * (_Y - SIDE // 2)

    def paint(self, coverage: np.ndarray, tone) -> None:
        """Lays a tone (a number, [B], or [B, SIDE, SIDE]) over the images where `coverage` [B, SIDE, SIDE] is."""
        tone = np.asarray(tone, np.float32)
        tone = tone.reshape(-1, 1, 1) if tone.ndim < 2 else tone
        self.pixels = self.pixels + coverage * (tone - self.pixels)

    def shade(self, coverage: np.ndarray, factor: Value) -> None:
        """Multiplies the images by `factor` where `coverage` is: seams, shadows, folds."""
        self.pixels = self.pixels * (1 + coverage * (column(factor)[:, :, None] - 1))

    def spans(self, left: np.ndarray, right: np.ndarray, top: Value = 0.0, bottom: Value = float(SIDE)) -> np.ndarray:
        """The coverage [B, SIDE, SIDE] of left(y) <= x <= right(y), top <= y <= bottom; curves [B, SIDE*FINE]."""
        top, bottom = column(top), column(bottom)
        first, last = (int(np.clip(np.floor(y), 0, SIDE)) for y in (top.min(), bottom.max() + 1))
        coverage = np.zeros_like(self.pixels)
        lines = slice(first * FINE, last * FINE)  # no other line is touched in any image
        y, offset = _Y[:, lines], self._offset[:, lines]
        inside = (y >= top) & (y <= bottom)
        left = np.where(inside, left[:, lines] + offset, OUTSIDE)[:, :, None]
        right = np.where(inside, right[:, lines] + offset, OUTSIDE)[:, :, None]
        covered = np.clip(np.minimum(right, _X + 1) - np.maximum(left, _X), 0, 1)
        rows = covered.reshape(len(covered), last - first, FINE, SIDE)
        coverage[:, first:last] = ((rows[:, :, 0] + rows[:, :, 1]) + (rows[:, :, 2] + rows[:, :, 3])) / FINE
        return coverage

    def body(self, knots: list[tuple[Value, Value]], smooth: bool = True) -> np.ndarray:
        """A shape symmetric about the middle: knots (y, half width)."""
        half = along(knots, smooth)
        return self.spans(SIDE / 2 - half, SIDE / 2 + half, knots[0][0], knots[-1][0])

    def strip(self, knots: list[tuple[Value, Value, Value]], smooth: bool = True) -> np.ndarray:
        """A shape from its left and right edges: knots (y, left, right)."""
        left = along([(y, x) for y, x, _ in knots], smooth)
        right = along([(y, x) for y, _, x in knots], smooth)
        return self.spans(left, right, knots[0][0], knots[-1][0])

    def polygon(self, *points: tuple[Value, Value]) -> np.ndarray:
        """A convex polygon with the corners (x, y)."""
        left, right = np.float32(-OUTSIDE), OUTSIDE
        for (xa, ya), (xb, yb) in zip(points, points[1:] + points[:1], strict=True):
            xa, ya, xb, yb = column(xa), column(ya), column(xb), column(yb)
            above, below = np.minimum(ya, yb), np.maximum(ya, yb)
            crossed = (above <= _Y) & (below > _Y)
            rise = np.where(ya == yb, np.float32(1), yb - ya)
            x = xa + (_Y - ya) / rise * (xb - xa)
            left = np.where(crossed, np.minimum(left, x), left)
            right = np.where(crossed, np.maximum(right, x), right)
        heights = [column(y) for _, y in points]
        return self.spans(left, right, min(y.min() for y in heights), max(y.max() for y in heights))

    def mirrored(self, *points: tuple[Value, Value]) -> np.ndarray:
        """A convex polygon and its mirror image about the middle."""
        other = [(SIDE - np.asarray(x, np.float32), y) for x, y in points]
        return np.maximum(self.polygon(*points), self.polygon(*other))

    def ellipse(self, x: Value, y: Value, radius_x: Value, radius_y: Value) -> np.ndarray:
        """An ellipse around (x, y)."""
        height = (_Y - column(y)) / column(radius_y)
        half = column(radius_x) * np.sqrt(np.maximum(1 - height * height, 0))
        return self.spans(column(x) - half, column(x) + half, y - radius_y, y + radius_y)

    def ring(self, x: Value, y: Value, radius_x: Value, radius_y: Value, width: Value) -> np.ndarray:
        """The line of the given width along the inside of an ellipse."""
        outer = self.ellipse(x, y, radius_x, radius_y)
        return outer - np.minimum(outer, self.ellipse(x, y, radius_x - width, radius_y - width))

    def box(self, left: Value, top: Value, right: Value, bottom: Value) -> np.ndarray:
        """An upright rectangle."""
        flat = np.zeros_like(_Y)
        return self.spans(column(left) + flat, column(right) + flat, top, bottom)


def stripes(draws: Draws, axis: int, probability: float) -> np.ndarray:
    """A pattern of stripes [B, SIDE, SIDE], horizontal for axis 1, vertical for axis 2."""
    period, phase, share = draws.between(2.0, 6.0), draws.between(0, 6), draws.between(0.25, 0.6)
    place = np.arange(SIDE, dtype=np.float32)[None, :] + phase[:, None]
    turns = place / period[:, None]
    line = (turns - np.floor(turns) < share[:, None]).astype(np.float32)
    shape = (len(line), SIDE, 1) if axis == 1 else (len(line), 1, SIDE)
    return line.reshape(shape) * draws.chance(probability) * np.ones((1, SIDE, SIDE), np.float32)
