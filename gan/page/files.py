"""The files of the page, by name. Those of a backend belong to one of its servers; all others are common.

index.html loads page.js, which imports ./backend.js: whoever serves the page gives one of the backends that name.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
BACKEND = "backend.js"
COMMON = (
    "index.html",
    "style.css",
    "page.js",
    "view.js",
    "places.js",
    "latent_space.js",
    "drawing.js",
    "pictures.js",
    "archive.js",
    "elements.js",
    "classes.js",
    "samples.js",
    "picture.js",
    "sliders.js",
    "walk.js",
    "plane.js",
    "saving.js",
    "steps.js",
)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}  # all in UTF-8


def common() -> dict[str, bytes]:
    """The content of every file that the page has wherever it is served."""
    return {name: read(name) for name in COMMON}


def read(name: str) -> bytes:
    """The content of a file of the page, such as one of its backends."""
    return (FOLDER / name).read_bytes()
