"""Damage of image files that Pillow does not see, or only when it decodes them. Raises ValueError."""

import zlib
from typing import BinaryIO

from PIL import Image

from gan.data.decoding import jpeg

_PNG = b"\x89PNG\r\n\x1a\n"
_CAMERA = ("JPEG", "MPO")
_ENDS = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9", "QOI": b"\0\0\0\0\0\0\0\1"}


def check_bytes(data: bytes) -> None:
    """Looks at an encoded image before it is decoded."""
    if data.startswith(_PNG):
        _check_sums(data)


def check_pixels(image: Image.Image, data: bytes) -> None:
    """Looks at the loaded image of these bytes."""
    if image.format in _CAMERA:
        jpeg.check(image, data)


def check_file(image: Image.Image, stream: BinaryIO) -> None:
    """Looks for the proper end of the file of an opened image; one without it is decoded, which raises.

    So is a progressive JPEG, twice: nothing less shows whether all its scans are whole.
    """
    if image.format in _CAMERA and "progressive" in image.info:
        stream.seek(0)
        data = stream.read()
        image.load()
        jpeg.check_thoroughly(image, data)
    elif not _has_end(image, stream):
        image.load()


def _has_end(image: Image.Image, stream: BinaryIO) -> bool:
    """Whether the file is as long as it says, or ends as its format does; False where nothing tells that."""
    kind, size = image.format, stream.seek(0, 2)
    stream.seek(max(0, size - 16))
    tail = stream.read()
    stream.seek(0)
    head = stream.read(16)
    if kind == "WEBP":
        return size >= 8 + int.from_bytes(head[4:8], "little")
    if kind == "BMP":
        return 54 < int.from_bytes(head[2:6], "little") <= size
    if kind == "TIFF":
        return _strips_end(image) <= size
    if kind in ("AVIF", "HEIF"):
        return _boxes_end(stream, size) <= size
    return kind in _ENDS and tail.endswith(_ENDS[kind])


def _strips_end(image: Image.Image) -> int:
    """Where the last strip or tile of a TIFF ends."""
    tags = image.tag_v2
    for offsets, counts in ((273, 279), (324, 325)):
        if offsets in tags and counts in tags:
            return max(map(sum, zip(tags[offsets], tags[counts], strict=False)), default=0)
    return 0


def _boxes_end(stream: BinaryIO, size: int) -> int:
    """Where the last of the boxes that make up a file ends, by what it says of its size."""
    position = 0
    while position + 8 <= size:
        stream.seek(position)
        head = stream.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # the size is too large for four bytes
            length = int.from_bytes(head[8:], "big")
        if length == 0:  # to the end of the file
            return size
        position += max(length, 8)
    return position


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
