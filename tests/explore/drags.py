"""Drags on an explore page: how many pictures are shown meanwhile, and how long each takes."""

from typing import Any

from tests.explore import pages

_PLACES = (0.95, 0.05, 0.9, 0.1, 0.5)  # of a slider's way, to which it is dragged in turn
_STEPS = 60  # of the pointer from place to place
_WATCH = """() => {
  const put = CanvasRenderingContext2D.prototype.putImageData, picture = document.getElementById("picture");
  window.shown = [];
  CanvasRenderingContext2D.prototype.putImageData = function (image, ...rest) {
    if (this.canvas === picture) window.shown.push([performance.now(), image.data.join()]);
    return put.call(this, image, ...rest);
  };
}"""
_SHOWN = """() => {
  const times = window.shown.filter(([, data], i, all) => !i || data !== all[i - 1][1]).map(([time]) => time);
  return [times.length, (times.at(-1) - times[0]) / 1000];
}"""

_WAITS = """() => {
  const put = CanvasRenderingContext2D.prototype.putImageData, picture = document.getElementById("picture");
  window.waits = [];
  let moved = null;
  document.getElementById("direction-0").addEventListener("input", () => { moved = performance.now(); }, true);
  CanvasRenderingContext2D.prototype.putImageData = function (...all) {
    const done = put.apply(this, all);
    if (this.canvas === picture && moved !== null) {
      window.waits.push(performance.now() - moved);
      moved = null;
    }
    return done;
  };
}"""


def dragged(page: Any) -> tuple[int, float]:
    """(different pictures, seconds) while the pointer moves a slider to and fro."""
    page.set_viewport_size({"width": 1280, "height": 2000})  # all of the page is in sight
    page.evaluate(_WATCH)
    box = page.locator("#direction-0").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for share in _PLACES:
        page.mouse.move(box["x"] + box["width"] * share, middle, steps=_STEPS)
    page.mouse.up()
    pages.quiet(page)
    return tuple(page.evaluate(_SHOWN))


def waits(page: Any, count: int) -> list[float]:
    """Milliseconds from each of `count` moves of a slider that is dragged to its picture, which is waited for."""
    page.set_viewport_size({"width": 1280, "height": 2000})
    page.evaluate(_WAITS)
    box = page.locator("#direction-0").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for i in range(count):
        page.mouse.move(box["x"] + box["width"] * (0.1 + 0.8 * (i * 0.382 % 1)), middle)
        page.wait_for_function("(count) => window.waits.length > count", arg=i)
    page.mouse.up()
    return page.evaluate("window.waits")
