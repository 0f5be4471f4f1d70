"""Images from a NumPy archive: `images` uint8 [N, H, W] or [N, H, W, C], optional `labels` integers [N].

The classes have the names of an optional array `class_names`, strings [K], or else their numbers.
"""

import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from gan.data import fingerprint
from gan.data.images import AS_IS, Fit, fitted_shape
from gan.data.source import Source, array_reader
from gan.errors import UserError

MAX_CLASSES = 100_000
_UNREADABLE = (OSError, ValueError, EOFError, struct.error, zipfile.BadZipFile, zlib.error, NotImplementedError)


def open_npz(path: str, fit: Fit = AS_IS, in_memory: str = "auto") -> Source:
    """The images of an .npz file. An array stored without compression is mapped, any other is loaded.

    Raises `UserError` naming the file and what is wrong with it.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"--dataset=npz:{path} is not a file; give the path of an .npz file with an array `images`")
    try:
        images, labels, names, mapped = _arrays(file)
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{file} cannot be read as an .npz archive ({reason}); write it again with np.savez") from None
    if in_memory == "false" and not mapped:
        raise UserError(
            f"{file} is compressed and cannot be read by index; write it with numpy.savez, or drop "
            "--data_in_memory=false"
        )
    images, labels = _validated(file, images, labels)
    identity = fingerprint.of_files(file.parent, [file], "npz", *fit.facts)
    fit = fit._replace(channels=fit.channels or images.shape[3])
    shape = fitted_shape(*images.shape[1:], fit, f"each image of {file}")
    stored = array_reader(images, labels)

    def read(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found, found_labels = stored(indices)
        return fit.array(found), found_labels

    named = _class_names(file, labels, names)
    return Source(f"npz:{path}", len(images), shape, named, identity, str(file.resolve()), read, labels=labels)


def _arrays(file: Path) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None, bool]:
    """`images`, `labels`, `class_names` (or None), and whether the images are mapped instead of loaded."""
    with zipfile.ZipFile(file) as archive:
        members = set(archive.namelist())
        if "images.npy" not in members:
            inside = ", ".join(sorted(name.removesuffix(".npy") for name in members)) or "nothing"
            raise UserError(f"{file} has no array `images` (it has {inside}); rename the array")
        images = _mapped(file, archive)
        labels, names = (
            _loaded(archive, f"{name}.npy") if f"{name}.npy" in members else None for name in ("labels", "class_names")
        )
        if images is not None:
            return images, labels, names, True
        return _loaded(archive, "images.npy"), labels, names, False


def _loaded(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    with archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _mapped(file: Path, archive: zipfile.ZipFile) -> np.ndarray | None:
    """The stored images as a memory map, after a check of their CRC; None where they are compressed."""
    member = archive.getinfo("images.npy")
    if member.compress_type != zipfile.ZIP_STORED:
        return None
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(stream)
        skipped = stream.tell()
        while stream.read(1 << 24):  # to the end, where zipfile compares the CRC
            pass
    if dtype.hasobject:
        raise ValueError("`images` holds pickled objects")
    with open(file, "rb") as raw:
        raw.seek(member.header_offset + 26)
        lengths = struct.unpack("<HH", raw.read(4))  # of the name and of the extra field that follow
    start = member.header_offset + 30 + sum(lengths) + skipped
    if not np.prod(shape):
        return np.empty(shape, dtype)
    return np.memmap(file, dtype, "r", start, tuple(shape), "F" if fortran else "C")


def _validated(file: Path, images: np.ndarray, labels: np.ndarray | None) -> tuple:
    """Images [N, H, W, C] and labels int32 [N], -1 where there are none; raises `UserError`."""
    if images.dtype != np.uint8:
        raise UserError(f"{file}: `images` is {images.dtype}, not uint8; write pixels from 0 to 255 as uint8")
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise UserError(f"{file}: `images` has shape {list(images.shape)}; it must be [N, H, W] or [N, H, W, 1 or 3]")
    if not images.size:
        raise UserError(f"{file}: `images` is empty; write at least one image")
    if labels is None:
        return images, np.full(len(images), -1, np.int32)
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise UserError(
            f"{file}: `labels` is {labels.dtype} {list(labels.shape)}; it must be integers "
            f"[{len(images)}], one for each image"
        )
    if labels.min() < 0 or labels.max() >= MAX_CLASSES:
        raise UserError(f"{file}: `labels` go from {labels.min()} to {labels.max()}; number the classes from 0")
    return images, labels.astype(np.int32)


def _class_names(file: Path, labels: np.ndarray, names: np.ndarray | None) -> tuple[str, ...]:
    """The names of the classes, as many as the labels need; raises `UserError` for names that cannot be theirs."""
    count = int(labels.max()) + 1
    if names is None or not count:
        return tuple(str(label) for label in range(count))
    if names.ndim != 1 or names.dtype.kind != "U" or len(names) < count or len(set(names.tolist())) < len(names):
        raise UserError(
            f"{file}: `class_names` must be strings [K], all different, one for each label from 0 to {count - 1}; "
            "write it so or leave it out"
        )
    return tuple(names.tolist())
