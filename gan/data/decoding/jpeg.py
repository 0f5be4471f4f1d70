"""A JPEG whose pixels are not all there, though its end is: a part of the file was lost, or never written.

libjpeg says nothing of it. Blocks that are missing at the end of a scan, or before a restart marker, come out with all
coefficients zero: mid-grey. Whether blocks are missing shows when bytes are put where their data would be: those of a
complete file are beyond its last block and change nothing. Raises ValueError.
"""

import io
import math
import random
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

_LOST = "a part of it is missing"
_END_OF_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_PROGRESSIVE = (0xC2, 0xCA)
_UNKNOWN = -1
_GREY = (127, 128)  # what is missing is 128, or 127 where the file is inverted, as those in CMYK are
_FILLER = bytes(random.Random(0).choices(range(1, 255), k=256))  # data of some blocks, no marker


class Scan(NamedTuple):
    """One pass over the picture: where its data lie in the file, which components and coefficients they hold."""

    start: int
    end: int
    components: tuple[int, ...]
    first: int  # coefficient
    last: int
    high_bit: int  # the lowest of their bits that earlier scans had; 0 where this is the first
    low_bit: int  # the lowest that this scan has
    interval: int  # blocks (MCUs) from one restart marker to the next; 0 without


class Frame(NamedTuple):
    """The picture's size, the sampling factors of its components, and the kind of its coding (an SOF marker)."""

    kind: int
    width: int
    height: int
    sampling: dict[int, tuple[int, int]]

    @property
    def block(self) -> tuple[int, int]:
        """Width and height in pixels of what is coded together (MCU) where components are interleaved."""
        across, down = zip(*self.sampling.values(), strict=True)
        return (8, 8) if len(self.sampling) == 1 else (8 * max(across), 8 * max(down))

    def blocks(self, components: tuple[int, ...]) -> tuple[int, int]:
        """How many of them a scan of these components has, across and down."""
        width, height = (8 * max(factors) for factors in zip(*self.sampling.values(), strict=True))
        if len(components) == 1:
            across, down = self.sampling[components[0]]
            width, height = width // across, height // down
        return math.ceil(self.width / width), math.ceil(self.height / height)


def check(image: Image.Image, data: bytes) -> None:
    """A quick look at a loaded JPEG of these bytes, a thorough one where a block that may be missing is grey."""
    restarts = b"\xff\xdd\0\4" in data
    grey = _is_grey(image.getpixel((image.width - 1, image.height - 1)))
    if not (grey or restarts or "progressive" in image.info):
        return
    frame, scans = structure(data)
    _check_scans(frame, scans, data)
    if grey or restarts and _ends_grey(image, frame, scans):
        check_thoroughly(image, data)


def check_thoroughly(image: Image.Image, data: bytes) -> None:
    """Decodes a JPEG once more with bytes where missing data would be. `image` is the loaded one of these bytes."""
    frame, scans = structure(data)
    _check_scans(frame, scans, data)
    if frame.kind > 0xC2:  # arithmetic coding leaves out zeros at the end
        return
    with Image.open(io.BytesIO(_filled(data, scans)), formats=("JPEG",)) as other:
        if other.tobytes() != image.tobytes():
            raise ValueError(_LOST)


def structure(data: bytes) -> tuple[Frame, list[Scan]]:
    """What the markers of a JPEG's first picture say."""
    frame, scans, interval = None, [], 0
    for marker, start, content in _segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
            parts = zip(content[6::3], content[7::3], strict=False)
            frame = Frame(marker, width, height, {number: divmod(factors, 16) for number, factors in parts})
        elif marker == 0xDD:
            interval = int.from_bytes(content[:2], "big")
        elif marker == 0xDA:
            end = _END_OF_SCAN.search(data, start)
            components = tuple(content[1 : 1 + 2 * content[0] : 2])
            first, last, bits = content[-3:]
            scans.append(
                Scan(start, end.start() if end else len(data), components, first, last, *divmod(bits, 16), interval)
            )
    if frame is None or not scans or not all(0 < a < 5 and 0 < d < 5 for a, d in frame.sampling.values()):
        raise ValueError(_LOST)
    return frame, scans


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Markers, positions after their contents, and contents to the end of the first picture; not the pixels' data."""
    position = 2
    while (found := _END_OF_SCAN.search(data, position)) is not None and data[found.end() - 1] != 0xD9:
        position = found.end()
        size = int.from_bytes(data[position : position + 2], "big")
        content = data[position + 2 : position + size]
        position += size
        yield data[found.end() - 1], position, content


def _check_scans(frame: Frame, scans: list[Scan], data: bytes) -> None:
    """Raises ValueError if a scan does not go on where the last one ended, or restart markers are missing."""
    known = {component: [_UNKNOWN] * 64 for component in frame.sampling}  # the lowest bit of each coefficient so far
    for scan in scans:
        part = slice(scan.first, scan.last + 1) if frame.kind in _PROGRESSIVE else slice(64)
        for component in scan.components:
            lowest = known.get(component, [])[part]
            if not lowest or frame.kind in _PROGRESSIVE and set(lowest) != {scan.high_bit or _UNKNOWN}:
                raise ValueError(_LOST)
            known[component][part] = [scan.low_bit if frame.kind in _PROGRESSIVE else 0] * len(lowest)
    if any(lowest[0] == _UNKNOWN or max(lowest) > 0 for lowest in known.values()):  # the mean may stand alone
        raise ValueError(_LOST)
    for scan in scans:
        if scan.interval:
            count = math.ceil(math.prod(frame.blocks(scan.components)) / scan.interval) - 1
            found = [marker[0] - 0xD0 for marker in _RESTART.findall(data, scan.start, scan.end)]
            if len(found) < count or found != [number % 8 for number in range(len(found))]:
                raise ValueError(_LOST)


def _ends_grey(image: Image.Image, frame: Frame, scans: list[Scan]) -> bool:
    """Whether a block before a restart marker, or the last one, looks like a missing one."""
    if len(scans) != 1:
        return False
    across, down = frame.blocks(scans[0].components)
    width, height = frame.block
    ends = np.append(np.arange(scans[0].interval - 1, across * down, scans[0].interval), across * down - 1)
    rows = (ends // across * height + height // 2).clip(max=image.height - 1)
    columns = (ends % across * width + width // 2).clip(max=image.width - 1)
    middles = np.asarray(image)[rows, columns].reshape(len(ends), -1)
    return bool(((middles == _GREY[0]) | (middles == _GREY[1])).all(1).any())  # quicker than isin


def _filled(data: bytes, scans: list[Scan]) -> bytes:
    """The file with some bytes more at the end of each scan and before each restart marker."""
    parts, position = [], 0
    for scan in scans:
        marks = [found.start() for found in _RESTART.finditer(data, scan.start, scan.end)] if scan.interval else []
        for end in (*marks, scan.end):
            parts += [data[position:end], _FILLER]
            position = end
    return b"".join([*parts, data[position:]])


def _is_grey(pixel: int | tuple[int, ...]) -> bool:
    return all(value in _GREY for value in (pixel if isinstance(pixel, tuple) else (pixel,)))
