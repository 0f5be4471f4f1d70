"""Image files made by hand, for tests: encoded arrays, PNGs of any depth, turned pictures, colour profiles."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

TURNED = {  # what an EXIF orientation makes of the stored pixels [H, W, ...]
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}


def encoded(image: np.ndarray | Image.Image, kind: str = "PNG", **options) -> bytes:
    """An image file of this format, by Pillow."""
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int) -> bytes:
    """An EXIF block that says this orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(pixels: np.ndarray, before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG of pixels uint8 or uint16 [H, W, C], of which Pillow writes some only; with chunks around the pixels."""
    height, width, channels = pixels.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, kind, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + body + after + chunk(b"IEND", b"")


def tiff(pixels: np.ndarray, order: str, **tags: int) -> bytes:
    """A TIFF of pixels [H, W, C] without compression, in the order of bytes < or >; more tags by their numbers."""
    height, width, channels = pixels.shape
    kinds = {"u": 1, "i": 2, "f": 3}
    body = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    body += bytes(len(body) % 2)
    bits = struct.pack(f"{order}{channels}H", *[8 * pixels.itemsize] * channels)
    entries = {256: width, 257: height, 259: 1, 262: 1 if channels == 1 else 2, 273: 8, 277: channels, 278: height}
    entries |= {279: pixels.nbytes, 339: kinds[pixels.dtype.kind]} | {
        int(key[1:]): value for key, value in tags.items()
    }
    directory = struct.pack(f"{order}HHI", 258, 3, channels)
    directory += struct.pack(f"{order}I", 8 + len(body)) if channels > 2 else bits.ljust(4, b"\0")
    rows = {258: directory} | {tag: struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries.items()}
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(body) + len(bits))
    return (
        head
        + body
        + bits
        + struct.pack(f"{order}H", len(rows))
        + b"".join(rows[tag] for tag in sorted(rows))
        + bytes(4)
    )


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A photograph-like image uint8 [H, W, 3] with no flat part."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (max(2, height // 8), max(2, width // 8), 3), dtype=np.uint8))
    noise = rng.integers(-12, 13, (height, width, 3))
    return (np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)) + noise).clip(0, 255).astype(np.uint8)


def profile(*primaries: tuple[float, float, float], gamma: float) -> bytes:
    """An ICC profile of three primaries in XYZ for colour, of none for grey, and a power law."""
    white = (0.9642, 1.0, 0.8249)
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(256 * gamma)) + b"\0\0"

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in values))

    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(78), b"wtpt": xyz(white)}
    if primaries:
        tags |= {name: xyz(values) for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    else:
        tags[b"kTRC"] = curve
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content
    head = struct.pack(
        ">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, b"mntr", b"RGB " if primaries else b"GRAY", b"XYZ "
    )
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(65536 * value) for value in white)) + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + body


# The primaries of sRGB, adapted to the white of profiles.
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
