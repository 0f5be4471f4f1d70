"""Pictures: pixel for pixel, and readable by others."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from gan.errors import StorageError, UserError
from gan.pictures import figures, raster


def frame(value: int, size: int = 6, channels: int = 1) -> np.ndarray:
    return np.full((size, size, channels), value, np.uint8)


@pytest.mark.parametrize(
    ("value", "level"),
    [(0.0, 0), (0.49 / 255, 0), (0.51 / 255, 1), (1.5 / 255, 2), (254.4 / 255, 254), (254.6 / 255, 255), (1.0, 255)],
)
def test_levels_are_rounded_not_truncated(value, level):
    assert raster.to_uint8(np.array([value])) == level


def test_to_uint8_clips_and_inverts_division_by_255():
    np.testing.assert_array_equal(raster.to_uint8([-0.3, 1.7, np.nan, np.inf, -np.inf]), [0, 255, 0, 255, 0])
    levels = np.arange(256)
    np.testing.assert_array_equal(raster.to_uint8((levels / 255).astype(np.float32)), levels)
    assert raster.to_uint8(np.zeros((2, 3, 3, 1))).shape == (2, 3, 3, 1)


def test_grid_is_exact_to_the_pixel():
    images = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2, 1)
    w = 255
    expected = [
        [w, w, w, w, w, w, w],
        [w, 0, 1, w, 4, 5, w],
        [w, 2, 3, w, 6, 7, w],
        [w, w, w, w, w, w, w],
        [w, 8, 9, w, w, w, w],
        [w, 10, 11, w, w, w, w],
        [w, w, w, w, w, w, w],
    ]
    np.testing.assert_array_equal(raster.grid(images, rows=2, columns=2)[..., 0], expected)


def test_grid_of_colours_with_any_margin():
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    for margin in (0, 3):
        image = raster.grid(images, 2, 3, margin)
        assert image.shape == (2 * (4 + margin) + margin, 3 * (5 + margin) + margin, 3)
        for i, (row, column) in enumerate(np.ndindex(2, 3)):
            top, left = margin + row * (4 + margin), margin + column * (5 + margin)
            np.testing.assert_array_equal(image[top : top + 4, left : left + 5], images[i])
    with pytest.raises(ValueError, match="6 images do not fit"):
        raster.grid(images, 1, 5)


@pytest.mark.parametrize("channels", [1, 3])
def test_png_keeps_every_pixel_and_enlarges_without_blur(tmp_path, channels):
    image = np.random.default_rng(1).integers(0, 256, (4, 6, channels), dtype=np.uint8)
    raster.write_png(tmp_path / "new" / "a.png", image, scale=3)
    with Image.open(tmp_path / "new" / "a.png") as picture:
        assert picture.mode == ("L" if channels == 1 else "RGB")
        read = np.asarray(picture).reshape(12, 18, channels)
    np.testing.assert_array_equal(read, image.repeat(3, 0).repeat(3, 1))


def test_a_failed_write_leaves_the_old_picture_alone(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StorageError, match="folder"):
        raster.write_png(tmp_path / "folder" / "a.png", frame(0))
    assert (tmp_path / "folder").read_text() == "a file"


def gif_frames(path) -> tuple[list[np.ndarray], list[int]]:
    with Image.open(path) as gif:
        frames = [(np.asarray(f.convert("RGB")), f.info["duration"]) for f in ImageSequence.Iterator(gif)]
    return [image for image, _ in frames], [time for _, time in frames]


def test_gif_shows_every_frame_and_holds_the_last(tmp_path):
    raster.write_png(tmp_path / "2.png", frame(120))
    raster.write_animation(tmp_path / "a.gif", [frame(0), tmp_path / "2.png", frame(250)], milliseconds=100)
    images, times = gif_frames(tmp_path / "a.gif")
    assert [int(image[0, 0, 0]) for image in images] == [0, 120, 250]
    assert times == [100, 100, 1000]


def test_gif_of_a_loop_holds_nothing(tmp_path):
    raster.write_animation(tmp_path / "a.gif", [frame(0), frame(120), frame(250)], milliseconds=80, last_factor=1)
    assert gif_frames(tmp_path / "a.gif")[1] == [80, 80, 80]


def test_gif_of_colours(tmp_path):
    colours = [np.tile(np.uint8(rgb), (6, 6, 1)) for rgb in ([255, 0, 0], [0, 255, 0], [0, 0, 255])]
    raster.write_animation(tmp_path / "a.gif", colours)
    np.testing.assert_array_equal(gif_frames(tmp_path / "a.gif")[0], colours)


@pytest.mark.parametrize("kind", ["webp", "apng"])
def test_webp_and_apng_keep_every_pixel_and_go_round_for_ever(tmp_path, kind):
    frames = list(np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3), np.uint8))
    raster.write_animation(tmp_path / f"a.{kind}", frames, milliseconds=80, last_factor=2)
    images, times = gif_frames(tmp_path / f"a.{kind}")
    np.testing.assert_array_equal(images, frames)
    with Image.open(tmp_path / f"a.{kind}") as picture:
        assert (picture.n_frames, picture.info["loop"]) == (3, 0)
    assert times == [80, 80, 160]


def test_what_a_format_cannot_hold_is_refused_before_it_is_drawn(tmp_path):
    raster.check_animation("a.webp", (16383, 10))
    raster.check_animation("a.apng", (70_000, 10))
    with pytest.raises(UserError, match="frames of 10 x 16,384 pixels, and .webp holds 16,383 a side at most"):
        raster.check_animation("a.webp", (10, 16384))
    with pytest.raises(UserError, match=".gif holds 65,535"):
        raster.check_animation("a.gif", (65_536, 10))


def test_gif_is_bounded_by_even_thinning(tmp_path):
    raster.write_animation(tmp_path / "a.gif", [frame(i) for i in range(250)], max_frames=11)
    images, _ = gif_frames(tmp_path / "a.gif")
    shown = [int(image[0, 0, 0]) for image in images]
    assert len(shown) == 11
    assert shown[0] == 0
    assert shown[-1] == 249
    assert set(np.diff(shown)) <= {24, 25, 26}
    assert raster.thinned(range(5), 200) == [0, 1, 2, 3, 4]


def test_gif_survives_a_changed_grid_and_bad_files(tmp_path):
    (tmp_path / "torn.png").write_bytes(raster.png(frame(9, size=40))[:60])
    frames = [frame(50, size=3), tmp_path / "torn.png", tmp_path / "missing.png", frame(100, size=6)]
    raster.write_animation(tmp_path / "a.gif", frames)
    images, _ = gif_frames(tmp_path / "a.gif")
    assert [image.shape for image in images] == [(6, 6, 3)] * 2
    assert [int(image[0, 0, 0]) for image in images] == [50, 100]
    with pytest.raises(UserError, match="no pictures to animate"):
        raster.write_animation(tmp_path / "b.gif", [tmp_path / "torn.png"])


@pytest.mark.parametrize("channels", [1, 3])
def test_titled_grid_draws_each_image_below_its_title(tmp_path, channels):
    images = np.stack([frame(0, 8, channels), frame(255, 8, channels), frame(0, 8, channels)])
    figures.titled_grid(tmp_path / "a.png", images, ["Coat", "Bag", "Coat"], columns=2, heading="garments")
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    height, width = pixels.shape
    dark = (pixels < 10).mean(axis=0)
    assert width > height / 2
    # Two black images stand in the left column, a white one at the top right with an empty cell below it.
    assert dark[: width // 2].max() > 0.5
    assert dark[width // 2 :].max() < 0.2


def dark_runs(path, column):
    """The lengths of the runs of black pixels down a column, and those of the gaps between them."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("L"))
    edges = np.flatnonzero(np.diff((pixels[:, int(column * pixels.shape[1])] < 10).astype(int)))
    return np.diff(edges)[::2], np.diff(edges)[1::2]


