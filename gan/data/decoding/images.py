"""From an image file to uint8 pixels of the wanted size and channels. Uses Pillow; deterministic.

Rules: the picture is the one that a viewer shows: turned as its EXIF orientation says, colours of an embedded profile
in sRGB, white below transparent pixels, the first of several frames. Values of more than 8 bits become levels as
`levels.py` says; where limits of the values are given, these are measurements and no colours, and profiles have no
say. What size and channels it has then, `fit.py` says.
"""

import io
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageChops

from gan.data.decoding import colours, damage, depth, orientation
from gan.data.decoding.fit import Fit
from gan.data.decoding.formats import opened
from gan.data.decoding.levels import check_range, span
from gan.errors import UserError


class Header(NamedTuple):
    """What an image file says of itself; the size is that of the picture as it is shown."""

    width: int
    height: int
    channels: int  # 1 or 3
    alpha: bool  # it may have transparent pixels
    format: str = "PNG"  # JPEG, MPO (a JPEG that holds further pictures), WEBP, GIF, ...
    bits: int | str = 8  # a channel: 8, 16, 32 or "float"
    frames: int = 1  # of an animation or pages; the first is used
    oriented: bool = False  # turned by EXIF where earlier versions of this program did not
    profile: bool = False  # its colours are converted to sRGB, which earlier versions did not
    values: tuple[float, float] | None = None  # the least and the greatest, unless they are levels of 8 bits
    dtype: str = "uint8"  # of the values

    @classmethod
    def of_json(cls, values: list) -> "Header":
        """A header as it was before JSON made a list of each tuple in it."""
        return cls(*(tuple(value) if isinstance(value, list) else value for value in values))


def read_header(file: Path | bytes, where: str = "") -> Header:
    """The header of an image file; a file without a proper end is decoded to see whether it is damaged.

    Raises `UserError` naming `where` (or else the file) if it is unreadable, truncated or of another format.
    """
    where = where or (str(file) if isinstance(file, Path) else "the image")
    try:
        with open(file, "rb") if isinstance(file, Path) else io.BytesIO(file) as stream:
            return _header(stream)
    except Exception as error:
        raise _unreadable(where, error) from None


def check(header: Header, fit: Fit, where: str) -> None:
    """Raises `UserError` if the values of a deep image have no levels by themselves and `fit` has no limits."""
    if header.values is not None:
        check_range(np.dtype(header.dtype), header.values, fit.value_range, where)


def decode(data: bytes | Path, fit: Fit, where: str, place: float | None = None) -> np.ndarray:
    """The uint8 pixels [H, W, C] of an encoded image; raises `UserError` naming `where` if it cannot be decoded.

    `place` in [0, 1) is where along the longer side the square is cut with the crop "random"; None: the middle.
    60,000 small images take about 6 seconds, nearly all of it Pillow's overhead in Python, which threads do not share.
    """
    try:
        data = data if isinstance(data, bytes) else data.read_bytes()
        damage.check_bytes(data)
        stream = io.BytesIO(data)
        image = opened(stream)
        if fit.value_range is None and image.mode in colours.PLAIN_MODES and image.format != "TIFF":
            image.load()
            damage.check_pixels(image, data)
            return fit.pixels(orientation.upright(image), place)
        return _deep_pixels(image, stream, fit, where, place)
    except Exception as error:
        raise _unreadable(where, error) from None


def _deep_pixels(image: Image.Image, stream: BinaryIO, fit: Fit, where: str, place: float | None) -> np.ndarray:
    """The pixels of an image of any depth."""
    deep = depth.of(image)
    if fit.value_range is None:
        deep = deep._replace(maximum=0)
    image.load()
    damage.check_pixels(image, stream.getvalue())
    turn = orientation.of(image)
    if not (deep.is_plain or deep.wide and fit.value_range is None):
        shown = Image.fromarray(fit.levels(depth.values(image, deep, stream), where))
        if deep.negative:
            shown = ImageChops.invert(shown)
        if deep.wide and image.mode == "RGBA":
            shown.putalpha(image.getchannel("A"))
        image, fit = shown, fit._replace(value_range=None)
    return fit.pixels(orientation.turned(image, turn), place)


def _header(stream: BinaryIO) -> Header:
    image = opened(stream)
    deep = depth.of(image)._replace(maximum=0)
    width, height = image.size
    turn = orientation.of(image, stream)
    if turn >= 5:
        width, height = height, width
    alpha, frames = image.has_transparency_data, _frames(image)
    damage.check_file(image, stream)
    found = None
    if not deep.is_plain:
        image.load()
        found = span(depth.values(image, deep, stream))
    return Header(
        width,
        height,
        colours.channels(image),
        alpha and (deep.is_plain or bool(deep.wide)),
        image.format,
        deep.bits,
        frames,
        turn > 1 and image.format != "JPEG",
        colours.has_profile(image),
        found,
        deep.dtype.name,
    )


def _frames(image: Image.Image) -> int:
    """The number of frames or pages; 1 where the further ones are damaged, or are a phone's by-products."""
    if image.format == "MPO":
        return 1
    try:
        return getattr(image, "n_frames", 1)
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError):
        return 1


def _unreadable(where: str, error: Exception) -> UserError:
    """The one line for any error: damaged bytes bring Pillow's readers to raise anything."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, ImportError):
        return UserError(f"{where} cannot be read: {error}")
    return UserError(f"{where} cannot be read as an image ({_reason(error)}); repair or remove it")


def _reason(error: Exception) -> str:
    """Why an image cannot be read, in a few words of one line."""
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if "MAX_TEXT" in str(error):
        return "a text or profile in it is too large"
    return " ".join((getattr(error, "strerror", None) or str(error)).split()) or type(error).__name__
