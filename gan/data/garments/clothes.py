"""Clothes for the upper body and the legs, drawn on a canvas from uniform numbers."""

import numpy as np

from gan.data.garments.canvas import SIDE, Canvas, Draws, Value, stripes


def _torso(canvas: Canvas, draws: Draws, tone: np.ndarray, wide: float, hem: np.ndarray, flare: float) -> np.ndarray:
    """Shoulders, chest and waist down to the hem; the coverage."""
    chest = draws.between(wide - 0.5, wide + 0.5)
    waist = chest - draws.between(0.0, 0.9)
    shape = canvas.body([(2.2, chest - 3.4), (3.6, chest - 0.5), (8, chest), (16, waist), (hem, chest + flare)])
    canvas.paint(shape, tone)
    return shape


def _sleeves(canvas: Canvas, tone: np.ndarray, inner: Value, elbow, cuff, width) -> None:
    """Two sleeves from the shoulders over the elbow (x, y) to the cuff (x, y), `width` wide at the cuff."""
    (elbow_x, elbow_y), (cuff_x, cuff_y) = elbow, cuff
    upper = canvas.mirrored(
        (inner, 2.6), (inner + 1.4, 3.6), (elbow_x, elbow_y), (elbow_x - width - 1, elbow_y + 0.6), (inner - 1.5, 9.5)
    )
    lower = canvas.mirrored(
        (elbow_x, elbow_y - 0.4), (cuff_x, cuff_y), (cuff_x - width, cuff_y + 0.4), (elbow_x - width - 1, elbow_y + 0.2)
    )
    canvas.paint(np.maximum(upper, lower), tone)


def _neck(canvas: Canvas, draws: Draws, tone: np.ndarray, depth: np.ndarray) -> None:
    """The opening for the head: the inside of the back above, black, and a seam around it."""
    half = draws.between(2.6, 3.6)
    canvas.shade(canvas.ellipse(14, 2.2, half + 0.8, depth + 0.8), 0.78)
    canvas.paint(canvas.ellipse(14, 2.2, half, depth), tone * draws.between(0.3, 0.55))
    canvas.paint(canvas.ellipse(14, 1.6, half - 0.3, 1.2), 0.0)


def tshirt(canvas: Canvas, draws: Draws) -> None:
    """A T-shirt, or a top without sleeves: plain, striped or with a print."""
    tone = draws.between(0.45, 0.95)
    hem = draws.between(24, 26.6)
    reach, drop = draws.between(10.6, 12.8), draws.between(8.5, 12)
    cuff_x, shoulder = 14 + reach, draws.between(19.4, 20.4)
    sleeve = canvas.mirrored(
        (shoulder - 2.4, 2.5), (shoulder, 3.4), (cuff_x, drop), (cuff_x - 2.9, drop + 2.2), (shoulder - 1.5, 9.5)
    )
    sleeved = draws.chance(0.9)
    canvas.paint(sleeve * sleeved, tone * 0.88)
    shape = _torso(canvas, draws, tone, 6.6, hem, 0.2)
    other = np.clip(tone + draws.between(-0.45, 0.3), 0.1, 1.0)
    canvas.paint(shape * stripes(draws, 1, 0.25), other)
    size = draws.between(1.6, 3.6)
    canvas.paint(canvas.ellipse(14, 11.5, size, draws.between(1.2, 3.6)) * draws.chance(0.3), other)
    band = draws.between(8, 11)
    canvas.paint(canvas.box(14 - size - 1, band, 14 + size + 1, band + size) * draws.chance(0.2), other)
    canvas.shade(canvas.mirrored((19.6, 4.5), (20.2, 4.5), (20.2, 10), (19.6, 10)), 0.8)
    holes = np.maximum(canvas.ellipse(6.6, 5, 2.6, 5.2), canvas.ellipse(SIDE - 6.6, 5, 2.6, 5.2))
    canvas.paint(holes * (1 - sleeved), 0.0)  # a top without sleeves
    _neck(canvas, draws, tone, draws.between(1.6, 3.4))


def pullover(canvas: Canvas, draws: Draws) -> None:
    """A pullover with ribbed hem and cuffs."""
    tone = draws.between(0.35, 0.9)
    hem, cuff = draws.between(23.5, 26), draws.between(22, 25.5)
    out = draws.between(24.6, 26.6)
    width = draws.between(2.9, 3.6)
    _sleeves(canvas, tone * 0.86, 19.0, (out - 1.2, 12.5), (out, cuff), width)
    shape = _torso(canvas, draws, tone, 6.7, hem, -0.1)
    other = np.clip(tone + draws.between(-0.35, 0.3), 0.1, 1.0)
    canvas.paint(shape * stripes(draws, 1, 0.35), other)
    canvas.paint(canvas.box(7, 9, 21, 13) * draws.chance(0.15) * shape, other)
    canvas.shade(canvas.box(0, hem - 2, SIDE, hem) * shape, 0.75)  # the ribbed hem and cuffs
    canvas.shade(
        canvas.mirrored((out - 4.4, cuff - 1.6), (out + 0.6, cuff - 1.6), (out + 0.6, cuff + 1), (out - 4.4, cuff + 1)),
        0.72,
    )
    canvas.shade(canvas.mirrored((20.2, 5), (20.9, 5), (20.6, hem), (19.9, hem)), 0.55)
    high = draws.chance(0.3)
    _neck(canvas, draws, tone, draws.between(1.4, 2.4))
    canvas.paint(canvas.box(11, 0.9, 17, 3.2) * high, tone * 0.8)  # a turtle neck


