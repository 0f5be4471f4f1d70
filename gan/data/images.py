"""From an image file to uint8 pixels of the wanted size and channels. Uses Pillow; deterministic.

Rules: the picture is the one that a viewer shows: turned as its EXIF orientation says, colours of an embedded profile
in sRGB, white below transparent pixels, the first of several frames. Grey is the luma of ITU-R 601. Values of more
than 8 bits become levels as `levels.py` says; where limits of the values are given, these are measurements and no
colours, and profiles have no say. When it is resized, shrinking averages areas, enlarging is bicubic.
"""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageChops

from gan.data import colours, damage, depth, orientation
from gan.data.formats import SUFFIXES, opened
from gan.data.levels import Limits, check_range, levels, span, table, value_limits
from gan.errors import UserError

__all__ = ["AS_IS", "SUFFIXES", "Fit", "Header", "check", "decode", "fitted_shape", "read_header", "value_limits"]


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


class Fit(NamedTuple):
    """The wanted form of the images: `resolution` pixels a side (0: unchanged), 1 or 3 `channels` (0: as they are)."""

    resolution: int = 0
    channels: int = 0
    crop: str = "center"  # or random, pad, none: what becomes of images that are not square when they are resized
    value_range: Limits = None  # what becomes black and white; None: all that the format can have

    @property
    def facts(self) -> tuple:
        """What the pixels depend on, for fingerprints; what is as it has always been adds nothing."""
        news = {"crop": self.crop, "value_range": self.value_range}
        return (self.resolution, self.channels, *((k, v) for k, v in news.items() if v != Fit._field_defaults[k]))

    def pixels(self, image: Image.Image, place: float | None = None) -> np.ndarray:
        """The uint8 pixels [H, W, C] of a decoded image of 8 bits a channel in the wanted form.

        `place` in [0, 1) is where along the longer side the square is cut with the crop "random"; None: the middle.
        """
        image = self._resized(self._shown(image), place)
        # Twice as quick as np.asarray, which goes through the array interface.
        return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width, -1)

    def array(self, images: np.ndarray, places: np.ndarray | None = None) -> np.ndarray:
        """Images [B, H, W, C] of any numeric type in the wanted form; the same array where nothing is to be done.

        `places` float [B] says for each what `place` says in `pixels`.
        """
        _, height, width, channels = images.shape
        wanted = fitted_shape(height, width, channels, self, "")
        images = self.levels(images)
        if images.shape[1:] == wanted:
            return images
        if not len(images):
            return np.empty((0, *wanted), np.uint8)
        squeezed = images[..., 0] if channels == 1 else images
        fit = self._replace(value_range=None)  # has been seen to
        each = [None] * len(images) if places is None else places
        return np.stack(
            [fit.pixels(Image.fromarray(np.ascontiguousarray(i)), p) for i, p in zip(squeezed, each, strict=True)]
        )

    def levels(self, values: np.ndarray, where: str = "the array of images") -> np.ndarray:
        """Values of any numeric type as uint8 levels by `value_range`; raises `UserError` where that cannot be."""
        return levels(values, self.value_range, where)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that an image of this size has afterwards."""
        if not self.resolution:
            return width, height
        if self.crop != "none":
            return self.resolution, self.resolution
        short = min(width, height)
        return tuple((2 * side * self.resolution + short) // (2 * short) for side in (width, height))

    def _shown(self, image: Image.Image) -> Image.Image:
        """The image in mode L (1 channel) or RGB (3), or in whichever of the two is nearer (0)."""
        mode = "L" if (self.channels or colours.channels(image)) == 1 else "RGB"
        if image.mode == mode and self.value_range is None and not image.info:
            return image
        if self.value_range is None:
            return colours.plain(image, mode, True, None)
        return colours.plain(image, mode, False, table(np.uint8, self.value_range))

    def _resized(self, image: Image.Image, place: float | None) -> Image.Image:
        """The image, or what the crop leaves of it, in the wanted size; the image itself if it has that already."""
        size = self.size(*image.size)
        if image.size == size:
            return image
        if self.crop == "random":  # whole first: so what is cut is the same from images held in memory
            whole = self._replace(crop="none")._resized(image, None)
            return whole.crop(square(*whole.size, place))
        if self.crop == "pad" and image.width != image.height:
            image = _on_white_square(image)
            if image.size == size:
                return image
        box = (0, 0, *image.size) if self.crop == "none" else square(*image.size)
        width, height = box[2] - box[0], box[3] - box[1]
        factor = width // size[0]
        if (width, height) == (size[0] * factor, size[1] * factor):  # rounds once, `resize` after each axis
            return image.reduce(factor, box)
        how = Image.Resampling.BOX if self.resolution < min(width, height) else Image.Resampling.BICUBIC
        return image.resize(size, how, box=box)


AS_IS = Fit()


def fitted_shape(height: int, width: int, channels: int, fit: Fit, where: str) -> tuple[int, int, int]:
    """The shape [H, W, C] that images of the given size have after `fit`."""
    fitted_width, fitted_height = fit.size(width, height)
    return fitted_height, fitted_width, fit.channels or channels


def read_header(file: Path | bytes, where: str = "") -> Header:
    """The header of an image file; a file without a proper end is decoded to see whether it is damaged.

    Raises `UserError` naming `where` (or else the file) if it is unreadable, truncated or of another format.
    """
    where = where or (str(file) if isinstance(file, Path) else "the image")
    with _reading(where), open(file, "rb") if isinstance(file, Path) else io.BytesIO(file) as stream:
        return _header(stream)


def check(header: Header, fit: Fit, where: str) -> None:
    """Raises `UserError` if the values of a deep image have no levels by themselves and `fit` has no limits."""
    if header.values is not None:
        check_range(np.dtype(header.dtype), header.values, fit.value_range, where)


def decode(data: bytes | Path, fit: Fit, where: str, place: float | None = None) -> np.ndarray:
    """The uint8 pixels [H, W, C] of an encoded image; raises `UserError` naming `where` if it cannot be decoded.

    `place` in [0, 1) is where along the longer side the square is cut with the crop "random"; None: the middle.
    60,000 small images take about 6 seconds, nearly all of it Pillow's overhead in Python, which threads do not share.
    """
    with _reading(where):
        data = data if isinstance(data, bytes) else data.read_bytes()
        damage.check_bytes(data)
        stream = io.BytesIO(data)
        image = opened(stream)
        if fit.value_range is None and image.mode in colours.PLAIN_MODES and image.format != "TIFF":
            image.load()
            damage.check_pixels(image, data)
            return fit.pixels(orientation.upright(image), place)
        return _deep_pixels(image, stream, fit, where, place)


def _deep_pixels(image: Image.Image, stream: BinaryIO, fit: Fit, where: str, place: float | None) -> np.ndarray:
    """The pixels of an image of any depth."""
    deep = depth.of(image)
    if fit.value_range is None:
        deep = deep._replace(maximum=0)
    image.load()
    damage.check_pixels(image, stream.getbuffer())
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


@contextlib.contextmanager
def _reading(where: str) -> Iterator[None]:
    """Makes a `UserError` that names `where` of any other: damaged bytes bring Pillow's readers to raise anything."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{where} cannot be read as an image ({_reason(error)}); repair or remove it") from None


def _reason(error: Exception) -> str:
    """Why an image cannot be read, in a few words of one line."""
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if "MAX_TEXT" in str(error):
        return "a text or profile in it is too large"
    return " ".join((getattr(error, "strerror", None) or str(error)).split()) or type(error).__name__


def _on_white_square(image: Image.Image) -> Image.Image:
    side = max(image.size)
    square = Image.new(image.mode, (side, side), "white")
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def square(width: int, height: int, place: float | None = None) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of a square of the shorter side: the middle one, or the one at `place`."""
    side = min(width, height)
    if place is None:
        left, top = (width - side) // 2, (height - side) // 2
    else:
        left, top = int(place * (width - side + 1)), int(place * (height - side + 1))
    return left, top, left + side, top + side
