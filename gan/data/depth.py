"""Images of more than 8 bits: what Pillow knows of them, and the bits that it drops."""

import sys
from typing import BinaryIO

import numpy as np
from PIL import Image

from gan.data.formats import opened

# Pillow's names of layouts of 16 bits a channel: they keep the upper byte of each pair. That of the other order of
# bytes keeps the lower one.
_SWAPPED = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}


def bits(image: Image.Image) -> int | str:
    """Bits a channel in the file of an image that is not loaded yet: 8, 16, 32 or "float"."""
    if image.mode == "F":
        return "float"
    if image.mode == "I" and image.format == "TIFF":
        return 32
    return 16 if image.mode.startswith("I") or _layout(image) else 8


def is_wide(image: Image.Image) -> bool:
    """Whether it has several channels of 16 bits, of which Pillow shows 8; not to be asked of a loaded image."""
    return bool(_layout(image)) and not image.mode.startswith("I")


def values(image: Image.Image) -> np.ndarray | None:
    """The values [H, W] of a loaded image of one deep channel in their own type; None for any other image."""
    if image.mode != "F" and not image.mode.startswith("I"):
        return None
    found = np.asarray(image)
    if image.mode != "I":
        return found
    if image.format != "TIFF":  # Pillow's form for 16 bits in other formats
        return found.clip(0, 65535).astype(np.uint16)
    unsigned = 339 not in image.tag_v2 or image.tag_v2[339][0] == 1
    return found.view(np.uint32) if unsigned and image.tag_v2[258][0] == 32 else found


def lower_bytes(file: BinaryIO) -> Image.Image:
    """The lower 8 of the 16 bits of each channel, for the upper ones of which Pillow shows."""
    image = opened(file)
    image.tile = [tile._replace(args=_map(tile.args)) for tile in image.tile]
    image.load()
    return image


def wide_values(upper: Image.Image, lower: Image.Image) -> np.ndarray:
    """The values uint16 [H, W, 3] of an image from both halves of its bits."""
    high, low = (np.asarray(image)[..., :3].astype(np.uint16) for image in (upper, lower))
    return high << 8 | low


def _layout(image: Image.Image) -> str:
    """The 16-bit layout of the first part of the file's pixels; empty where there is none."""
    for tile in getattr(image, "tile", ())[:1]:
        args = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        return next((arg for arg in args if isinstance(arg, str) and arg[-3:] in _SWAPPED), "")
    return ""


def _map(args: tuple | str) -> tuple | str:
    if isinstance(args, tuple):
        return tuple(_map(arg) for arg in args)
    return args[:-3] + _SWAPPED[args[-3:]] if isinstance(args, str) and args[-3:] in _SWAPPED else args
