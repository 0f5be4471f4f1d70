"""Shoes and bags, drawn on a canvas from uniform numbers."""

import numpy as np

from gan.data.garments.canvas import SIDE, Canvas, Draws, stripes


def sandal(canvas: Canvas, draws: Draws) -> None:
    """A sandal from the side: flat, with a heel or a wedge."""
    tone, strap = draws.between(0.5, 1.0), draws.between(0.45, 0.95)
    high = draws.chance(0.5)
    rise = draws.between(5.5, 9) * high[:, 0, 0]  # of the heel above the ball of the foot
    base, thick, width = draws.between(22, 24), draws.between(1.1, 2.2), draws.between(1.0, 1.9)
    heel = base - rise
    back = draws.between(24, 25.6)
    canvas.paint(canvas.polygon((2, base - 0.3), (10, base - 0.4), (10, base + thick), (2.6, base + thick)), tone)
    canvas.paint(canvas.polygon((9, base - 0.4), (19.5, heel), (20, heel + thick), (9.4, base + thick)), tone)
    canvas.paint(canvas.polygon((19, heel), (back, heel - 0.5), (back, heel + thick), (19, heel + thick)), tone)
    block = draws.between(0.9, 3.2)
    spike = canvas.polygon(
        (back - 3.6, heel + 0.8), (back, heel + 0.8), (back - 0.4, base + 2.8), (back - 0.4 - block, base + 2.8)
    )
    canvas.paint(spike * high, tone * 0.8)
    wedge = canvas.polygon((9, base + 1), (back, heel + 1), (back, base + 2.6), (7, base + 2.4))
    canvas.paint(wedge * high * draws.chance(0.25), tone * 0.7)
    canvas.paint(canvas.box(2.6, base + thick, back, base + thick + 1) * (1 - high), tone * 0.55)
    toe = draws.between(5.8, 7.6)
    arch = draws.between(3.6, 5.2)
    above = canvas.polygon((0, 0), (28, 0), (28, heel + 0.4), (19.5, heel + 0.4), (9, base), (0, base))
    for x, reach in ((toe, 3.4), (toe + 2.8, 3.4)):
        second = draws.chance(0.75)
        canvas.paint(canvas.ring(x, base, reach, arch, width) * above * second, strap)
    counter = canvas.polygon(
        (back - width - 0.6, heel - 5), (back - 0.6, heel - 5.4), (back, heel), (back - width - 1, heel)
    )
    cuff = canvas.ring(back - 3.9, heel - 5.2, 4.0, 1.9, width * 0.8)  # around the ankle, seen from above
    canvas.paint(np.maximum(counter, cuff) * draws.chance(0.85), strap * 0.92)
    link = canvas.polygon(
        (toe + 1.2, base - arch + 0.2), (toe + 2.2, base - arch - 0.7), (back - 6, heel - 5.4), (back - 6.4, heel - 4)
    )
    canvas.paint(link * draws.chance(0.5), strap)
    canvas.paint(canvas.ellipse(back - 6.4, heel - 4.2, 0.8, 0.8) * draws.chance(0.4), 1.0)  # a buckle


def sneaker(canvas: Canvas, draws: Draws) -> None:
    """A sneaker from the side."""
    tone = draws.between(0.35, 0.95)
    sole_tone = draws.between(0.35, 1.0)
    top, sole, thick = draws.between(9.5, 12), draws.between(18.6, 20), draws.between(1.6, 2.6)
    tongue, heel = draws.between(13.6, 15.6), draws.between(24.6, 26)
    toe = draws.between(1.6, 2.8)
    canvas.paint(
        canvas.strip(
            [
                (top, tongue + 0.4, heel - 0.6),
                (top + 2, tongue - 1.4, heel),
                (sole - 3.4, 7.4, heel - 0.5),
                (sole - 1.8, toe + 1.3, heel),
                (sole, toe, heel + 0.3),
            ],
            smooth=False,
        ),
        tone,
    )
    canvas.paint(
        canvas.polygon(
            (tongue - 0.8, top - 1.6), (tongue + 1.4, top - 1.2), (tongue + 1.6, top + 2), (tongue - 1.6, top + 2)
        ),
        tone * 0.85,
    )
    canvas.paint(canvas.ellipse((tongue + heel) / 2 + 0.6, top - 0.2, (heel - tongue) / 2 - 1.2, 1.7), tone * 0.15)
    other = np.clip(tone + draws.between(-0.5, 0.4), 0.08, 1.0)
    canvas.paint(canvas.strip([(sole - 3, 22, heel), (sole, 21, heel)]) * draws.chance(0.5), other)
    for x in (12.4, 14.6, 16.8):  # stripes on the side
        mark = canvas.polygon((x + 2, top + 3), (x + 3, top + 3), (x + 1.2, sole), (x, sole))
        canvas.paint(mark * draws.chance(0.55), other)
    canvas.paint(canvas.strip([(sole - 2.2, toe + 2, 6.4), (sole, toe, 7.4)]) * draws.chance(0.5), other)  # the toe cap
    for x in (0.0, 1.8, 3.6):  # laces
        lace = canvas.polygon(
            (tongue - x - 1.8, top + 1.2 + x * 0.62),
            (tongue - x - 1.2, top + 0.7 + x * 0.62),
            (tongue - x + 1.6, top + 3 + x * 0.5),
            (tongue - x + 1.0, top + 3.4 + x * 0.5),
        )
        canvas.paint(lace, np.clip(tone + 0.4, 0, 1) * (tone < 0.7) + tone * 0.4 * (tone >= 0.7))
    canvas.paint(canvas.strip([(sole, toe - 0.4, heel + 0.6), (sole + thick, toe + 0.4, heel + 0.2)]), sole_tone)
    canvas.shade(canvas.box(0, sole - 0.3, SIDE, sole + 0.3), 0.45)


