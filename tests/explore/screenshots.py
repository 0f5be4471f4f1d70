"""Pictures of the explore page for docs/: python -m tests.explore.screenshots RUN [--out=docs/images] [--view='#...']

Writes explore_wide.png (1280 pixels) and explore_narrow.png (390 pixels), in light colours, with the Chromium that is
installed.
"""

import argparse
import io
from pathlib import Path
from typing import Any

from PIL import Image

from gan.machine import startup
from tests import browser
from tests.explore import pages

WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}
VIEW = "#psi=0.85&at=21&label=7&move=1.6,,-0.9,,1.1&corners=0;12;7;29"
COLOURS = 64  # enough for pages of grey images, and small files


def main() -> None:
    """Starts the page of a run and takes its pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="folder of a conditional run")
    parser.add_argument("--out", default="docs/images", help="folder of the pictures")
    parser.add_argument("--view", default=VIEW, help="what the page shows")
    asked = parser.parse_args()
    startup.import_tensorflow()
    from gan.jobs import explore

    with explore.serve(explore.Request(asked.run)) as served, browser.started() as chromium:
        take(chromium, f"{served.url}{asked.view}", Path(asked.out), "explore")


def take(chromium: Any, url: str, out: Path, name: str) -> None:
    """Writes the pictures of the page at an address into a folder, and says how large they are."""
    for width, (across, down) in WIDTHS.items():
        size = {"width": across, "height": down}
        with browser.watched(chromium, viewport=size, color_scheme="light") as watched:
            page = pages.opened(watched.page, url)
            page.wait_for_timeout(500)  # fonts and borders that fade
            shot = page.screenshot(full_page=width == "wide")
        path = out / f"{name}_{width}.png"
        with Image.open(io.BytesIO(shot)) as image:
            image.convert("RGB").quantize(COLOURS).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size:,} bytes; {watched.faults or 'nothing complained of'}")


if __name__ == "__main__":
    main()
