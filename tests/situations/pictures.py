"""Image files: formats, orientation, depth, colours, damage."""

import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from gan.data.decoding import formats
from gan.data.decoding.fit import Fit
from gan.data.decoding.images import decode, read_header
from gan.errors import UserError
from tests.image_files import SRGB, TURNED, chunk, encoded, exif, png, profile, smooth, tiff
from tests.situations import Place, situation

AREA = "image files"
IMAGE = smooth(16, 24)
DEEP = np.random.default_rng(0).integers(0, 4096, (6, 8), dtype=np.uint16)


def _folder(place: Place, **files: bytes) -> Path:
    """A folder `set` of these files; `__` in a name is a point."""
    folder = place.folder / "set"
    folder.mkdir()
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


def _refused(data: bytes, reason: str) -> None:
    """Asserts that header or pixels end in one line that names the image and has these words."""
    with pytest.raises(UserError, match=rf"^photo cannot be read as an image \(.*{reason}.*\); repair or remove it$"):
        read_header(data, "photo")
        decode(data, Fit(), "photo")


def _turned(write: Callable[[int], bytes], near: int) -> None:
    for turn in range(1, 9):
        found = decode(write(turn), Fit(), "photo").astype(int)
        assert found.shape == TURNED[turn](IMAGE).shape and np.abs(found - TURNED[turn](IMAGE)).max() <= near


@situation(AREA, "a phone's JPEG that holds a second picture (MPO), EXIF orientation 1 to 8", "turned as a plain JPEG")
def phone(_: Place) -> None:
    second, how = [Image.fromarray(IMAGE)], {"quality": 98, "subsampling": 0}
    _turned(lambda turn: encoded(IMAGE, "MPO", save_all=True, append_images=second, exif=exif(turn), **how), near=10)
    for turn in (1, 6):
        plain = decode(encoded(IMAGE, "JPEG", exif=exif(turn), **how), Fit(), "photo")
        both = decode(
            encoded(IMAGE, "MPO", save_all=True, append_images=second, exif=exif(turn), **how), Fit(), "photo"
        )
        assert np.array_equal(plain, both)


@situation(AREA, "a PNG with an eXIf orientation, before or after its pixels", "turned as a JPEG")
def png_orientation(_: Place) -> None:
    _turned(lambda turn: encoded(IMAGE, exif=exif(turn)), near=0)
    _turned(lambda turn: png(IMAGE, after=chunk(b"eXIf", exif(turn)[6:])), near=0)


@situation(AREA, "WebP, TIFF and AVIF with an EXIF orientation", "turned as a JPEG, once")
def other_orientations(_: Place) -> None:
    _turned(lambda turn: encoded(IMAGE, "WEBP", lossless=True, exif=exif(turn)), near=0)
    _turned(lambda turn: encoded(IMAGE, "TIFF", exif=exif(turn)), near=0)
    _turned(lambda turn: encoded(IMAGE, "AVIF", quality=98, subsampling="4:4:4", exif=exif(turn)), near=10)


@situation(AREA, "values of 12 bits in 16-bit PNG, `--value_range=0,4095`", "the brightest is 255")
def twelve_bits(_: Place) -> None:
    found = decode(png(DEEP[..., None]), Fit(value_range=(0, 4095)), "photo")
    assert np.array_equal(found[..., 0], np.rint(DEEP * (255 / 4095)))
    assert read_header(png(DEEP[..., None])).values == (DEEP.min(), DEEP.max())


@situation(AREA, "the same in colour, as PNG and as TIFF of both orders of bytes", "all 16 bits count")
def deep_colours(_: Place) -> None:
    deep = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]], -1)
    for data in (png(deep), tiff(deep, "<"), tiff(deep, ">")):
        assert np.array_equal(decode(data, Fit(value_range=(0, 4095)), "photo"), np.rint(deep * (255 / 4095)))