def coat(canvas: Canvas, draws: Draws) -> None:
    """A coat with lapels, buttons and pockets, closed or worn open."""
    tone = draws.between(0.3, 0.85)
    hem, cuff = draws.between(26.2, 27.6), draws.between(22, 25)
    out = draws.between(24.4, 26.2)
    _sleeves(canvas, tone * 0.84, 18.8, (out - 1, 12.5), (out, cuff), draws.between(2.9, 3.5))
    _torso(canvas, draws, tone, 6.3, hem, 0.9)
    canvas.shade(canvas.mirrored((20.0, 5), (20.7, 5), (20.6, 24), (19.9, 24)), 0.5)
    opening = draws.between(-0.6, 0.8)
    inner = draws.chance(0.25)  # worn open: a dark gap that widens to the hem
    canvas.paint(canvas.polygon((13.6, 9), (14.4, 9), (15.8, hem), (12.2, hem)) * inner, tone * 0.15)
    middle = 14 + opening
    canvas.shade(canvas.polygon((middle - 0.4, 6), (middle + 0.4, 6), (middle + 0.4, hem), (middle - 0.4, hem)), 0.35)
    lapel = draws.between(0.65, 1.25)
    depth = draws.between(8, 12.5)
    canvas.paint(canvas.mirrored((14.3, depth), (15.8, 2), (18.0, 2.6), (18.2, 6)), np.clip(tone * lapel, 0, 1))
    canvas.paint(canvas.polygon((12.0, 1.8), (16.0, 1.8), (14, depth - 1.6)), tone * 0.2)
    canvas.shade(canvas.mirrored((14.2, depth), (14.8, depth), (18.4, 6.2), (18.1, 5.6)), 0.55)
    belt = draws.chance(0.25)
    canvas.shade(canvas.box(7.6, 15, 20.4, 16.6) * belt, 0.55)
    for y in (13.5, 17.5, 21.5):
        canvas.paint(canvas.ellipse(middle + 1.3, y, 0.55, 0.55) * draws.chance(0.85), np.clip(tone + 0.45, 0, 1))
    canvas.shade(canvas.mirrored((16.6, 18.4), (19.2, 17.9), (19.2, 18.9), (16.6, 19.4)), 0.5)  # pockets


def shirt(canvas: Canvas, draws: Draws) -> None:
    """A shirt with collar, placket and buttons; long or short sleeves; stripes, checks or plain."""
    tone = draws.between(0.5, 1.0)
    hem = draws.between(25, 27)
    short = draws.chance(0.35)
    out, cuff = draws.between(23.6, 25.6), draws.between(20, 24)
    _long_or_short(canvas, tone * 0.86, out, cuff, short)
    shape = _torso(canvas, draws, tone, 6.2, hem, 0.1)
    other = np.clip(tone - draws.between(0.2, 0.5), 0.08, 1.0)
    canvas.paint(shape * stripes(draws, 2, 0.35) * 0.8, other)
    canvas.paint(shape * stripes(draws, 1, 0.25) * 0.8, other)
    # The hem rises at the sides.
    canvas.paint(canvas.mirrored((17, hem + 1), (22, hem + 1), (22, hem - 2.4)), 0.0)
    canvas.shade(canvas.mirrored((20.0, 5), (20.6, 5), (20.3, 18), (19.7, 18)), 0.6)
    canvas.shade(canvas.box(13.2, 5, 14.8, hem), 1.12)
    canvas.shade(canvas.box(14.7, 5, 15.1, hem), 0.6)  # the placket's edge
    canvas.paint(canvas.polygon((11.7, 1.6), (16.3, 1.6), (14, 5.6)), tone * 0.22)
    canvas.paint(canvas.mirrored((14.1, 5.8), (16.0, 1.2), (18.2, 2.4), (17.0, 6.2)), np.clip(tone * 1.15, 0, 1))
    canvas.shade(canvas.mirrored((14.0, 6.0), (14.3, 6.8), (17.4, 7.0), (17.2, 6.2)), 0.5)
    for y in (8.5, 12, 15.5, 19, 22.5):
        canvas.paint(canvas.ellipse(14, y, 0.5, 0.5), tone * 0.35)
    canvas.shade(canvas.box(16.2, 9.5, 19, 10.1) * draws.chance(0.5), 0.55)  # a breast pocket


