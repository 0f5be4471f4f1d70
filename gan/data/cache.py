"""Decoded images kept on disk between runs, under $XDG_CACHE_HOME/gan-engine or ~/.cache/gan-engine.

An entry is a folder with images.npy, labels.npy and facts.json, which holds their sha256. It is written under another
name and renamed, so it is whole or absent; a damaged one is made again. A cache that cannot be written is no error.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray]
MAX_BYTES = 1 << 30  # larger sets are not worth their place on the disk
FILES = ("images.npy", "labels.npy")


def folder() -> Path:
    """Where the entries are."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan-engine"


def get(key: str, build: Callable[[], Arrays]) -> Arrays:
    """The entry `key`, or what `build` returns, which is then kept. An empty key is never kept."""
    if not key:
        return build()
    found = _read(folder() / key)
    if found is None:
        found = build()
        if found[0].nbytes <= MAX_BYTES:
            _write(folder() / key, found)
    return found


def _read(entry: Path) -> Arrays | None:
    """The arrays of an entry, or None if it is absent or not what was written."""
    try:
        facts = json.loads((entry / "facts.json").read_text())
        if any(_sha256(entry / name) != facts["sha256"][name] for name in FILES):
            return None
        images, labels = (np.load(entry / name, allow_pickle=False) for name in FILES)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return images, labels


def _write(entry: Path, arrays: Arrays) -> None:
    """Puts the arrays where `entry` is, in place of what is there; gives up silently where that is not possible."""
    temporary = None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=entry.parent))
        for name, array in zip(FILES, arrays, strict=True):
            np.save(temporary / name, array, allow_pickle=False)
        facts = {"sha256": {name: _sha256(temporary / name) for name in FILES}, "shape": list(arrays[0].shape)}
        (temporary / "facts.json").write_text(json.dumps(facts, indent=1))
        shutil.rmtree(entry, ignore_errors=True)
        os.rename(temporary, entry)
    except OSError:  # read-only, full, or another process was quicker: the arrays are in memory all the same
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
