"""The EXIF orientation in every format that has one."""

import numpy as np
import pytest
from PIL import Image

from gan.data.decoding.fit import Fit
from gan.data.decoding.images import decode, read_header
from tests.image_files import TURNED, chunk, encoded, exif, png, smooth

IMAGE = smooth(16, 24)
EXACT = {
    "PNG": lambda turn: encoded(IMAGE, exif=exif(turn)),
    "PNG, after the pixels": lambda turn: png(IMAGE, after=chunk(b"eXIf", exif(turn)[6:])),
    "WebP": lambda turn: encoded(IMAGE, "WEBP", lossless=True, exif=exif(turn)),
    "TIFF": lambda turn: encoded(IMAGE, "TIFF", exif=exif(turn)),
    "TIFF, compressed": lambda turn: encoded(IMAGE, "TIFF", compression="tiff_lzw", exif=exif(turn)),
}
LOSSY = {
    "JPEG": lambda turn: encoded(IMAGE, "JPEG", quality=98, subsampling=0, exif=exif(turn)),
    "MPO": lambda turn: encoded(
        IMAGE, "MPO", save_all=True, append_images=[Image.fromarray(IMAGE)], quality=98, subsampling=0, exif=exif(turn)
    ),
    "AVIF": lambda turn: encoded(IMAGE, "AVIF", quality=98, subsampling="4:4:4", exif=exif(turn)),
}


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("name", [*EXACT, *LOSSY])
def test_a_picture_is_turned_as_its_exif_says(name, turn):
    data = (EXACT | LOSSY)[name](turn)
    pixels, wanted = decode(data, Fit(), "x").astype(int), TURNED[turn](IMAGE).astype(int)
    header = read_header(data)
    assert pixels.shape == wanted.shape == (header.height, header.width, 3)
    assert np.abs(pixels - wanted).max() <= (0 if name in EXACT else 10)


def test_headers_tell_which_turns_are_new():
    new = [name for name, write in (EXACT | LOSSY).items() if read_header(write(6)).oriented]
    assert new == ["PNG", "PNG, after the pixels", "WebP", "MPO", "AVIF"]
    assert not any(read_header(write(1)).oriented for write in (EXACT | LOSSY).values())


def test_deep_images_are_turned_too():
    deep = np.arange(6 * 4 * 3, dtype=np.uint16).reshape(6, 4, 3) * 900
    data = png(deep, after=chunk(b"eXIf", exif(6)[6:]))
    wanted = np.rint(TURNED[6](deep) * (255 / 65535))
    assert np.array_equal(decode(data, Fit(value_range=(0, 65535)), "x"), wanted)
    grey = png(deep[..., :1], after=chunk(b"eXIf", exif(8)[6:]))
    assert np.array_equal(decode(grey, Fit(), "x"), TURNED[8](deep[..., :1]) >> 8)
