"""How fast an exported page is in the Chromium that is installed: python -m tests.export.web.speed FOLDER

FOLDER is what bin/export --format=web has written. Prints the time until the page can be used, images a second of one
latent after the other and of a grid, and how many different pictures a second are shown while a slider is dragged.
"""

import argparse
from pathlib import Path

from tests import browser
from tests.explore import drags, pages
from tests.export.web import sites

SECONDS = 2
DRAWN = """async ([count, seconds]) => {
  const backend = await (await import("./backend.js")).open(), { classes } = backend.facts;
  const latents = await backend.latents(1, 0, count);
  const labels = classes.length ? new Int32Array(count).fill(classes[0].number) : null;
  let drawn = 0;
  const start = performance.now();
  while (performance.now() - start < 1000 * seconds) {
    await backend.draw(latents, labels, null);
    drawn += count;
  }
  return { speed: (1000 * drawn) / (performance.now() - start), computes: backend.computes };
}"""


def main() -> None:
    """Measures the page in a folder and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="what bin/export --format=web has written")
    folder = Path(parser.parse_args().folder)
    with sites.served(folder) as base, browser.started() as chromium, browser.watched(chromium) as watched:
        page = watched.page
        page.goto(base)
        page.wait_for_selector("html[data-ready=true]")
        ready = page.evaluate("performance.now() / 1000")
        pages.quiet(page)
        print(
            f"until it can be used: {ready:.2f} s; all samples drawn: {page.evaluate('performance.now() / 1000'):.2f} s"
        )
        for count in (1, 40):
            found = page.evaluate(DRAWN, [count, SECONDS])
            print(f"{found['computes']}, {count} at a time: {found['speed']:,.0f} images/s")
        count, seconds = drags.dragged(page)
        print(f"dragging a slider: {count / seconds:,.0f} different pictures/s ({count} in {seconds:.1f} s)")


if __name__ == "__main__":
    main()
