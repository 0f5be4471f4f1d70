"""Damage that Pillow does not see: raises ValueError."""

import zlib
from typing import BinaryIO

from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"


def check_bytes(data: bytes) -> None:
    """Looks at an encoded image before it is decoded."""
    if data.startswith(_PNG):
        _check_sums(data)


def check_pixels(image: Image.Image, data: bytes) -> None:
    """Looks at the loaded image of these bytes."""


def check_file(image: Image.Image, stream: BinaryIO) -> None:
    """Looks for the proper end of the file of an opened image; one without it is decoded, which raises."""
    stream.seek(0, 2)
    stream.seek(max(0, stream.tell() - 16))
    tail = stream.read()
    ends = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9", "MPO": b"\xff\xd9"}
    if image.format not in ends or not tail.endswith(ends[image.format]):
        image.load()


def _check_sums(data: bytes) -> None:
    """Raises ValueError if the CRC of a PNG's pixel data is wrong; Pillow checks that of the other parts only."""
    position = len(_PNG)
    while position + 12 <= len(data):  # a chunk: the size of its content, its kind, the content, a CRC of the last two
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if end + 4 > len(data):
            return  # Pillow says that it is truncated
        checked = data[position + 4 : end]
        if checked.startswith(b"IDAT") and zlib.crc32(checked) != int.from_bytes(data[end : end + 4], "big"):
            raise ValueError("its checksum is wrong")
        position = end + 4
