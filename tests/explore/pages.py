"""Looking at an explore page in a browser: what it has drawn, once it has drawn it."""

import base64
from pathlib import Path
from typing import Any

import numpy as np

from tests import browser

_QUIET = "() => document.documentElement.dataset.ready && !document.querySelector('[aria-busy]')"
_PIXELS = """(canvases) => canvases.map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.height, canvas.width, btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""))];
})"""

CONTRASTS = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const hasText = (node) => node.nodeType === 3 && node.data.trim();
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && [...element.childNodes].some(hasText))
    .map((element) => {
      const [one, other] = [parse(getComputedStyle(element).color), behind(element)].map(light);
      return [element.textContent.trim(), (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)];
    });
}"""
"""Every text that is seen with the contrast of its colour and what is behind it (WCAG 2.2)."""

OUTSIDE = """() => [...document.querySelectorAll("button, input, canvas")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth)
  .map((one) => one.id || one.className)"""
"""Those controls that do not fit on the window."""


def opened(page: Any, url: str) -> Any:
    """The page at an address, once everything on it is drawn."""
    page.goto(url)
    return quiet(page)


def quiet(page: Any) -> Any:
    """The page, once everything on it is drawn."""
    page.wait_for_function(_QUIET)
    return page


def pixels(page: Any, selector: str, channels: int = 1) -> np.ndarray:
    """What is on canvases of one size, uint8 [n, H, W, channels]: as many channels as differ, all of it opaque."""
    found = page.locator(selector).evaluate_all(_PIXELS)
    images = [
        np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4) for height, width, data in found
    ]
    stacked = np.stack(images)
    assert (stacked[..., 3] == 255).all()
    if channels == 1:
        assert (stacked[..., :1] == stacked[..., :3]).all()
    return stacked[..., :channels]


def picture(page: Any, channels: int = 1) -> np.ndarray:
    """The large picture [H, W, channels], once it is drawn."""
    return pixels(quiet(page), "#picture", channels)[0]


def grid(page: Any, channels: int = 1) -> np.ndarray:
    """The samples of the grid [40, H, W, channels], once they are drawn."""
    return pixels(quiet(page), ".cell canvas", channels)


def saved_latents(page: Any, folder: Path, button: str = "#save-latent") -> dict[str, np.ndarray]:
    """The arrays of the archive that a button saves."""
    with np.load(browser.downloaded(page, button, folder), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def moves(page: Any) -> list[float]:
    """Where the sliders of the directions are."""
    return page.locator("#sliders input").evaluate_all("(all) => all.map((one) => Number(one.value))")


def slide(page: Any, selector: str, share: float) -> None:
    """Drags a slider from where it is to a share 0..1 of its way, by the pointer."""
    slider = page.locator(selector)
    slider.evaluate("(range) => range.scrollIntoView({ block: 'nearest' })")
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    at = slider.evaluate("(range) => (range.value - range.min) / (range.max - range.min)")
    page.mouse.move(box["x"] + 8 + at * (box["width"] - 16), middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), middle, steps=6)
    page.mouse.up()
