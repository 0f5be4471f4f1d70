"""model.json, which says what the models in a folder are: of which run, step and data, what goes in and what comes out.

Whatever uses an export reads it: other commands, a page in a browser. Paths of the machine that trained are not in it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "model.json"
VERSION = 1


def text(description: Mapping[str, Any]) -> str:
    """A description as the content of the file."""
    return json.dumps({"version": VERSION, **description}, indent=1, allow_nan=False) + "\n"


def read(folder: Path) -> dict[str, Any] | None:
    """The description in a folder; None if there is none that this version understands. Raises `OSError`."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("version") == VERSION and "generator" in found else None
