"""From the colours of an image file to those of sRGB: modes, embedded profiles, transparency."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

# A profile that moves no colour further than this, in levels of 255, is sRGB written in another way.
_NEAR = 3
PLAIN_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK")  # of 8 bits, or of 16 of which Pillow shows 8
_MODES_OF_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def channels(image: Image.Image) -> int:
    """1 for grey, 3 for colour."""
    return 1 if image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I") else 3


def has_profile(image: Image.Image) -> bool:
    """Whether an embedded profile says that the colours are not those of sRGB."""
    return _transform(image) is not None


def plain(image: Image.Image, mode: str, profiled: bool, table: np.ndarray | None) -> Image.Image:
    """The image in mode L or RGB; transparent pixels show white. `table`: a level uint8 for each of 256, or None.

    Where `profiled`, colours of an embedded profile become those of sRGB.
    """
    layer = image
    if image.mode == "La":
        layer = image.convert("LA")
    if image.has_transparency_data:
        layer = layer.convert("RGBA")
    elif image.mode in ("1", "P"):
        layer = image.convert("L" if image.mode == "1" else "RGB")
    transform = _transform(image) if profiled else None
    if transform is not None:
        layer = _converted(layer, transform)
    if layer.mode == "LAB":
        layer = ImageCms.applyTransform(layer, _from_lab())
    if table is not None:
        layer = _levelled(layer, table)
    if layer.mode == "RGBA":
        layer = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return layer if layer.mode == mode else layer.convert(mode)


def _levelled(image: Image.Image, table: np.ndarray) -> Image.Image:
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGB")
    alpha = [list(range(256))] if image.mode == "RGBA" else []
    tables = [table.tolist()] * (len(image.getbands()) - len(alpha)) + alpha
    return image.point([level for one in tables for level in one])


def _converted(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    """The image in sRGB by a transform from its profile; its alpha stays."""
    wanted = transform.input_mode
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        found = ImageCms.applyTransform(image.convert(wanted), transform).convert("RGB")
        found.putalpha(alpha)
        return found
    grey = image.mode == "L"
    found = ImageCms.applyTransform(image if image.mode == wanted else image.convert(wanted), transform)
    return found.convert("L") if grey else found


def _transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """The way from the embedded profile to sRGB; None without one, or where it is sRGB, damaged or of other colours."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode == "F" or image.mode.startswith("I"):
        return None
    space = {"L": "L", "LA": "L", "La": "L", "1": "L", "CMYK": "CMYK", "LAB": ""}.get(image.mode, "RGB")
    return _from_profile(profile, space)


@functools.lru_cache(maxsize=32)
def _from_profile(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _MODES_OF_SPACES.get(source.profile.xcolor_space) != mode:
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            # Tables of the way for grey would be ten levels off near black.
            ImageCms.Flags.BLACKPOINTCOMPENSATION | (ImageCms.Flags.NOOPTIMIZE if mode == "L" else 0),
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
    return None if mode != "CMYK" and _is_near(transform, mode) else transform


def _is_near(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether it leaves all colours about as they are, tried on a cube of them."""
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(1, -1, 3)
    colours = Image.fromarray(cube) if mode == "RGB" else Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    moved = np.asarray(ImageCms.applyTransform(colours, transform), np.int16)
    return int(np.abs(moved - np.asarray(colours.convert("RGB"), np.int16)).max()) <= _NEAR


@functools.cache
def _from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
