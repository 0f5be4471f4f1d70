"""The picture that a search is for: as the run's data would have it, or one line."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan import config
from gan.data import sources
from gan.data.decoding.fit import filling
from gan.errors import UserError
from gan.jobs import sample_like
from gan.runs.trained import SavedRun

PIXELS = np.random.default_rng(0).integers(0, 256, (45, 60, 4), np.uint8)


def run_of(shape: tuple[int, int, int], **settings) -> SavedRun:
    return SavedRun(Path(), config.make(**settings), shape, ("a",), (1.0,), (0,), "")


def write(path: Path, picture: Image.Image, **options) -> Path:
    picture.save(path, **options)
    return path


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize("crop", ["center", "pad", "random"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_seen_as_one_of_a_folder(tmp_path, crop, channels):
    pictures = [
        write(tmp_path / "a.png", Image.fromarray(PIXELS)),
        write(tmp_path / "b.jpg", Image.fromarray(PIXELS[..., :3]), exif=turned()),
        write(tmp_path / "c.png", Image.fromarray(PIXELS[..., 0])),
    ]
    settings = {"resolution": 16, "channels": channels, "crop": "center" if crop == "random" else crop}
    expected, _ = sources.open_source(f"folder:{tmp_path}", **settings).read(np.arange(3))
    run = run_of((16, 16, channels), resolution=16, crop=crop)
    np.testing.assert_array_equal([sample_like.photo_of(path, run) for path in pictures], expected)


def test_images_that_are_not_square_take_the_middle_of_a_picture(tmp_path):
    path = write(tmp_path / "a.png", Image.fromarray(PIXELS[..., 0]))
    run = run_of((10, 20, 1), crop="none", resolution=10)
    middle = PIXELS[7:37, :, 0].astype(float)  # of which every 3 x 3 become one
    whole = write(tmp_path / "b.png", Image.fromarray(PIXELS[7:37, :, 0]))
    blocks = middle.reshape(10, 3, 20, 3).mean(axis=(1, 3))
    seen = sample_like.photo_of(whole, run)
    assert seen.shape == (10, 20, 1) and np.abs(seen[..., 0] - blocks).max() <= 1
    cut = sample_like.photo_of(path, run)[..., 0]  # 7.5 rows lie above and below: whole ones are taken
    assert cut.shape == (10, 20)
    either = [PIXELS[top : top + 30, :, 0].reshape(10, 3, 20, 3).mean(axis=(1, 3)) for top in (7, 8)]
    assert min(np.abs(cut - blocks).max() for blocks in either) <= 1
    np.testing.assert_array_equal(filling(PIXELS, 45, 60), PIXELS)


def test_what_is_no_picture_is_one_line(tmp_path):
    run = run_of((28, 28, 1))
    (tmp_path / "text.png").write_text("no picture")
    os.mkfifo(tmp_path / "fifo")
    for name, words in (
        ("nowhere.png", "--like=.*nowhere.png is not there; name a picture"),
        ("text.png", "text.png cannot be read as an image"),
        ("", "is a folder; name a picture"),
        ("fifo", "is a FIFO; name a picture"),
    ):
        with pytest.raises(UserError, match=words):
            sample_like.photo_of(tmp_path / name, run)
