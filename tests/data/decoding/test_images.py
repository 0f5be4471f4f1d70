"""Decoding, converting and resizing."""

import io
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from gan.data.decoding.fit import Fit, fitted_shape
from gan.data.decoding.images import Header, check, decode, read_header
from gan.errors import UserError
from tests.image_files import chunk, encoded, exif, png, smooth


def random_image(*shape) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_png_pixels_come_back_exactly():
    grey, colour = random_image(9, 9), random_image(9, 9, 3)
    assert np.array_equal(decode(encoded(grey), Fit(0, 1), "x")[..., 0], grey)
    assert np.array_equal(decode(encoded(colour), Fit(0, 3), "x"), colour)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "QOI"])
def test_lossless_formats_give_the_same_pixels(kind):
    image = random_image(7, 9, 3)
    stored = Image.fromarray(image).quantize(256) if kind == "GIF" else image
    data = encoded(stored, kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.array_equal(decode(data, Fit(), "x"), image)
    assert read_header(data) == Header(9, 7, 3, False, kind)


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("AVIF", {}), ("MPO", {"save_all": True})])
def test_formats_with_losses_give_about_the_same_pixels(kind, options):
    image = smooth(24, 32)
    further = [Image.fromarray(image)] if kind == "MPO" else []
    data = encoded(image, kind, quality=97, append_images=further, **options)
    assert np.abs(decode(data, Fit(), "x").astype(int) - image).mean() < 8
    assert read_header(data)[:6] == (32, 24, 3, False, kind, 8)


def test_grey_becomes_rgb_by_tiling_and_rgb_becomes_luma():
    grey, colour = random_image(5, 5), random_image(5, 5, 3)
    assert np.array_equal(decode(encoded(grey), Fit(0, 3), "x"), np.repeat(grey[..., None], 3, 2))
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(encoded(colour), Fit(0, 1), "x")[..., 0] - luma).max() <= 0.51


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "QOI", "JPEG2000"])
def test_transparent_pixels_are_white(kind):
    image = np.zeros((2, 2, 4), np.uint8)
    image[0, 0] = 10, 20, 30, 255
    data = encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
    pixels = decode(data, Fit(0, 3), "x")
    assert pixels[0, 0].tolist() == [10, 20, 30] and (pixels[1] == 255).all()
    assert read_header(data).alpha


def test_shrinking_averages_areas_and_oblong_images_are_cropped_to_the_middle():
    image = random_image(8, 8).astype(np.float64)
    areas = image.reshape(4, 2, 4, 2).mean((1, 3))
    pixels = decode(encoded(image.astype(np.uint8)), Fit(4, 1), "x")[..., 0]
    assert np.abs(pixels - areas).max() <= 0.51
    oblong = random_image(4, 10)
    assert np.array_equal(decode(encoded(oblong), Fit(4, 1), "x")[..., 0], oblong[:, 3:7])
    assert decode(encoded(oblong), Fit(16, 1), "x").shape == (16, 16, 1)


def test_a_random_crop_is_cut_at_its_place():
    wide, fit = random_image(4, 10), Fit(4, 1, "random")
    lefts = [0, 0, 1, 6]
    for place, left in zip([0.0, 0.14, 0.15, 0.999], lefts, strict=True):
        assert np.array_equal(decode(encoded(wide), fit, "x", place)[..., 0], wide[:, left : left + 4])
        assert np.array_equal(decode(encoded(wide.T), fit, "x", place)[..., 0], wide.T[left : left + 4])
    assert np.array_equal(decode(encoded(wide), fit, "x")[..., 0], wide[:, 3:7])
    assert np.array_equal(decode(encoded(wide), Fit(4, 1), "x", 0.9)[..., 0], wide[:, 3:7])
    together = fit.array(np.stack([wide] * 4)[..., None], np.array([0.0, 0.14, 0.15, 0.999]))
    assert np.array_equal(together[..., 0], np.stack([wide[:, left : left + 4] for left in lefts]))


def test_padding_puts_the_whole_image_on_white():
    wide = random_image(4, 8, 3)
    pixels = decode(encoded(wide), Fit(8, 3, "pad"), "x")
    assert np.array_equal(pixels[2:6], wide) and (pixels[[0, 1, 6, 7]] == 255).all()
    small = decode(encoded(wide), Fit(4, 3, "pad"), "x")
    areas = wide.reshape(2, 2, 4, 2, 3).astype(float).mean((1, 3))
    assert np.abs(small[1:3] - areas).max() <= 0.51 and (small[[0, 3]] == 255).all()


