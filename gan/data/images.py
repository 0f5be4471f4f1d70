"""From a PNG or JPEG to uint8 pixels of the wanted size and channels. Uses Pillow; deterministic.

Rules: transparent pixels show white below them; 16-bit grey keeps its upper 8 bits; JPEGs are turned as their EXIF
orientation says; grey is the luma of ITU-R 601; an image that is not square is cropped to its central square when it
is resized; shrinking averages areas, enlarging is bicubic.
"""

import io
import math
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from gan.errors import UserError

FORMATS = ("PNG", "JPEG")
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
_PNG = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112  # EXIF tag; values from 5 on swap width and height


class Header(NamedTuple):
    """What an image file says of itself before it is decoded."""

    width: int
    height: int
    channels: int  # 1 or 3
    alpha: bool


class Fit(NamedTuple):
    """The wanted form of the images: `resolution` pixels a side (0: unchanged), 1 or 3 `channels` (0: as they are)."""

    resolution: int = 0
    channels: int = 0
    crop: str = "center"  # or random, pad, none: what becomes of images that are not square when they are resized
    value_range: tuple[float, float] | None = None  # what becomes black and white; None: all that the format can have

    @property
    def facts(self) -> tuple:
        """What the pixels depend on, for fingerprints; what is as it has always been adds nothing."""
        news = {"crop": self.crop, "value_range": self.value_range}
        return (self.resolution, self.channels, *((k, v) for k, v in news.items() if v != Fit._field_defaults[k]))

    def pixels(self, image: Image.Image) -> np.ndarray:
        """The uint8 pixels [H, W, C] of a decoded image in the wanted form."""
        image = _resized(_converted(image, self.channels), self.resolution)
        # Twice as quick as np.asarray, which goes through the array interface.
        return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width, -1)

    def array(self, images: np.ndarray) -> np.ndarray:
        """uint8 images [B, H, W, C] in the wanted form; the same array where nothing is to be done."""
        _, height, width, channels = images.shape
        if channels == self.channels and self.resolution in (0, height) and height == width:
            return images
        squeezed = images[..., 0] if channels == 1 else images
        if not len(images):
            return np.empty((0, self.resolution or height, self.resolution or width, self.channels), np.uint8)
        return np.stack([self.pixels(Image.fromarray(np.ascontiguousarray(image))) for image in squeezed])


AS_IS = Fit()


def value_limits(text: str) -> tuple[float, float] | None:
    """The values that become black and white, of a setting auto (None) or MIN,MAX; raises `UserError`."""
    if text == "auto":
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"--value_range={text} must be auto or two numbers, the lower first, such as 0,4095")
    return low, high


def fitted_shape(height: int, width: int, channels: int, fit: Fit, where: str) -> tuple[int, int, int]:
    """The shape [H, W, C] of images of the given size after `fit`; raises `UserError` if that is not square."""
    if not fit.resolution and height != width:
        raise UserError(
            f"{where} is {width}x{height} pixels, not square; give --resolution to crop the middle and resize"
        )
    side = fit.resolution or height
    return side, side, fit.channels or channels


def read_header(path: Path) -> Header:
    """The header of a PNG or JPEG file; a file without a proper end is decoded to see whether it is damaged.

    Raises `UserError` naming the file if it is unreadable, truncated or of another format.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if image.format == "JPEG" and image.getexif().get(_ORIENTATION, 1) >= 5:
                width, height = height, width
            if not _has_end(path, image.format):
                image.load()
            return Header(width, height, _channels(image), image.has_transparency_data)
    except _UNREADABLE as error:
        raise _unreadable(str(path), error) from None


def decode(data: bytes | Path, fit: Fit, where: str) -> np.ndarray:
    """The uint8 pixels [H, W, C] of an encoded image; raises `UserError` naming `where` if it cannot be decoded.

    60,000 small images take about 6 seconds, nearly all of it Pillow's overhead in Python, which threads do not share.
    Two processes or `tf.data` save 2 of them at most, and TensorFlow takes 4 to import.
    """
    try:
        data = data if isinstance(data, bytes) else data.read_bytes()
        if data.startswith(_PNG):
            _check_pixels(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return fit.pixels(image)
    except _UNREADABLE as error:
        raise _unreadable(where, error) from None


def _check_pixels(data: bytes) -> None:
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


def _unreadable(where: str, error: Exception) -> UserError:
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, Image.UnidentifiedImageError):
        reason = "neither PNG nor JPEG"
    return UserError(f"{where} cannot be read as an image ({reason}); repair or remove it")


def _has_end(path: Path, kind: str | None) -> bool:
    """Whether the file's last bytes are those a complete PNG or JPEG ends with."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 16))
        tail = file.read()
    return tail.endswith(b"IEND\xaeB`\x82") if kind == "PNG" else tail.endswith(b"\xff\xd9")


def _channels(image: Image.Image) -> int:
    return 1 if image.mode in ("1", "L", "LA") or image.mode.startswith("I") else 3


def _converted(image: Image.Image, channels: int) -> Image.Image:
    """The image in mode L (1 channel) or RGB (3), or in whichever of the two is nearer (0)."""
    mode = "L" if (channels or _channels(image)) == 1 else "RGB"
    if image.format == "JPEG":
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _resized(image: Image.Image, resolution: int) -> Image.Image:
    """The image's central square at `resolution` pixels a side; the image itself if 0 or already so."""
    if not resolution or image.size == (resolution, resolution):
        return image
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if side % resolution == 0:  # rounds once, where `resize` rounds after each axis
        return image.reduce(side // resolution, (left, top, left + side, top + side))
    how = Image.Resampling.BOX if resolution < side else Image.Resampling.BICUBIC
    return image.resize((resolution, resolution), how, box=(left, top, left + side, top + side))
