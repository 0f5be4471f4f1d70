"""The program that makes very many images and measures opening them, on few."""

import io
import json

import numpy as np
from PIL import Image

from gan.bench.programs import many_images


def test_its_images_are_png_files_of_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(many_images.png(pixels)))), pixels)


def test_it_makes_what_it_is_told_and_opens_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "set"
    for number in range(3):
        (folder / f"class {number:04}").mkdir(parents=True)
    many_images.make(folder, count=25, classes=3, side=8, start=0)
    found = json.loads(json.dumps(many_images.opened(folder)))
    assert (found["images"], found["classes"], found["duplicates"], found["read"]) == (25, 3, 0, 25)
    assert found["seconds"] >= 0 and found["mib"] >= found["mib_before"] > 0
