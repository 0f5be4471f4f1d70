"""Images of more than 8 bits: what Pillow knows of them, the bits that it drops and the signs that it overlooks."""

import sys
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from gan.data.decoding.formats import opened

# Pillow's names of layouts of 16 bits a channel: they keep the upper byte of each pair. That of the other order of
# bytes keeps the lower one. Grey and alpha are four bytes, which pass for RGBA: the second is the lower one of grey.
_SWAPPED = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
_GREY_ALPHA = "LA;16B"
_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339  # tags of TIFF
_SIGNED = 2


class Depth(NamedTuple):
    """What the values of an image mean that is not simply of 8 bits."""

    bits: int | str  # a channel, in the file: 8, 16, 32 or "float"
    wide: str = ""  # the layout of several channels of 16 bits, of which Pillow shows 8
    signed: bool = False  # 8-bit values of Pillow's are signed ones
    unsigned: bool = False  # 32-bit values of Pillow's are unsigned ones
    negative: bool = False  # 0 is white
    maximum: int = 0  # the white of the file, which Pillow makes 255 or 65535; 0: it has that already

    @property
    def is_plain(self) -> bool:
        """Whether all values are levels as they are."""
        return self.bits == 8 and not self.signed and not self.maximum

    @property
    def dtype(self) -> np.dtype:
        """The type of the values."""
        if self.signed:
            return np.dtype(np.int8)
        return np.dtype({8: "u1", 16: "u2", 32: "u4" if self.unsigned else "i4", "float": "f4"}[self.bits])


def of(image: Image.Image) -> Depth:
    """The depth of an image that is not loaded yet. Raises ValueError for one that Pillow would read wrongly."""
    if image.format == "TIFF":
        return _of_tiff(image)
    if image.mode == "F":
        return Depth("float")
    wide = "" if image.mode.startswith("I") else _layout(image)
    args = image.tile[0].args if image.format == "PPM" else None
    maximum = args[1] if isinstance(args, tuple) and args[1] not in (255, 0) else 0
    return Depth(16 if wide or image.mode.startswith("I") else 8, wide, maximum=maximum)


def values(image: Image.Image, depth: Depth, stream: BinaryIO) -> np.ndarray:
    """The values [H, W] or [H, W, 3] in the type of the file, of a loaded image that is not plain."""
    if depth.wide:
        return _wide_values(image, depth.wide, stream)
    found = np.asarray(image)
    if depth.maximum:
        if depth.bits == 8 and depth.maximum > 255:
            raise ValueError("it has colours of 16 bits; save it as PNG or TIFF to read them with --value_range")
        return np.rint(found * (depth.maximum / (255 if depth.bits == 8 else 65535))).astype(np.uint16)
    if depth.bits == 16:
        return found.astype(np.uint16)
    return found.view(depth.dtype)


def _of_tiff(image: Image.Image) -> Depth:
    tags = image.tag_v2
    bits, wide = tags.get(_BITS, (1,)), "" if image.mode.startswith("I") else _layout(image)
    if tags.get(_PLANES) == 2 and len(bits) > 1 and max(bits) > 8:
        raise ValueError(f"it has {max(bits)} bits in separate planes; save it with interleaved channels")
    signed = tags.get(_SAMPLE_FORMAT, (1,))[0] == _SIGNED
    negative = tags.get(_PHOTOMETRIC) == 0
    if image.mode == "F":
        return Depth("float", negative=negative)
    if image.mode == "I":
        return Depth(32, unsigned=not signed, negative=negative)
    if image.mode.startswith("I"):
        return Depth(16, negative=negative)
    return Depth(16, wide) if wide else Depth(8, signed=signed and image.mode == "L")


def _wide_values(image: Image.Image, layout: str, stream: BinaryIO) -> np.ndarray:
    """uint16 [H, W, 3] from the upper bytes, which the loaded image has, and the lower ones, which are read now."""
    lower = opened(stream)
    lower.tile = [tile._replace(args=_of_lower_bytes(tile.args)) for tile in lower.tile]
    low = np.asarray(lower)
    low = low[..., 1:2] if layout == _GREY_ALPHA else low[..., :3]
    return np.asarray(image)[..., :3].astype(np.uint16) << 8 | low


def _layout(image: Image.Image) -> str:
    """The 16-bit layout of the first part of the file's pixels; empty where there is none."""
    for tile in getattr(image, "tile", ())[:1]:
        args = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        return next((arg for arg in args if isinstance(arg, str) and arg[-3:] in _SWAPPED), "")
    return ""


def _of_lower_bytes(args: tuple | str) -> tuple | str:
    if isinstance(args, tuple):
        return tuple(_of_lower_bytes(arg) for arg in args)
    if args == _GREY_ALPHA:
        return "RGBA"
    return args[:-3] + _SWAPPED[args[-3:]] if isinstance(args, str) and args[-3:] in _SWAPPED else args
