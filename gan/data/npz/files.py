"""The arrays of an .npz or .npy file, mapped where that is possible; what other files are."""

import contextlib
import math
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from gan.data.memory import available_bytes
from gan.errors import UserError

# What a file is by its first bytes, and what to do with it.
_KINDS = (
    (b"\x1f\x8b", "compressed with gzip; unpack it with gunzip"),
    (b"\x80", "a pickle, which can run programs when it is opened; write its arrays with np.savez"),
    (b"\x89HDF", "an HDF5 file; write its arrays with np.savez"),
    (b"MATLAB", "a file of MATLAB; write its arrays with np.savez"),
    (b"PAR1", "a Parquet file; give --dataset=parquet: and its path"),
    (b"\x89PNG", "a single image; give --dataset=folder: and the folder that it is in"),
    (b"\xff\xd8\xff", "a single image; give --dataset=folder: and the folder that it is in"),
    (b"BZh", "compressed with bzip2; unpack it with bunzip2"),
    (b"version https://git-lfs", "a Git LFS pointer; download the file itself with git lfs pull"),
    (b"<!DOCTYPE", "a web page; download the file again"),
    (b"<html", "a web page; download the file again"),
    (b"\xfd7zXZ", "compressed with xz; unpack it with unxz"),
)
_NPY = b"\x93NUMPY"


class Archive(Protocol):
    """The arrays of a file by name. Their content is not trusted: none is unpickled."""

    names: list[str]

    def mapped(self, name: str) -> np.ndarray | None:
        """An array as a memory map, after a check of its CRC; None where it is compressed."""

    def loaded(self, name: str) -> np.ndarray:
        """An array in memory."""


@contextlib.contextmanager
def archive(file: Path) -> Iterator[Archive]:
    """The arrays of an .npz file, or the one of an .npy file, called images.

    Raises `UserError` for another file, and what zipfile and NumPy raise for a damaged one.
    """
    if file.is_dir():
        inside = sorted(file.glob("*.np[yz]"))
        hint = f"give one of its files, such as {inside[0].name}" if inside else "write --dataset=folder: and its path"
        raise UserError(f"--dataset=npz:{file} is a folder; {hint}")
    if not file.is_file():
        raise UserError(f"--dataset=npz:{file} is not a file; give the path of an .npz file with an array `images`")
    with open(file, "rb") as raw:
        start = raw.read(32)
    for magic, what in _KINDS:
        if start.startswith(magic):
            raise UserError(f"{file} is not an .npz archive but {what}")
    if start.startswith(_NPY):
        yield _One(file)
        return
    with zipfile.ZipFile(file) as opened:
        yield _Zip(file, opened)


class _One:
    """The array of an .npy file."""

    names = ["images"]

    def __init__(self, file: Path):
        self._file = file

    def mapped(self, name: str) -> np.ndarray:
        with open(self._file, "rb") as raw:
            dtype = _header(raw)[2]
        if dtype.hasobject:
            raise _objects(self._file, name)
        return np.load(self._file, mmap_mode="r", allow_pickle=False)

    def loaded(self, name: str) -> np.ndarray:
        return np.asarray(self.mapped(name))


class _Zip:
    """The arrays of an .npz file."""

    def __init__(self, file: Path, opened: zipfile.ZipFile):
        self._file, self._opened = file, opened
        members = opened.namelist()
        self.names = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
        if not self.names and members:
            raise UserError(
                f"{file} is a zip file of other things than arrays ({members[0]}); an .npz archive is written by "
                "np.savez, for images write --dataset=folder:PATH"
            )

    def loaded(self, name: str) -> np.ndarray:
        with self._opened.open(f"{name}.npy") as stream:
            shape, _, dtype = _header(stream)
            if dtype.hasobject:
                raise _objects(self._file, name)
        needed, there = math.prod(shape) * dtype.itemsize, self._opened.getinfo(f"{name}.npy").file_size
        if needed > there:
            raise ValueError(f"`{name}` says that it has {needed:,} bytes, and {there:,} are there")
        if needed > available_bytes():  # few bytes may be unpacked to any number
            raise MemoryError
        with self._opened.open(f"{name}.npy") as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)

    def mapped(self, name: str) -> np.ndarray | None:
        member = self._opened.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:  # compressed or encrypted
            return None
        with self._opened.open(member) as stream:
            shape, fortran, dtype = _header(stream)
            skipped = stream.tell()
            if dtype.hasobject:
                raise _objects(self._file, name)
            while stream.read(1 << 24):  # to the end, where zipfile compares the CRC
                pass
        with open(self._file, "rb") as raw:
            raw.seek(member.header_offset + 26)
            lengths = struct.unpack("<HH", raw.read(4))  # of the name and of the extra field that follow
        start = member.header_offset + 30 + sum(lengths) + skipped
        if not math.prod(shape):
            return np.empty(shape, dtype)
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"`{name}` is cut off")
        return np.memmap(self._file, dtype, "r", start, tuple(shape), "F" if fortran else "C")


def _header(stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran's order, and type of the array that begins here."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        if any(length < 0 for length in shape):
            raise ValueError(f"a shape of {shape}")
        return shape, fortran, dtype
    except Exception as error:  # it is a text in Python: damage brings NumPy's parser to raise anything
        raise ValueError(f"the header of an array is damaged: {error}") from None


def _objects(file: Path, name: str) -> UserError:
    """That an array is of objects, each of which would have to be unpickled, and how to write it instead."""
    texts = f"text, as np.array({name}, dtype=str)"
    images = f"an array of numbers, as np.stack({name}).astype(np.uint8), all images of one size"
    labels = f"np.array({name}).astype(int), or {texts}"
    remedy = texts if "name" in name else labels if name.lower() in {*_LABELS} else images
    return UserError(f"{file}: `{name}` holds Python objects, which are not opened; write it as {remedy}")


_LABELS = ("labels", "label", "y", "y_train", "y_test", "train_labels", "test_labels", "train_y", "test_y", "arr_1")
