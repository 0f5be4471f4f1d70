"""Colour profiles, colour spaces and transparency."""

import numpy as np
from PIL import Image, ImageCms

from gan.data.decoding.fit import AS_IS, Fit
from gan.data.decoding.images import decode, read_header
from tests.image_files import SRGB, encoded, profile, smooth

IMAGE = np.random.default_rng(0).integers(30, 226, (8, 8, 3), dtype=np.uint8)
SWAPPED = profile(*SRGB[::-1], gamma=2.2)  # what it calls red is the blue of sRGB
NEAR = 10  # levels by which a power of 2.2 and the curve of sRGB differ at most


def shown(data: bytes, fit: Fit = AS_IS) -> np.ndarray:
    return decode(data, fit, "x").astype(int)


def test_colours_of_a_profile_become_those_of_srgb():
    swapped = IMAGE[..., ::-1]
    for data in (
        encoded(IMAGE, icc_profile=SWAPPED),
        encoded(IMAGE, "TIFF", icc_profile=SWAPPED),
        encoded(IMAGE, "WEBP", lossless=True, icc_profile=SWAPPED),
        encoded(Image.fromarray(IMAGE).quantize(256), icc_profile=SWAPPED),
        encoded(Image.fromarray(IMAGE).convert("RGBA"), icc_profile=SWAPPED),
    ):
        assert read_header(data).profile
        assert np.abs(shown(data) - swapped).max() <= NEAR
    jpeg = smooth(16, 16)
    assert (
        np.abs(shown(encoded(jpeg, "JPEG", quality=98, subsampling=0, icc_profile=SWAPPED)) - jpeg[..., ::-1]).max()
        < 25
    )


def test_display_p3_is_more_colourful_than_srgb():
    """The values of an independent computation: P3's red, green and blue to XYZ and those to sRGB."""
    p3 = profile((0.51512, 0.24119, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407), gamma=2.2)
    colours = np.array([[[200, 100, 50], [255, 255, 255], [0, 0, 0]]], np.uint8)
    assert np.abs(shown(encoded(colours, icc_profile=p3)) - [[[216, 93, 24], [255] * 3, [0] * 3]]).max() <= 2


def test_grey_of_a_profile_stays_one_channel():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    value = grey / 255
    wanted = 255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    data = encoded(grey, icc_profile=profile(gamma=1.0))
    assert read_header(data).channels == 1
    assert np.abs(shown(data)[..., 0] - wanted).max() <= 1


def test_profiles_without_effect_leave_the_pixels_to_the_bit():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey_profile = profile(gamma=1.0)
    for unneeded in (srgb, b"rubbish" * 30, grey_profile):
        data = encoded(IMAGE, icc_profile=unneeded)
        assert not read_header(data).profile and np.array_equal(shown(data), IMAGE)


def test_values_that_are_measured_have_no_colours():
    data = encoded(IMAGE, icc_profile=SWAPPED)
    assert np.array_equal(shown(data, Fit(value_range=(0, 255))), IMAGE)


def test_other_colour_spaces():
    muted = (smooth(8, 8) // 4 + 96).astype(np.uint8)
    image = Image.fromarray(muted)
    assert np.abs(shown(encoded(image.convert("YCbCr"), "TIFF")) - muted).max() <= 3
    assert np.array_equal(shown(encoded(image.convert("CMYK"), "TIFF")), muted)
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    assert np.abs(shown(encoded(ImageCms.applyTransform(image, to_lab), "TIFF")) - muted).max() <= 4


def test_palettes_and_one_bit():
    image = Image.fromarray(IMAGE).quantize(4)
    opaque = np.asarray(image.convert("RGB")).astype(int)
    one = np.asarray(image) == 1
    assert np.array_equal(shown(encoded(image, transparency=1)), np.where(one[..., None], 255, opaque))
    half = shown(encoded(image, transparency=bytes([255, 128, 255, 255])))
    wanted = np.where(one[..., None], opaque * 128 / 255 + 255 * 127 / 255, opaque)
    assert np.abs(half - wanted).max() <= 1
    bits = Image.fromarray(IMAGE[..., 0] > 127)
    for kind in ("PNG", "TIFF", "BMP", "PPM"):
        assert np.array_equal(shown(encoded(bits, kind))[..., 0], np.where(IMAGE[..., 0] > 127, 255, 0))
