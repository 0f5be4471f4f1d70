"""The image formats that are read: known by their content, opened by Pillow, which stays quiet."""

import contextlib
import ctypes
import functools
import importlib
import logging
import re
import warnings
from pathlib import Path
from typing import BinaryIO

from PIL import Image

# Pillow's name of a format -> the modules that read it, the endings of its files.
_READERS = {
    "PNG": ("PIL.PngImagePlugin", ".png .apng"),
    "JPEG": ("PIL.JpegImagePlugin", ".jpg .jpeg .jpe .jfif .mpo"),
    "WEBP": ("PIL.WebPImagePlugin", ".webp"),
    "GIF": ("PIL.GifImagePlugin", ".gif"),
    "BMP": ("PIL.BmpImagePlugin", ".bmp .dib"),
    "TIFF": ("PIL.TiffImagePlugin", ".tif .tiff"),
    "AVIF": ("PIL.AvifImagePlugin", ".avif"),
    "HEIF": ("pillow_heif", ".heic .heif .hif"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", ".jp2 .j2k .jpx"),
    "PPM": ("PIL.PpmImagePlugin", ".ppm .pgm .pbm .pnm .pfm"),
    "QOI": ("PIL.QoiImagePlugin", ".qoi"),
}
SUFFIXES = tuple(suffix for _, suffixes in _READERS.values() for suffix in suffixes.split())

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"qoif", "QOI"),
)
_HEAD = 64  # bytes that tell the format
_NETPBM = re.compile(rb"P[1-6f]\s")
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc"), "HEIF")
_STRANGERS = (  # what is often found under the name of an image
    (rb"\s*<(!doctype html|html)", "a web page"),
    (rb"\s*(<\?xml.*)?<svg", "an SVG drawing"),
    (b"%PDF", "a PDF"),
    (b"version https://git-lfs", "a Git LFS pointer to the image, which was not downloaded"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "compressed by gzip"),
)

# Pillow warns of damaged metadata and of large images; what matters of it is said in words of this program.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


def opened(file: BinaryIO) -> Image.Image:
    """The image in an open file, its header read. Raises what Pillow raises."""
    file.seek(0)
    head = file.read(_HEAD)
    kind = known(head)
    if kind is None:
        raise ValueError(_stranger(file))
    import_reader(kind)
    try:
        return Image.open(file, formats=(kind,))
    except Image.UnidentifiedImageError:
        raise ValueError(f"damaged, or of a kind of {kind} that is not read") from None


def known(head: bytes) -> str | None:
    """The format of a file that begins with these bytes; None if it is none that is read."""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":  # a box: its size, its kind, the main brand, a version, further brands
        end = min(int.from_bytes(head[:4], "big"), len(head))
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]
        return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
    return "PPM" if _NETPBM.match(head) else None


@functools.cache
def import_reader(kind: str) -> None:
    """Registers the format with Pillow; raises ImportError with the package that is needed and not there."""
    module = _READERS[kind][0]
    try:
        plugin = importlib.import_module(module)
    except ImportError:
        package = "pillow_heif" if kind == "HEIF" else "pillow in a newer version"
        raise ImportError(f"{kind} needs the package {package}; install it, or convert the images to PNG") from None
    if kind == "HEIF":
        plugin.register_heif_opener()
    if kind == "TIFF":
        _silence_libtiff()


def _silence_libtiff() -> None:
    """Takes libtiff the functions by which it writes to standard error; nothing where it cannot be found."""
    with contextlib.suppress(OSError, AttributeError):
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
        for path in set(re.findall(r"/\S*libtiff\S*", mapped)):
            library = ctypes.CDLL(path)
            for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
                getattr(library, name)(None)


def _stranger(file: BinaryIO) -> str:
    file.seek(0)
    head = file.read(512)
    if not head:
        return "it is empty"
    for pattern, words in _STRANGERS:
        if re.match(pattern, head, re.IGNORECASE | re.DOTALL):
            return f"it is {words}"
    return "it is of no image format that is read"
