"""Damaged image files: cut, with flipped bits, or with a part missing in the middle."""

import numpy as np
import pytest
from PIL import Image

from gan.data.decoding.fit import Fit
from gan.data.decoding.images import decode, read_header
from gan.errors import UserError
from tests.image_files import encoded, smooth

UNREADABLE = r"photo cannot be read as an image"


def test_flipped_bits_in_the_pixels_of_a_png_are_found():
    data = encoded(smooth(20, 20))
    start = data.index(b"IDAT") + 4
    for position in range(start, data.index(b"IEND") - 4, 7):
        damaged = bytearray(data)
        damaged[position] ^= 4
        with pytest.raises(UserError, match=UNREADABLE):
            decode(bytes(damaged), Fit(0, 1), "photo")


def test_a_png_that_is_cut_is_refused_where_a_pixel_is_lost():
    image = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    data = encoded(image)
    end = data.index(b"IEND") - 8 - 4  # what follows are only checksums and the mark of the end
    for length in range(0, end, 5):
        with pytest.raises(UserError, match=UNREADABLE):
            decode(data[:length], Fit(0, 1), "photo")
    for length in range(end, len(data)):
        assert np.array_equal(decode(data[:length], Fit(0, 1), "photo")[..., 0], image)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "QOI"])
def test_a_file_that_is_cut_is_refused_by_its_header_and_its_pixels(kind):
    data = encoded(smooth(40, 40), kind)
    for length in range(0, len(data) - 60, len(data) // 7):
        for read in (lambda cut: read_header(cut, "photo"), lambda cut: decode(cut, Fit(), "photo")):
            with pytest.raises(UserError, match=UNREADABLE):
                read(data[:length])


def jpegs(grey_end: bool) -> dict[str, bytes]:
    """JPEGs of many kinds; with a lower half of the grey that missing blocks have, where `grey_end`."""
    found = {}
    for number, mode in enumerate(("L", "RGB", "CMYK")):
        for progressive in (False, True):
            for restart in ({}, {"restart_marker_rows": 1}, {"restart_marker_blocks": 3}):
                pixels = smooth(83, 70, seed=number)
                if grey_end:
                    pixels[40:] = 128
                options = {"quality": 80, "progressive": progressive, "subsampling": 2 * (number % 2), **restart}
                data = encoded(Image.fromarray(pixels).convert(mode), "JPEG", **options)
                found[f"{mode} {'progressive' if progressive else 'baseline'} {restart}"] = data
    return found


WHOLE = jpegs(grey_end=False)


def reading(data: bytes) -> None:
    """What happens to a file of a data set: its header is read, then its pixels."""
    read_header(data, "photo")
    decode(data, Fit(), "photo")


@pytest.mark.parametrize("name", WHOLE)
def test_a_jpeg_without_its_middle_is_damaged_though_it_has_an_end(name):
    data = WHOLE[name]
    start = data.index(b"\xff\xda") + 12
    for first, size in [(0.3, 0.4), (0.1, 0.2), (0.5, 0.3)]:
        length = len(data) - start
        left, right = start + int(first * length), start + int((first + size) * length)
        with pytest.raises(UserError, match=UNREADABLE):
            reading(data[:left] + data[right:])


@pytest.mark.parametrize("name", WHOLE)
def test_genuine_jpegs_are_not_taken_for_damaged(name):
    reading(WHOLE[name])
    grey = jpegs(grey_end=True)[name]
    reading(grey)
    pixels = decode(grey, Fit(), "x")
    assert np.abs(pixels[60:].astype(int) - 128).max() <= 1


def test_a_jpeg_whose_middle_is_lost_within_the_blocks_between_two_restarts():
    data = encoded(smooth(128, 900), "JPEG", restart_marker_rows=1, quality=90)
    third = data.index(b"\xff\xd2")
    with pytest.raises(UserError, match="a part of it is missing"):
        reading(data[: third - 700] + data[third - 100 :])


def test_limits_of_values_hide_no_damage():
    data = WHOLE["RGB baseline {}"]
    start = data.index(b"\xff\xda") + 12
    torn = data[: start + 100] + data[start + (len(data) - start) // 2 :]
    with pytest.raises(UserError, match="photo cannot be read as an image .a part of it is missing"):
        decode(torn, Fit(value_range=(0, 200)), "photo")


def test_bytes_after_the_end_are_no_damage():
    for data in (WHOLE["RGB baseline {}"], WHOLE["RGB progressive {}"], encoded(smooth(9, 9))):
        assert np.array_equal(decode(data + b"\0" * 100, Fit(), "x"), decode(data, Fit(), "x"))
        assert read_header(data + b"\0" * 100) == read_header(data)
