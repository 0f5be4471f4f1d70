"""Decoding, converting and resizing."""

import io

import numpy as np
import pytest
from PIL import Image

from gan.data.images import Fit, decode, fitted_shape, read_header
from gan.errors import UserError


def encoded(array, mode=None, kind="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array, mode).save(buffer, kind, **options)
    return buffer.getvalue()


def random_image(*shape) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_png_pixels_come_back_exactly():
    grey, colour = random_image(9, 9), random_image(9, 9, 3)
    assert np.array_equal(decode(encoded(grey), Fit(0, 1), "x")[..., 0], grey)
    assert np.array_equal(decode(encoded(colour), Fit(0, 3), "x"), colour)


def test_grey_becomes_rgb_by_tiling_and_rgb_becomes_luma():
    grey, colour = random_image(5, 5), random_image(5, 5, 3)
    assert np.array_equal(decode(encoded(grey), Fit(0, 3), "x"), np.repeat(grey[..., None], 3, 2))
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(encoded(colour), Fit(0, 1), "x")[..., 0] - luma).max() <= 0.51


def test_transparent_pixels_are_white_and_deep_grey_keeps_its_upper_bits():
    image = np.zeros((2, 2, 4), np.uint8)
    image[0, 0] = 10, 20, 30, 255
    pixels = decode(encoded(image), Fit(0, 3), "x")
    assert pixels[0, 0].tolist() == [10, 20, 30] and (pixels[1] == 255).all()
    deep = np.array([[0, 256, 65535], [512, 40000, 300], [1, 2, 3]], np.uint16)
    assert np.array_equal(decode(encoded(deep), Fit(0, 1), "x")[..., 0], deep >> 8)


def test_shrinking_averages_areas_and_oblong_images_are_cropped_to_the_middle():
    image = random_image(8, 8).astype(np.float64)
    areas = image.reshape(4, 2, 4, 2).mean((1, 3))
    pixels = decode(encoded(image.astype(np.uint8)), Fit(4, 1), "x")[..., 0]
    assert np.abs(pixels - areas).max() <= 0.51
    oblong = random_image(4, 10)
    assert np.array_equal(decode(encoded(oblong), Fit(4, 1), "x")[..., 0], oblong[:, 3:7])
    assert decode(encoded(oblong), Fit(16, 1), "x").shape == (16, 16, 1)


def test_jpegs_are_turned_as_their_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = np.zeros((8, 16), np.uint8)
    image[:, 8:] = 255
    file = tmp_path / "turned.jpg"
    file.write_bytes(encoded(image, kind="JPEG", exif=exif))
    assert read_header(file)[:2] == (8, 16)
    pixels = decode(file, Fit(0, 1), "x")
    assert pixels.shape == (16, 8, 1) and pixels[:7].max() < 40 and pixels[9:].min() > 215


def test_arrays_in_the_wanted_form_are_not_copied():
    images = random_image(3, 8, 8, 1)
    assert Fit(0, 1).array(images) is images and Fit(8, 1).array(images) is images
    assert Fit(4, 3).array(images).shape == (3, 4, 4, 3)


def test_the_shape_after_a_crop():
    assert fitted_shape(10, 20, 3, Fit(16, 1), "x") == (16, 16, 1)
    assert fitted_shape(10, 20, 3, Fit(0, 3), "x") == (10, 20, 3)
    assert fitted_shape(10, 15, 3, Fit(3, crop="none"), "x") == (3, 5, 3)


def test_flipped_bits_in_the_pixels_of_a_png_are_found():
    data = encoded(random_image(20, 20))
    start = data.index(b"IDAT") + 4
    for position in range(start, data.index(b"IEND") - 4, 7):
        damaged = bytearray(data)
        damaged[position] ^= 4
        with pytest.raises(UserError, match=r"photo cannot be read as an image"):
            decode(bytes(damaged), Fit(0, 1), "photo")


def test_a_png_that_is_cut_is_refused_where_a_pixel_is_lost():
    image = random_image(20, 20)
    data = encoded(image)
    end = data.index(b"IEND") - 8 - 4  # what follows are only checksums and the mark of the end
    for length in range(0, end, 5):
        with pytest.raises(UserError, match=r"photo cannot be read as an image"):
            decode(data[:length], Fit(0, 1), "photo")
    for length in range(end, len(data)):
        assert np.array_equal(decode(data[:length], Fit(0, 1), "photo")[..., 0], image)
