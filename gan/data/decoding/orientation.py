"""How an image is turned to be shown: the EXIF orientation, where Pillow does not see to it by itself."""

from typing import BinaryIO

from PIL import Image

_TAG = 0x0112  # of the orientation, 1 (as stored) to 8; values from 5 on swap width and height
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BY_THEMSELVES = ("TIFF", "HEIF")  # turned when they are loaded
_CAMERA = ("JPEG", "MPO")  # their orientation may also stand in XMP


def of(image: Image.Image, stream: BinaryIO | None = None) -> int:
    """The orientation of an image, 1 where it says none. The stream is searched for that of a PNG not yet loaded."""
    info, kind = image.info, image.format
    if kind == "PNG" and stream is not None and "exif" not in info:
        info = {"exif": _late_exif(stream)}
    if kind in _BY_THEMSELVES or not info.get("exif") and not (kind in _CAMERA and "xmp" in info):
        return 1
    try:
        if kind in _CAMERA:
            found = image.getexif().get(_TAG, 1)
        else:
            exif = Image.Exif()
            exif.load(info["exif"])
            found = exif.get(_TAG, 1)
    except Exception:  # whatever a damaged block brings Pillow to: the picture itself may be whole
        return 1
    return found if found in _TURNS else 1


def upright(image: Image.Image) -> Image.Image:
    """A loaded image as it is shown."""
    return turned(image, of(image)) if image.info else image


def turned(image: Image.Image, turn: int) -> Image.Image:
    """The image after the turn of an EXIF orientation."""
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def _late_exif(stream: BinaryIO) -> bytes:
    """The content of the first eXIf chunk of a PNG; empty where it has none."""
    position = 8
    while True:
        stream.seek(position)
        head = stream.read(8)
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"eXIf":
            return stream.read(size)
        if len(head) < 8 or kind == b"IEND":
            return b""
        position += 12 + size
