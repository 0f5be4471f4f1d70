"""The content of members of a zip archive by index, without unpacking it. Stored and deflated members."""

import functools
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from gan.data.folders.names import Names, readable
from gan.errors import UserError

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCAL = struct.Struct("<4s22xHH")  # a member's own header: signature, ..., lengths of the name and of the extra field
_SLACK = 1024  # bytes read with a member in which the name and the extra field find room as a rule


class ZipFiles:
    """The content of members by index; can be pickled, and used by several threads."""

    def __init__(self, archive: Path, names: Names, places: np.ndarray, stamp: tuple[int, ...]):
        """`places` int64 [N, 5]: offset in the file, bytes there, bytes unpacked, CRC, method; `stamp` of the file."""
        self._archive, self.names, self._places, self._stamp = archive, names, places, stamp
        self.sizes = places[:, 2]

    def __len__(self) -> int:
        return len(self.names)

    def part(self, rows: np.ndarray) -> "ZipFiles":
        """The members of these rows."""
        return ZipFiles(self._archive, self.names.part(rows), self._places[rows], self._stamp)

    def where(self, index: int) -> str:
        """A member as messages name it."""
        return f"{readable(self.names[index])} in {readable(str(self._archive))}"

    def read(self, index: int) -> bytes:
        """The content of a member; raises `UserError` if it is damaged."""
        offset, packed, size, crc, method = self._places[index].tolist()
        descriptor = _opened(str(self._archive), self._stamp)
        try:
            data = _unpacked(descriptor, offset, packed, size, method)
        except (struct.error, zlib.error, ValueError) as error:
            raise self._damaged(index, str(error)) from None
        if len(data) != size or zlib.crc32(data) != crc:
            raise self._damaged(index, "its checksum is wrong")
        return data

    def look(self, index: int, edge: int) -> tuple[bytes, bytes]:
        """What the header can be read from, and the content, of a file of more than 2 `edge` bytes its two ends."""
        data = self.read(index)
        return data, data if len(data) <= 2 * edge else data[:edge] + data[-edge:]

    def _damaged(self, index: int, reason: str) -> UserError:
        return UserError(f"{self.where(index)} is damaged ({reason}); copy or write the archive again")


def stamp_of(archive: Path) -> tuple[int, ...]:
    """What differs when another file has taken the archive's place."""
    found = os.stat(archive)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@functools.lru_cache(maxsize=256)
def _opened(archive: str, stamp: tuple[int, ...]) -> int:
    """A descriptor for reading at given offsets, which threads can share; it stays open."""
    return os.open(archive, os.O_RDONLY | os.O_CLOEXEC)


def _unpacked(descriptor: int, offset: int, packed: int, size: int, method: int) -> bytes:
    """The content, `size` bytes, of a member of `packed` bytes whose own header is at `offset`."""
    block = os.pread(descriptor, _LOCAL.size + _SLACK + packed, offset)
    signature, name, extra = _LOCAL.unpack_from(block)
    if signature != b"PK\x03\x04":
        raise ValueError("it is not where the archive's list says")
    start = _LOCAL.size + name + extra
    data = block[start : start + packed]
    if len(data) < packed:
        data = os.pread(descriptor, packed, offset + start)
    if method == zipfile.ZIP_STORED:
        return data
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)  # one more than it says would be seen
