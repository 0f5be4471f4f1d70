"""What is found out of data sets in the tests is kept in no cache of the person who runs them."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory, monkeypatch):
    """A cache of its own for each test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def draw(tmp_path) -> Callable[..., np.ndarray]:
    """`draw(name, seed)` writes an image of noise below the test's folder and returns its pixels uint8 [8, 8, 3]."""

    def write(name: str, seed: int = 0, side: int = 8) -> np.ndarray:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return pixels

    return write
