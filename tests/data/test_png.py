"""Many PNGs decoded at once are what Pillow makes of them one by one."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gan.data.png import MIN_IMAGES, SIGNATURE, decode_many


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def filtered_png(lines: np.ndarray, kinds: np.ndarray, channels: int) -> bytes:
    """A PNG of the given filtered lines [H, W*C] and the filter of each line [H]; its pixels are whatever comes out."""
    height, width = lines.shape[0], lines.shape[1] // channels
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    content = zlib.compress(np.concatenate([kinds[:, None], lines], 1).astype(np.uint8).tobytes())
    parts = [chunk(b"IHDR", header), chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", content[:20])]
    return SIGNATURE + b"".join([*parts, chunk(b"IDAT", content[20:]), chunk(b"IEND", b"")])


def opened(data: bytes) -> np.ndarray:
    array = np.asarray(Image.open(io.BytesIO(data)))
    return array[..., None] if array.ndim == 2 else array


@pytest.mark.parametrize("channels", [1, 3])
def test_all_filters_give_the_pixels_of_pillow(channels):
    rng = np.random.default_rng(0)
    encoded = [
        filtered_png(rng.integers(0, 256, (9, 7 * channels)), rng.integers(0, 5, 9), channels)
        for _ in range(MIN_IMAGES)
    ]
    images = decode_many(encoded, (9, 7, channels))
    assert images.dtype == np.uint8 and images.flags.c_contiguous
    assert np.array_equal(images, np.stack([opened(data) for data in encoded]))


def spoil_a_bit(data: bytes) -> bytes:
    start = data.index(b"IDAT") + 9
    return data[:start] + bytes([data[start] ^ 1]) + data[start + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        spoil_a_bit,
        lambda data: data[:-12],
        lambda data: data[:40],
        lambda data: b"",
        lambda data: data.replace(b"PNG", b"POG"),
        lambda data: data.replace(b"IDAT", chunk(b"tRNS", b"\0\0")[4:] + b"\0\0\0\0IDAT"),
        lambda data: filtered_png(np.zeros((4, 4)), np.full(4, 5), 1),
        lambda data: filtered_png(np.zeros((4, 5)), np.zeros(4), 1),
        lambda data: filtered_png(np.zeros((4, 12)), np.zeros(4), 3),
    ],
)
def test_whatever_is_not_plain_and_whole_is_left_to_pillow(change):
    data = filtered_png(np.arange(16).reshape(4, 4), np.zeros(4), 1)
    assert decode_many([data] * MIN_IMAGES, (4, 4, 1)) is not None
    assert decode_many([data] * (MIN_IMAGES - 1) + [change(data)], (4, 4, 1)) is None


def test_a_few_or_large_images_are_left_to_pillow():
    data = filtered_png(np.arange(16).reshape(4, 4), np.zeros(4), 1)
    assert decode_many([data] * (MIN_IMAGES - 1), (4, 4, 1)) is None
    assert decode_many([data] * MIN_IMAGES, (80, 80, 1)) is None
