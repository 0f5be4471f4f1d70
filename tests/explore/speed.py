"""How fast the explore page of a run is in the Chromium that is installed: python -m tests.explore.speed RUN

Prints the time until the page is drawn, that from a move of a slider to its picture, and how many different pictures a
second are shown while it is dragged.
"""

import argparse
import statistics

from gan.machine import startup
from tests import browser
from tests.explore import drags, pages

_MOVES = 100


def main() -> None:
    """Starts the page of a run, measures it and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="folder of a run")
    startup.import_tensorflow()
    from gan.jobs import explore

    request = explore.Request(parser.parse_args().run)
    with explore.serve(request) as served, browser.started() as chromium:
        with browser.watched(chromium) as watched:
            pages.opened(watched.page, served.url)
            print(f"all samples drawn after {watched.page.evaluate('performance.now() / 1000'):.2f} s")
            found = sorted(drags.waits(watched.page, _MOVES))
            print(
                f"from a move to its picture: median {statistics.median(found):.0f} ms, "
                f"90 of 100 within {found[int(0.9 * _MOVES) - 1]:.0f} ms, all within {found[-1]:.0f} ms"
            )
        with browser.watched(chromium) as watched:
            count, seconds = drags.dragged(pages.opened(watched.page, served.url))
            print(f"dragging a slider: {count / seconds:,.0f} different pictures/s ({count} in {seconds:.1f} s)")


if __name__ == "__main__":
    main()