def test_without_a_crop_the_aspect_ratio_stays():
    wide = random_image(4, 10)
    halves = wide.reshape(2, 2, 5, 2).astype(float).mean((1, 3))
    assert np.abs(decode(encoded(wide), Fit(2, 1, "none"), "x")[..., 0] - halves).max() <= 0.51
    for height, width, resolution in [(10, 15, 3), (15, 10, 8), (7, 7, 14), (100, 33, 4)]:
        fit = Fit(resolution, 1, "none")
        assert decode(encoded(random_image(height, width)), fit, "x").shape == fitted_shape(height, width, 1, fit, "x")


def test_the_shape_after_a_crop():
    assert fitted_shape(10, 20, 3, Fit(16, 1), "x") == (16, 16, 1)
    assert fitted_shape(10, 15, 3, Fit(3, crop="none"), "x") == (3, 5, 3)
    for crop in ("center", "random", "pad", "none"):
        assert fitted_shape(10, 20, 3, Fit(0, 0, crop), "x") == (10, 20, 3)
        assert np.array_equal(decode(encoded(random_image(4, 10)), Fit(0, 0, crop), "x")[..., 0], random_image(4, 10))


def test_arrays_in_the_wanted_form_are_not_copied():
    images = random_image(3, 8, 8, 1)
    assert Fit(0, 1).array(images) is images and Fit(8, 1).array(images) is images
    assert Fit(4, 3).array(images).shape == (3, 4, 4, 3)
    oblong = random_image(3, 8, 16, 1)
    assert Fit(0, 1).array(oblong) is oblong and Fit(8, 1, "none").array(oblong) is oblong


def test_arrays_of_other_types_become_levels():
    deep = np.array([[[[0], [4095]], [[2048], [5000]]]], np.uint16)
    assert Fit(0, 1, "center", (0, 4095)).array(deep).ravel().tolist() == [0, 255, 128, 255]
    assert Fit(0, 1).array(deep).ravel().tolist() == [0, 15, 8, 19]


def test_limits_of_values_hold_for_8_bits_too():
    grey = np.arange(0, 256, 5, dtype=np.uint8).reshape(4, 13)
    wanted = np.rint((grey.astype(float) - 50) * 5.1).clip(0, 255)
    fit = Fit(value_range=(50, 100))
    assert np.array_equal(decode(encoded(grey), fit, "x")[..., 0], wanted)
    assert np.array_equal(decode(encoded(Image.fromarray(grey).convert("RGB")), fit, "x")[..., 1], wanted)
    clear = np.dstack([grey, grey, grey, np.where(grey < 100, 0, 255).astype(np.uint8)])
    assert np.array_equal(decode(encoded(clear), fit, "x")[..., 0], np.where(grey < 100, 255, wanted))


def test_frames_are_counted_and_the_first_is_used():
    first, second = random_image(6, 6, 3), Image.fromarray(255 - random_image(6, 6, 3))
    for kind in ("PNG", "TIFF", "WEBP"):
        data = encoded(
            first, kind, save_all=True, append_images=[second] * 2, **({"lossless": True} if kind == "WEBP" else {})
        )
        assert read_header(data).frames in (2, 3) and np.array_equal(decode(data, Fit(), "x"), first)
    animation = encoded(
        Image.fromarray(first).quantize(256), "GIF", save_all=True, append_images=[second.quantize(256)]
    )
    assert read_header(animation).frames == 2 and np.array_equal(decode(animation, Fit(), "x"), first)
    assert read_header(encoded(first, "MPO", save_all=True, append_images=[second])).frames == 1


def test_deep_images_that_have_no_levels_are_refused_by_their_header():
    header = read_header(encoded(Image.fromarray(np.array([[0, 2.5]], np.float32)), "TIFF"))
    assert header.bits == "float" and header.values == (0, 2.5)
    with pytest.raises(
        UserError, match=r"^x\.tif has floats from 0 to 2\.5, not from 0 to 1; .*--value_range=MIN,MAX$"
    ):
        check(header, Fit(), "x.tif")
    check(header, Fit(value_range=(0, 3)), "x.tif")
    check(read_header(encoded(random_image(3, 3))), Fit(), "x.png")


