"""Pictures of an exported page for docs/: python -m tests.export.web.screenshots FOLDER [--out=docs/images]

FOLDER is what bin/export --format=web has written. Writes web_wide.png (1280 pixels) and web_narrow.png (390 pixels),
in light colours, with the Chromium that is installed.
"""

import argparse
from pathlib import Path

from tests import browser
from tests.explore import screenshots
from tests.export.web import sites

VIEW = "#psi=0.9&at=4&label=4&move=,1.4,,-1.2&corners=4;10;6;27"


def main() -> None:
    """Serves the folder and takes its pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="what bin/export --format=web has written of a conditional run")
    parser.add_argument("--out", default="docs/images", help="folder of the pictures")
    parser.add_argument("--view", default=VIEW, help="what the page shows")
    asked = parser.parse_args()
    with sites.served(Path(asked.folder)) as base, browser.started() as chromium:
        screenshots.take(chromium, f"{base}/{asked.view}", Path(asked.out), "web")


if __name__ == "__main__":
    main()
