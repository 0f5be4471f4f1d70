"""The form that images are to have: size, channels, what is cut off or added, which values are black and white.

Grey is the luma of ITU-R 601; shrinking averages areas, enlarging is bicubic.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan.data.decoding import colours
from gan.data.decoding.levels import Limits, levels, table


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

    def has_places(self, sizes: Iterable[tuple[int, int]]) -> bool:
        """Whether images of some of these sizes (width, height) are cut, each anywhere along its longer side."""
        return self.crop == "random" and self.resolution > 0 and any(width != height for width, height in sizes)

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


def filling(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of a uint8 image [H, W, C] as large as its aspect allows, in [height, width, C]."""
    if pixels.shape[:2] == (height, width):
        return pixels
    rows, columns, channels = pixels.shape
    factor = min(rows / height, columns / width)  # pixels of the image for one of the result
    left, top = (columns - factor * width) / 2, (rows - factor * height) / 2
    how = Image.Resampling.BOX if factor > 1 else Image.Resampling.BICUBIC
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    resized = image.resize((width, height), how, box=(left, top, left + factor * width, top + factor * height))
    return np.asarray(resized).reshape(height, width, channels)


def _on_white_square(image: Image.Image) -> Image.Image:
    side = max(image.size)
    square = Image.new(image.mode, (side, side), "white")
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def square(width: int, height: int, place: float | None = None) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of a square of the shorter side: the middle one, or the one at `place`."""
    side = min(width, height)
    left, top = (int(start) for start in corner(width, height, place))
    return left, top, left + side, top + side


def corner(width, height, place=None) -> tuple[np.ndarray, np.ndarray]:
    """(left, top) of such a square, of images one by one or of arrays of them, int64."""
    side = np.minimum(width, height)
    if place is None:
        return (width - side) // 2, (height - side) // 2
    return tuple(np.int64(place * (length - side + 1)) for length in (width, height))