BOMB = chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(80_000_000)))
REFUSED = {
    "empty": (b"", "it is empty"),
    "text": (b"hello", "it is of no image format that is read"),
    "web page": (b"<!DOCTYPE html><html>", "it is a web page"),
    "drawing": (b'<?xml version="1.0"?>\n<svg>', "it is an SVG drawing"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1", "it is a Git LFS pointer to the image"),
    "archive": (b"PK\3\4", "it is a ZIP archive"),
    "beginning of a PNG": (b"\x89PNG\r\n\x1a\n", "damaged, or of a kind of PNG that is not read"),
    "beginning of a JPEG": (b"\xff\xd8\xff", "damaged, or of a kind of JPEG that is not read"),
    "beginning of a TIFF": (b"II*\0", "damaged, or of a kind of TIFF that is not read"),
    "many pixels": (png(random_image(1, 1, 1)).replace(b"\0\0\0\1\0\0\0\1", b"\0\1\0\0\0\1\0\0"), "damaged"),
    "large text": (png(random_image(2, 2, 3), before=BOMB), "a text or profile in it is too large"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_no_image_is_one_line_that_says_why(fault):
    data, reason = REFUSED[fault]
    for read in (lambda: read_header(data, "photo"), lambda: decode(data, Fit(), "photo")):
        with pytest.raises(UserError) as caught:
            read()
        text = str(caught.value)
        assert text.startswith(f"photo cannot be read as an image ({reason}") and text.endswith("repair or remove it")
        assert "\n" not in text


def test_too_many_pixels_are_one_line():
    small = png(random_image(1, 1, 1))
    head = b"IHDR" + (20000).to_bytes(4, "big") * 2 + small[24:29]
    with pytest.raises(UserError, match=r"photo .*it has more than 178,956,970 pixels"):
        decode(small[:12] + head + zlib.crc32(head).to_bytes(4, "big") + small[33:], Fit(), "photo")


def test_a_file_that_is_gone_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"gone\.png cannot be read as an image \(No such file or directory\)"):
        read_header(tmp_path / "gone.png")


def test_damaged_metadata_are_passed_over_without_a_word(tmp_path):
    """In a process of its own: what libraries write to standard error by themselves is seen there only."""
    image = random_image(6, 8, 3)
    ragged = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 40
    for name, data in {
        "exif.png": encoded(image, exif=ragged),
        "exif.webp": encoded(image, "WEBP", lossless=True, exif=ragged),
        "exif.jpg": encoded(image, "JPEG", exif=ragged),
        "profile.png": encoded(image, icc_profile=b"rubbish" * 30),
        "orientation.png": encoded(image, exif=exif(77)),
        "tags.tif": _with_a_strange_tag(encoded(image, "TIFF", compression="tiff_deflate")),
        "pixels.tif": _with_damaged_pixels(encoded(smooth(40, 40), "TIFF", compression="tiff_deflate")),
    }.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "large.pgm").write_bytes(b"P5 10000 9000 255\n")
    code = """if True:
        import sys
        from pathlib import Path
        from gan.data.decoding.fit import Fit
        from gan.data.decoding.images import decode, read_header
        from gan.errors import UserError
        for path in sorted(Path(sys.argv[1]).iterdir()):
            try:
                read_header(path)
                print(path.name, decode(path, Fit(), path.name).shape)
            except UserError as error:
                print(error)"""
    found = subprocess.run(
        [sys.executable, "-W", "always", "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    assert found.stderr == ""
    lines = found.stdout.splitlines()
    assert [line for line in lines if line.endswith("(6, 8, 3)")] == [
        f"{name} (6, 8, 3)"
        for name in ("exif.jpg", "exif.png", "exif.webp", "orientation.png", "profile.png", "tags.tif")
    ]
    assert len(lines) == 8 and "large.pgm cannot be read" in lines[3] and "pixels.tif cannot be read" in lines[5]


def _with_a_strange_tag(data: bytes) -> bytes:
    """A TIFF in which a tag that is not needed (the planes) has a number that nobody knows."""
    assert data.count(b"\x1c\x01\x03\0") == 1
    return data.replace(b"\x1c\x01\x03\0", b"\xfe\xf1\x03\0")


def _with_damaged_pixels(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + bytes(byte ^ 0x5A for byte in data[middle : middle + 60]) + data[middle + 60 :]


def test_bytes_and_paths_are_read_alike(tmp_path):
    data = encoded(random_image(4, 6))
    (tmp_path / "a.jpg").write_bytes(data)  # the ending of another format
    assert read_header(tmp_path / "a.jpg") == read_header(data) == Header(6, 4, 1, False)
    assert np.array_equal(decode(tmp_path / "a.jpg", Fit(), "x"), decode(data, Fit(), "x"))
    assert np.array_equal(decode(data, Fit(), "x")[..., 0], np.asarray(Image.open(io.BytesIO(data))))