@situation(AREA, "a float TIFF with values from 0 to 1", "0 is black, 1 is white")
def floats(_: Place) -> None:
    data = encoded(Image.fromarray((DEEP / 4095).astype(np.float32)), "TIFF")
    assert np.abs(decode(data, Fit(), "photo")[..., 0] - DEEP * (255 / 4095)).max() <= 0.501


@situation(AREA, "a TIFF with other floats, or of 32-bit integers", "one line with the range and `--value_range`")
def floats_beyond_one(_: Place) -> None:
    for values in (DEEP.astype(np.float32), DEEP.astype(np.int32)):
        data = encoded(Image.fromarray(values), "TIFF")
        with pytest.raises(
            UserError, match=rf"^photo has .* from {DEEP.min()} to {DEEP.max()}, .*--value_range=MIN,MAX"
        ):
            decode(data, Fit(), "photo")
        assert np.array_equal(decode(data, Fit(value_range=(0, 4095)), "x")[..., 0], np.rint(DEEP * (255 / 4095)))


@situation(AREA, "a float TIFF with NaN", "one line that says so")
def not_finite(_: Place) -> None:
    with pytest.raises(UserError, match="photo has pixels that are not finite"):
        decode(encoded(Image.fromarray(np.array([[0, np.nan]], np.float32)), "TIFF"), Fit(), "photo")


@situation(AREA, "a 16-bit TIFF in which 0 is white (X-rays)", "shown as it is meant, not as a negative")
def white_is_zero(_: Place) -> None:
    assert np.array_equal(decode(tiff(DEEP[..., None], "<", t262=0), Fit(), "x")[..., 0], 255 - (DEEP >> 8))


@situation(AREA, "a JPEG that lost its middle but has its end marker", "one line that names the file")
def without_its_middle(place: Place) -> None:
    data = encoded(smooth(64, 64), "JPEG")
    start = data.index(b"\xff\xda") + 12
    third = (len(data) - start) // 3
    _folder(place, whole__jpg=data, torn__jpg=data[: start + third] + data[start + 2 * third :])
    line = place.error("preview", "--dataset=folder:set")
    assert "set/torn.jpg cannot be read as an image (a part of it is missing)" in line


@situation(AREA, "the same of a progressive JPEG, and of one with restart markers", "one line that names the file")
def without_its_middle_in_other_ways(_: Place) -> None:
    for options in ({"progressive": True}, {"restart_marker_rows": 1}, {"progressive": True, "restart_marker_rows": 1}):
        data = encoded(smooth(64, 64), "JPEG", **options)
        start = data.index(b"\xff\xda") + 12
        third = (len(data) - start) // 3
        _refused(data[: start + third] + data[start + 2 * third :], "")


@situation(AREA, "a whole JPEG with a corner of the very grey that lost parts show", "read")
def grey_corner(_: Place) -> None:
    image = smooth(64, 64)
    image[32:, 32:] = 128
    for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}):
        data = encoded(image, "JPEG", quality=90, **options)
        assert read_header(data).width == 64
        assert np.abs(decode(data, Fit(), "photo")[48:, 48:].astype(int) - 128).max() <= 1


@situation(AREA, "WebP, BMP, TIFF, GIF, AVIF, JPEG 2000, PPM or QOI cut off", "one line that names the file")
def cut(_: Place) -> None:
    for kind in ("WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM", "QOI"):
        data = encoded(IMAGE, kind)
        with pytest.raises(UserError, match="^photo cannot be read as an image"):
            read_header(data[: len(data) // 2], "photo")


@situation(AREA, "a damaged EXIF block or colour profile", "the picture is used; no word of a library")
def damaged_metadata(place: Place) -> None:
    ragged = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 40
    small = IMAGE[:16, :16]
    _folder(
        place,
        a__jpg=encoded(small, "JPEG", exif=ragged),
        b__png=encoded(small, exif=ragged),
        c__png=encoded(small, icc_profile=b"rubbish" * 30),
    )
    begun = place.run("preview", "--dataset=folder:set")
    assert "16 x 16 x 3" in begun.out
    assert not [line for line in begun.err.splitlines() if "arning" in line or "PIL" in line or "orrupt" in line]


@situation(AREA, "a PNG with a compressed text of 80 megabytes (a zip bomb)", "one line that says so")
def bomb(_: Place) -> None:
    text = chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(80_000_000)))
    _refused(png(IMAGE, before=text), "a text or profile in it is too large")


