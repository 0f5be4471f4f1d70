"""Files as PyTorch writes them, made without it: pickles put together by hand, in an archive or in the older form."""

import io
import pickle
import struct
import zipfile

import numpy as np

TYPES = {"float32": "FloatStorage", "float64": "DoubleStorage", "int64": "LongStorage"}
MAGIC = 0x1950A86A20F9469CFC6C


def word(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text.encode())) + text.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def called(name: str, arguments: bytes = b")") -> bytes:
    """The call of a global, "module name", with a tuple."""
    return b"c" + name.replace(" ", "\n").encode() + b"\n" + arguments + b"R"


def tensor(key: str, array: np.ndarray, offset=0, strides=None, more: bytes = b"") -> bytes:
    """A tensor of the storage `key`, which holds `array` and nothing else."""
    kind = b"ctorch\n" + TYPES[array.dtype.name].encode() + b"\n"
    storage = b"(" + word("storage") + kind + word(key) + word("cpu") + number(array.size) + more + b"tQ"
    own = [step // array.itemsize for step in array.strides]
    view = number(offset) + numbers(array.shape) + numbers(own if strides is None else strides)
    return called(
        "torch._utils _rebuild_tensor_v2", b"(" + storage + view + b"\x89" + called("collections OrderedDict") + b"t"
    )


def table(items: dict[str, bytes]) -> bytes:
    """The pickle of an ordered dictionary of what other pickles hold."""
    return (
        b"\x80\x02" + called("collections OrderedDict") + b"".join(word(k) + v + b"s" for k, v in items.items()) + b"."
    )


def archive(pickled: bytes, storages: list[np.ndarray], compression=zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        made.writestr("archive/data.pkl", pickled)
        made.writestr("archive/byteorder", "little")
        for key, array in enumerate(storages):
            made.writestr(f"archive/data/{key}", array.tobytes())
        made.writestr("archive/version", "3\n")
    return file.getvalue()


def zipped(arrays: dict[str, np.ndarray]) -> bytes:
    """A state dict in the newer form."""
    items = {name: tensor(str(key), array) for key, (name, array) in enumerate(arrays.items())}
    return archive(table(items), list(arrays.values()))


def old(arrays: dict[str, np.ndarray]) -> bytes:
    """A state dict in the form before PyTorch 1.6."""
    items = {name: tensor(str(key), array, more=b"N") for key, (name, array) in enumerate(arrays.items())}
    keys = [str(key) for key in range(len(arrays))]
    head = [pickle.dumps(part, 2) for part in (MAGIC, 1001, {"little_endian": True})]
    storages = [struct.pack("<q", array.size) + array.tobytes() for array in arrays.values()]
    return b"".join([*head, table(items), pickle.dumps(keys, 2), *storages])