def bag(canvas: Canvas, draws: Draws) -> None:
    """A handbag with a handle."""
    tone = draws.between(0.35, 0.95)
    top, bottom = draws.between(10, 13.5), draws.between(24, 27)
    upper, lower = draws.between(8.2, 11.6), draws.between(9.6, 12.8)
    reach, height, width = draws.between(4.2, 7.6), draws.between(5.5, 9), draws.between(0.9, 1.9)
    handle = canvas.ring(14, top + 0.6, reach, height + 0.6, width) * canvas.box(0, 0, SIDE, top + 1)
    canvas.paint(handle, tone * draws.between(0.65, 1.05))
    shape = canvas.body(
        [(top, upper - 1), (top + 1, upper), (bottom - 1.2, lower), (bottom, lower - 1.2)], smooth=False
    )
    canvas.paint(shape, tone)
    other = np.clip(tone + draws.between(-0.35, 0.25), 0.1, 1.0)
    flap = draws.between(3.5, 8)
    canvas.paint(
        canvas.body([(top, upper - 1), (top + 1, upper), (top + flap, upper - 1.6)]) * draws.chance(0.55), other
    )
    canvas.shade(canvas.box(0, top + flap - 0.3, SIDE, top + flap + 0.4) * shape, 0.5)
    canvas.paint(shape * stripes(draws, 2, 0.15), other)
    canvas.paint(
        canvas.box(12.8, top + flap - 1, 15.2, top + flap + 1.2) * draws.chance(0.7), np.clip(tone + 0.45, 0, 1)
    )
    canvas.shade(
        canvas.mirrored(
            (14 + upper - 2.6, top), (14 + upper - 2, top), (14 + lower - 2, bottom), (14 + lower - 2.6, bottom)
        )
        * draws.chance(0.4),
        0.6,
    )
    canvas.shade(canvas.box(0, bottom - 1.6, SIDE, bottom - 1) * draws.chance(0.5), 0.65)


def boot(canvas: Canvas, draws: Draws) -> None:
    """An ankle boot from the side, some with laces, a strap or elastic."""
    tone = draws.between(0.35, 0.9)
    top, sole = draws.between(1.2, 5), draws.between(22.6, 24)
    front, back = draws.between(12.4, 14.6), draws.between(23.4, 25.2)
    toe, tip = draws.between(1.6, 3.4), draws.between(1.4, 2.6)
    canvas.paint(
        canvas.strip(
            [
                (top, front - 0.6, back - 0.2),
                (12, front, back - 0.6),
                (15.2, front - 2, back),
                (sole - 3.2, toe + 4, back + 0.2),
                (sole - tip, toe + 0.6, back + 0.3),
                (sole, toe, back + 0.4),
            ],
            smooth=False,
        ),
        tone,
    )
    canvas.paint(canvas.ellipse((front + back) / 2 - 0.3, top + 0.2, (back - front) / 2 - 0.4, 0.9), tone * 0.25)
    canvas.shade(canvas.box(0, top + 1.4, SIDE, top + 2), 0.75)
    panel = canvas.polygon((17.6, top + 1.6), (20.6, top + 1.6), (20, 15), (18, 15))
    canvas.shade(panel * draws.chance(0.4), 0.45)  # elastic
    laced = draws.chance(0.4)
    for y in (7.5, 10, 12.5, 15):
        canvas.paint(
            canvas.polygon((front - 0.8, y), (front + 3, y - 0.8), (front + 3, y), (front - 0.8, y + 0.8)) * laced,
            np.clip(tone * 0.35, 0, 1),
        )
    strap = draws.chance(0.3)
    canvas.paint(
        canvas.polygon((front - 3.4, 16), (back, 13.4), (back + 0.2, 15.2), (front - 4.4, 17.8)) * strap, tone * 0.5
    )
    heel_tone = tone * draws.between(0.4, 0.9)
    canvas.shade(canvas.strip([(sole - 3, 5.4, 5.9), (sole, 6.2, 6.8)]), 0.6)
    thick, block = draws.between(0.8, 1.4), draws.between(2.6, 6)
    canvas.paint(canvas.strip([(sole, toe - 0.2, back + 0.6), (sole + thick, toe + 0.4, back + 0.5)]), heel_tone)
    canvas.paint(
        canvas.polygon(
            (back + 0.6 - block, sole + 0.4), (back + 0.6, sole + 0.4), (back + 0.3, 27), (back + 0.9 - block, 27)
        ),
        heel_tone,
    )