def test_a_titled_grid_of_wide_images_leaves_no_more_than_titles_between_them(tmp_path):
    images = np.zeros((6, 16, 64, 3), np.uint8)
    figures.titled_grid(tmp_path / "a.png", images, [""] * 6, columns=2, heading="wide")
    images, gaps = dark_runs(tmp_path / "a.png", 0.25)
    assert len(images) == 3 and max(gaps) < 60  # half an inch


def test_titled_rows_of_wide_images_leave_room_for_titles(tmp_path):
    white, black = (np.full((16, 64, 3), value, np.uint8) for value in (255, 0))
    figures.titled_rows(tmp_path / "a.png", [[(black, "")], [(black, "")], [(white, "Coat")]], "wide")
    images, gaps = dark_runs(tmp_path / "a.png", 0.1)
    assert len(images) == 2 and max(images) < 1.1 * 120 / 4 + 2  # a quarter of the width, which is 1.1 inches
    assert min(gaps) > 8 / 72 * 120 * 1.5  # pixels of a line of letters of 8 points


@pytest.mark.parametrize("draw", [
    lambda path, image, text: figures.titled_grid(path, image[None], [""], columns=1, heading=text),
    lambda path, image, text: figures.titled_rows(path, [[(image, "")]], (text, "")),
])  # fmt: skip
def test_a_long_heading_goes_on_in_further_lines(tmp_path, draw):
    draw(
        tmp_path / "a.png", np.full((16, 16, 3), 255, np.uint8), f"folder:/{'photographs of' * 9}/the sea and the land"
    )
    with Image.open(tmp_path / "a.png") as picture:
        dark = np.asarray(picture.convert("L")) < 128
    assert dark.any() and not dark[:, :2].any() and not dark[:, -2:].any()
    lines = np.diff(dark.any(axis=1).astype(int)).clip(0).sum()
    assert lines >= 6


def test_a_title_is_shown_as_it_is(tmp_path, recwarn):
    """Neither taken for a formula nor a reason for warnings about fonts."""
    figures.titled_grid(tmp_path / "a.png", frame(0, 8, 1)[None], ["a$_$b \u732b"], columns=1, heading="$\\frac$")
    assert (tmp_path / "a.png").exists() and not recwarn.list
