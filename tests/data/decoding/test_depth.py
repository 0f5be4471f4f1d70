"""Images of more than 8 bits."""

import numpy as np
import pytest
from PIL import Image

from gan.data.decoding.fit import Fit
from gan.data.decoding.images import decode, read_header
from gan.errors import UserError
from tests.image_files import encoded, png, tiff

DEEP = np.random.default_rng(0).integers(0, 65536, (5, 7, 4), dtype=np.uint16)
GREY = DEEP[..., 0]
TWELVE = GREY >> 4
FULL = Fit(value_range=(0, 65535))


GREYS = {
    "PNG": lambda values: png(values[..., None]),
    "TIFF": lambda values: encoded(Image.fromarray(values), "TIFF"),
    "TIFF, big-endian": lambda values: tiff(values[..., None], ">"),
    "TIFF, LZW": lambda values: encoded(Image.fromarray(values), "TIFF", compression="tiff_lzw"),
    "TIFF, deflate": lambda values: encoded(Image.fromarray(values), "TIFF", compression="tiff_deflate"),
    "PGM": lambda values: encoded(Image.fromarray(values), "PPM"),
    "JPEG 2000": lambda values: encoded(Image.fromarray(values), "JPEG2000"),
}


@pytest.mark.parametrize("name", GREYS)
def test_deep_grey_keeps_its_upper_bits_or_is_scaled(name):
    data = GREYS[name](GREY)
    assert np.array_equal(decode(data, Fit(), "x")[..., 0], GREY >> 8)
    data = GREYS[name](TWELVE)
    assert np.array_equal(decode(data, Fit(value_range=(0, 4095)), "x")[..., 0], np.rint(TWELVE * (255 / 4095)))
    header = read_header(data)
    assert (header.bits, header.values, header.channels) == (16, (TWELVE.min(), TWELVE.max()), 1)


COLOURS = {
    "PNG": lambda values: png(values),
    "TIFF, little-endian": lambda values: tiff(values, "<"),
    "TIFF, big-endian": lambda values: tiff(values, ">"),
}


@pytest.mark.parametrize("name", COLOURS)
def test_all_bits_of_deep_colours_count(name):
    colour = DEEP[..., :3]
    data = COLOURS[name](colour)
    assert np.array_equal(decode(data, Fit(), "x"), colour >> 8)
    assert np.array_equal(decode(data, FULL, "x"), np.rint(colour * (255 / 65535)))
    dark = COLOURS[name](colour >> 8)
    assert np.array_equal(decode(dark, Fit(value_range=(0, 255)), "x"), colour >> 8)
    assert read_header(dark).values == (colour.min() >> 8, colour.max() >> 8)


def test_deep_transparency_shows_white():
    for values in (DEEP, DEEP[..., 2:]):
        values = values.copy()
        values[..., -1] = 65535
        values[0, :, -1] = 0
        scaled = np.broadcast_to(np.rint(values[..., :-1] * (255 / 65535)), (5, 7, 3)).copy()
        scaled[0] = 255
        assert np.array_equal(decode(png(values), FULL, "x"), scaled)
        assert read_header(png(values)).alpha


@pytest.mark.parametrize("order", "<>")
def test_signed_unsigned_and_float_tiff(order):
    centred = (GREY.astype(np.int32) - 32768).astype(np.int16)
    signed = tiff(centred[..., None], order)
    assert np.array_equal(decode(signed, Fit(value_range=(-32768, 32767)), "x")[..., 0], np.rint(GREY * (255 / 65535)))
    with pytest.raises(UserError, match="photo has integers of 32 bits from -.*--value_range"):
        decode(signed, Fit(), "photo")
    floats = tiff((GREY / 65535).astype(np.float32)[..., None], order)
    assert np.array_equal(
        decode(floats, Fit(), "x")[..., 0], np.rint((GREY / 65535).astype(np.float32).astype(float) * 255)
    )
    small = tiff((GREY >> 8).astype(np.uint8).view(np.int8)[..., None], order)
    assert read_header(small).values[0] < 0
    moved = np.rint((GREY >> 8).astype(np.uint8).view(np.int8) + 128.0)
    assert np.array_equal(decode(small, Fit(value_range=(-128, 127)), "x")[..., 0], moved)


def test_32_bits_without_a_sign():
    values = GREY.astype(np.uint32) << 16
    data = tiff(values[..., None], "<")
    assert read_header(data).values == (values.min(), values.max())
    assert np.array_equal(decode(data, Fit(value_range=(0, 65535 << 16)), "x")[..., 0], np.rint(GREY * (255 / 65535)))
    assert np.array_equal(decode(tiff(values[..., None] >> 24, "<"), Fit(), "x")[..., 0], GREY >> 8)


@pytest.mark.parametrize("order", "<>")
def test_white_is_zero(order):
    for values in (GREY, (GREY >> 8).astype(np.uint8)):
        inverted = tiff(values[..., None], "<", t262=0)
        assert np.array_equal(decode(inverted, Fit(), "x")[..., 0], 255 - (GREY >> 8))


def test_separate_planes_of_deep_colours_are_refused():
    with pytest.raises(UserError, match="16 bits in separate planes; save it with interleaved channels"):
        decode(tiff(DEEP[..., :3], "<", t284=2), Fit(), "photo")


def test_portable_maps_have_a_white_of_their_own():
    twelve = b"P5 7 5 4095\n" + TWELVE.astype(">u2").tobytes()
    assert np.abs(decode(twelve, Fit(), "x")[..., 0] - TWELVE * (255 / 4095)).max() <= 1
    assert np.array_equal(decode(twelve, Fit(value_range=(0, 4095)), "x")[..., 0], np.rint(TWELVE * (255 / 4095)))
    four = b"P5 2 2 15\n" + bytes([0, 1, 7, 15])
    for fit in (Fit(), Fit(value_range=(0, 15))):
        assert decode(four, fit, "x").ravel().tolist() == [0, 17, 119, 255]
    colours = b"P6 7 5 65535\n" + DEEP[..., :3].astype(">u2").tobytes()
    assert np.abs(decode(colours, Fit(), "x") - DEEP[..., :3] / 257).max() <= 1
    with pytest.raises(UserError, match="colours of 16 bits; save it as PNG or TIFF"):
        decode(colours, FULL, "photo")


def test_floats_that_are_no_numbers_are_refused():
    values = np.array([[0, np.nan]], np.float32)
    for fit in (Fit(), Fit(value_range=(0, 1))):
        with pytest.raises(UserError, match=r"photo has pixels that are not finite"):
            decode(encoded(Image.fromarray(values), "TIFF"), fit, "photo")


def test_colours_that_are_multiplied_by_their_alpha():
    half = np.full((2, 2, 4), (50, 100, 20, 128), np.uint8)
    data = tiff(half, "<", t338=1)
    assert np.abs(decode(data, Fit(), "x").astype(int) - [177, 227, 147]).max() <= 1
    assert np.abs(decode(tiff(half, "<", t338=2), Fit(), "x").astype(int) - [152, 177, 137]).max() <= 1