def _long_or_short(canvas: Canvas, tone: np.ndarray, out: np.ndarray, cuff: np.ndarray, short: np.ndarray) -> None:
    """Sleeves that end above the elbow where `short` is 1, and at the cuff where it is 0."""
    before = canvas.pixels
    _sleeves(canvas, tone, 18.6, (out - 0.6, 12), (out, cuff), 2.8)
    ends = canvas.box(0, 11.6, SIDE, SIDE) * short
    canvas.pixels = canvas.pixels + ends * (before - canvas.pixels)


def dress(canvas: Canvas, draws: Draws) -> None:
    """A dress with straps or short sleeves and a pleated skirt."""
    tone = draws.between(0.4, 0.95)
    bust, waist, flare = draws.between(3.4, 4.4), draws.between(2.4, 3.4), draws.between(4.0, 8.6)
    top, middle, hem = draws.between(3.4, 5.0), draws.between(10, 13), draws.between(25.5, 27.6)
    strap = draws.between(0.8, 1.8)
    inner = draws.between(1.6, 2.2)
    canvas.paint(
        canvas.mirrored(
            (14 + inner, 0.8), (14 + inner + strap, 0.8), (14 + bust, top + 3), (14 + bust - strap - 0.4, top + 3)
        ),
        tone * 0.92,
    )
    sleeve = draws.chance(0.25)
    canvas.paint(
        canvas.mirrored((14 + inner, 1), (14 + bust, 1.8), (21.2, 7.5), (18.9, 9), (15.5, 6)) * sleeve, tone * 0.85
    )
    shape = canvas.body([(top, bust - 0.9), (top + 2.5, bust), (middle, waist), (hem, flare)], smooth=True)
    canvas.paint(shape, tone)
    other = np.clip(tone + draws.between(-0.45, 0.35), 0.1, 1.0)
    canvas.paint(shape * stripes(draws, 1, 0.2), other)
    canvas.paint(canvas.box(0, middle, SIDE, SIDE) * shape * draws.chance(0.2), other)  # a skirt of its own colour
    canvas.shade(canvas.box(0, middle - 0.8, SIDE, middle + 0.6) * shape * draws.chance(0.6), 0.55)
    canvas.paint(canvas.ellipse(14, top, inner + 0.5, draws.between(0.8, 3.2)), 0.0)
    pleat = flare * draws.between(0.3, 0.5)
    canvas.shade(
        canvas.mirrored((14.3, middle + 1), (14.8, middle + 1), (14.9 + pleat, hem), (13.9 + pleat, hem)), 0.72
    )


def trouser(canvas: Canvas, draws: Draws) -> None:
    """A pair of trousers."""
    tone = draws.between(0.35, 0.95)
    waist, hip = draws.between(3.7, 4.6), draws.between(4.7, 5.7)
    crotch, hem = draws.between(8.8, 10.8), draws.between(26, 27.7)
    knee, foot = draws.between(2.9, 3.9), draws.between(2.2, 4.2)
    gap, spread = draws.between(0.25, 0.6), draws.between(0.4, 1.4)
    canvas.paint(canvas.body([(0.8, waist), (6, hip), (crotch + 0.8, hip + 0.1)]), tone)
    for side in (-1, 1):
        inner = [
            (crotch, 14 + side * gap * 0.4),
            (18, 14 + side * (gap + spread)),
            (hem, 14 + side * (gap + spread + 0.4)),
        ]
        outer = [14 + side * (hip + 0.1), 14 + side * (gap + spread + knee), 14 + side * (gap + spread + 0.4 + foot)]
        knots = [(y, *((x, o) if side > 0 else (o, x))) for (y, x), o in zip(inner, outer, strict=True)]
        canvas.paint(canvas.strip(knots), tone * (0.96 if side < 0 else 0.9))
    canvas.shade(canvas.box(0, 0, SIDE, 2.1), draws.between(0.6, 0.85))  # the waistband
    canvas.shade(canvas.box(13.7, 2.1, 14.3, crotch), 0.5)
    canvas.shade(canvas.mirrored((16.2, 2.4), (16.9, 2.4), (18.6, 5.4), (18.2, 5.8)), 0.6)  # pockets
    crease = canvas.mirrored((16.2, 9), (16.8, 9), (14.8 + spread + foot * 0.5, hem), (14.2 + spread + foot * 0.5, hem))
    canvas.shade(crease * draws.chance(0.6), draws.between(0.7, 1.3))
    canvas.shade(canvas.box(0, hem - 1.2, SIDE, hem) * draws.chance(0.4), 0.7)