@situation(
    AREA,
    "a web page, an SVG, a Git LFS pointer, an empty file under the name of an image",
    "one line that says what it is",
)
def strangers(_: Place) -> None:
    _refused(b"<!DOCTYPE html><html>", "it is a web page")
    _refused(b"<svg>", "it is an SVG drawing")
    _refused(b"version https://git-lfs.github.com/spec/v1", "it is a Git LFS pointer")
    _refused(b"", "it is empty")


@situation(AREA, "an image with the ending of another format", "read by its content")
def other_ending(place: Place) -> None:
    small = IMAGE[:16, :16]
    _folder(place, a__png=encoded(small, "WEBP", lossless=True), b__jpg=encoded(small, "TIFF"))
    assert "16 x 16 x 3" in place.run("preview", "--dataset=folder:set").out


@situation(AREA, "HEIC without the package that reads it", "one line that names it and the package pillow_heif")
def heic(_: Place) -> None:
    with mock.patch.dict(sys.modules, {"pillow_heif": None}):
        formats.import_reader.cache_clear()
        with pytest.raises(UserError, match="^photo cannot be read: HEIF needs the package pillow_heif; install it"):
            read_header(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "photo")


@situation(AREA, "animated GIF, WebP, PNG; TIFF of several pages", "the first frame, and the header counts them")
def frames(_: Place) -> None:
    second = Image.fromarray(255 - IMAGE)
    for kind, options in (("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})):
        data = encoded(IMAGE, kind, save_all=True, append_images=[second], **options)
        assert read_header(data).frames == 2 and np.array_equal(decode(data, Fit(), "x"), IMAGE)
    few = Image.fromarray(IMAGE).quantize(64)
    data = encoded(few, "GIF", save_all=True, append_images=[second.quantize(64)])
    assert read_header(data).frames == 2 and np.array_equal(decode(data, Fit(), "x"), np.asarray(few.convert("RGB")))


@situation(
    AREA,
    "a photograph in the colours of Display P3 (phones)",
    "its colours in sRGB; without a profile to the bit as stored",
)
def display_p3(_: Place) -> None:
    p3 = profile((0.51512, 0.24119, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407), gamma=2.2)
    colours = np.array([[[200, 100, 50], [255, 255, 255]]], np.uint8)
    found = decode(encoded(colours, icc_profile=p3), Fit(), "x").astype(int)
    assert np.abs(found - [[[216, 93, 24], [255, 255, 255]]]).max() <= 2
    assert np.array_equal(decode(encoded(colours), Fit(), "x"), colours)


@situation(AREA, "a TIFF or a transparent PNG with a colour profile", "its colours in sRGB")
def swapped(_: Place) -> None:
    other = profile(*SRGB[::-1], gamma=2.2)
    for data in (
        encoded(IMAGE, "TIFF", icc_profile=other),
        encoded(Image.fromarray(IMAGE).convert("RGBA"), icc_profile=other),
    ):
        assert np.abs(decode(data, Fit(), "x").astype(int) - IMAGE[..., ::-1]).max() <= 12


@situation(AREA, "an image that is not square, `--crop=pad`, `none`, `random`", "white borders; its shape; some part")
def crops(_: Place) -> None:
    wide = encoded(IMAGE)
    padded = decode(wide, Fit(24, 3, "pad"), "x")
    assert np.array_equal(padded[4:20], IMAGE) and (padded[:4] == 255).all() and (padded[20:] == 255).all()
    assert np.array_equal(decode(wide, Fit(16, 3, "none"), "x"), IMAGE)
    assert np.array_equal(decode(wide, Fit(16, 3, "random"), "x", 0.99), IMAGE[:, 8:])
