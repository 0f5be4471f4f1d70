"""Tensors by name from a file that PyTorch's `torch.save` wrote, without PyTorch and without running what is in it.

Such a file is a pickle, which may call any function there is. Here it can have tensors, numbers, text and collections
of them; whatever else it asks for ends the reading. Both forms are read: the zip archive, and the one before PyTorch
1.6: magic number, protocol, system, tensors, their storages, each with its length.
"""

import collections
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gan.errors import UserError
from gan.storage.files import read_bytes

MOST_BYTES = 1 << 29  # more than any file of which features are made here
_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ByteStorage": "<u1",
}


class _ForeignError(Exception):
    """The pickle wants what is no tensor."""


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays in `path` by their names; raises `UserError` for files that hold anything else."""
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path} has more than {MOST_BYTES >> 20} MiB; give the state dict of one Inception network")
    data = read_bytes(path)
    try:
        found = _from_zip(data) if zipfile.is_zipfile(io.BytesIO(data)) else _from_parts(data)
    except _ForeignError as error:
        raise UserError(f"{path} asks for {error}, which is no tensor, and was not read; give a state dict") from None
    except Exception as error:  # whatever a damaged pickle or archive leads to
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{path} cannot be read as a state dict, it may be cut ({reason}); get it again") from None
    named = isinstance(found, dict) and all(isinstance(name, str) for name in found)
    if not named or not all(isinstance(array, np.ndarray) for array in found.values()):
        raise UserError(f"{path} holds something else than tensors by name; give a state dict")
    return dict(found)


class _Unpickler(pickle.Unpickler):
    """Makes tensors of the storages that `storage(dtype, key, count)` has, and nothing else."""

    def __init__(self, file: io.BytesIO, storage: Callable[[str, Any, Any], np.ndarray]):
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name in the pickle: one of four things."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise _ForeignError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> np.ndarray:
        """A storage: the word, its type, its key, the device, the count of numbers."""
        word, dtype, key, _, count, *_ = pid
        if word != "storage" or dtype not in _TYPES.values() or not isinstance(count, int) or count < 0:
            raise ValueError("a storage is not described as PyTorch does it")
        return self._storage(dtype, key, count)


def _tensor(storage: np.ndarray, offset: int, size: tuple, strides: tuple, *_) -> np.ndarray:
    """A view of a storage [N]; raises `ValueError` if it would reach beyond it."""
    if min([offset, *size, *strides], default=0) < 0 or len(size) != len(strides):
        raise ValueError("a tensor lies outside of its storage")
    reach = sum((length - 1) * stride for length, stride in zip(size, strides, strict=True))
    if 0 not in size and offset + reach >= len(storage):
        raise ValueError("a tensor lies outside of its storage")
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)


def _parameter(tensor: np.ndarray, *_) -> np.ndarray:
    return tensor


def _from_zip(data: bytes) -> Any:
    """What a zip archive holds: NAME/data.pkl and storages NAME/data/KEY, which are not compressed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if len(names) != 1:
            raise ValueError("the archive has no data.pkl")
        root = names[0].removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its bytes are in the order of another machine")

        def member(name: str) -> bytes:
            if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
                raise ValueError("the archive is compressed")
            return archive.read(name)

        def storage(dtype: str, key: Any, count: int) -> np.ndarray:
            array = np.frombuffer(member(f"{root}data/{key}"), dtype)
            if len(array) != count:
                raise ValueError(f"storage {key} has {len(array)} numbers, not {count}")
            return array

        return _Unpickler(io.BytesIO(member(names[0])), storage).load()


def _from_parts(data: bytes) -> Any:
    """What a file of the older form holds; storages come last, so tensors are made before their numbers are there."""
    file = io.BytesIO(data)
    storages: dict[Any, np.ndarray] = {}

    def storage(dtype: str, key: Any, count: int) -> np.ndarray:
        if count * np.dtype(dtype).itemsize > len(data):
            raise ValueError("a storage is longer than the file")
        return storages.setdefault(key, np.zeros(count, dtype))

    if _Unpickler(file, storage).load() != _MAGIC:
        raise ValueError("it does not begin as PyTorch's files do")
    for _ in ("protocol", "system"):
        _Unpickler(file, storage).load()
    found = _Unpickler(file, storage).load()
    for key in _Unpickler(file, storage).load():
        array = storages[key]
        part = file.read(8 + array.nbytes)
        if len(part) != 8 + array.nbytes or int.from_bytes(part[:8], "little") != len(array):
            raise ValueError(f"storage {key} is not whole")
        array[:] = np.frombuffer(part[8:], array.dtype)
    return found
