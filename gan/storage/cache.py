"""Arrays that take long to make, kept on disk between runs, under $XDG_CACHE_HOME/gan-engine or ~/.cache/gan-engine.

$XDG_CACHE_HOME counts where it is a path from the root, as its specification says. Without it and without a home there
is no cache.

An entry is a folder of .npy files, such as decoded images and their labels, and facts.json, which holds their
sha256. It is written under another name and renamed, so it is whole or absent; a damaged one is made again. A cache
that cannot be written is no error.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan.errors import UserError
from gan.paths import home
from gan.storage.files import read_bytes, remove, sha256, temporary

Arrays = tuple[np.ndarray, ...]
Names = tuple[str, ...]
MAX_BYTES = 1 << 30  # larger sets are not worth their place on the disk
IMAGES = ("images", "labels")


def folder() -> Path | None:
    """Where the entries are; None where no place is known for a cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(home(), ".cache")
    return Path(base, "gan-engine") if os.path.isabs(base) else None


def get(key: str, build: Callable[[], Arrays], names: Names = IMAGES) -> Arrays:
    """The entry `key`, or what `build` returns, which is then kept. An empty key is never kept.

    `names` are those of the arrays' files.
    """
    if not key:
        return build()
    found = read(key, names)
    if found is None:
        found = build()
        if found[0].nbytes <= MAX_BYTES:
            write(key, names, found)
    return found


def read(key: str, names: Names) -> Arrays | None:
    """The arrays of an entry, or None if it is absent or not what was written."""
    if not (place := folder()):
        return None
    entry = place / key
    files = _files(entry, names)
    try:
        facts = json.loads(read_bytes(entry / "facts.json"))
        if any(sha256(file) != facts["sha256"][file.name] for file in files):
            return None
        return tuple(np.load(file, allow_pickle=False) for file in files)
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None


def _files(entry: Path, names: Names) -> list[Path]:
    return [entry / f"{name}.npy" for name in names]


def write(key: str, names: Names, arrays: Arrays) -> None:
    """Keeps the arrays as the entry `key`, in place of what is there; gives up silently where that is not possible."""
    if not (place := folder()):
        return
    entry, new = place / key, None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        new = temporary(entry, entry.parent)
        new.mkdir()
        files = _files(new, names)
        for file, array in zip(files, arrays, strict=True):
            np.save(file, array, allow_pickle=False)
        facts = {"sha256": {file.name: sha256(file) for file in files}, "shape": list(arrays[0].shape)}
        (new / "facts.json").write_text(json.dumps(facts, indent=1))
        remove(entry)
        os.rename(new, entry)
    except OSError:  # read-only, full, or another process was quicker: the arrays are in memory all the same
        pass
    finally:
        if new:
            remove(new)  # also where this was interrupted
