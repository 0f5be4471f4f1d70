"""Folders of images."""

import numpy as np
from PIL import Image

from tests.situations import Place, situation


@situation("folders", "an empty folder", "one line that says so, exit code 2")
def an_empty_folder(place: Place) -> None:
    (place.folder / "empty").mkdir()
    assert "has no" in place.error("preview", "--dataset=folder:empty")


@situation("folders", "images beside folders of images", "one line that names the first image that lies beside")
def images_beside_folders(place: Place) -> None:
    for name in ("set/a/1.png", "set/2.png"):
        (place.folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(place.folder / name)
    assert "set/2.png lies beside class folders" in place.error("preview", "--dataset=folder:set")
