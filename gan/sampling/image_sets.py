"""Many images as one result, written while they are made: a NumPy archive, a folder of PNG files, a grid, a loop.

Images come in batches, uint8 [n, H, W, C]. Each result appears complete or not at all.
"""

import contextlib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from gan.pictures import raster
from gan.storage.files import check_unused, staged_file, staged_folder

Batches = Iterable[np.ndarray]


class Parts(NamedTuple):
    """An array of `dtype` and `shape` in parts along its first axis, so that it need not be in memory as a whole."""

    dtype: Any
    shape: Sequence[int]
    parts: Batches


LOOP_MILLISECONDS = 80  # each frame
_DATE = (1980, 1, 1, 0, 0, 0)  # of every archive member: equal images give equal bytes


def write_npz(path: Path, batches: Batches, shape: Sequence[int], facts: Mapping[str, Any]) -> None:
    """Writes `images` uint8 of `shape` [N, H, W, C] and each of the facts: a number, an array or `Parts` of one.

    Nothing is pickled. No more than a batch is held in memory. Raises `StorageError`.
    """
    with staged_file(path) as file, _archive(file) as archive:
        for name, value in {"images": Parts(np.uint8, shape, batches), **facts}.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _DATE), "w", force_zip64=True) as member:
                _write_array(member, value)


def _write_array(member: IO[bytes], value: Any) -> None:
    """Writes a member of an archive as NumPy's format has it."""
    if not isinstance(value, Parts):
        array = np.int64(value) if isinstance(value, int) else np.asarray(value)
        return np.lib.format.write_array(member, array, allow_pickle=False)
    dtype = np.dtype(value.dtype)
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(value.shape)}
    np.lib.format.write_array_header_1_0(member, header)
    for part in value.parts:
        member.write(np.ascontiguousarray(part, dtype).tobytes())


@contextlib.contextmanager
def _archive(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """A zip archive to be written into a file; where the block fails it is given up as it is, for the file goes too."""
    archive = None
    try:
        yield (archive := zipfile.ZipFile(file, "w"))
        archive.close()
    except BaseException:
        if archive:
            archive.fp = None  # its end would complain of the member that was being written, in the place of the reason
        raise


def write_folder(path: Path, batches: Batches, name: Callable[[int], str] = "{:08d}.png".format) -> None:
    """Writes 00000000.png, 00000001.png, ... into a folder that must be new or empty; raises `UserError` before work.

    Each number is that of the image, and `name` gives the file's. Raises `StorageError`.
    """
    check_unused(path)
    number = 0
    with staged_folder(path) as folder:
        for images in batches:
            for image in images:
                (folder / name(number)).write_bytes(raster.png(image))
                number += 1


def write_grid(path: Path, batches: Batches, rows: int, columns: int) -> None:
    """Writes all images as one PNG of `rows` x `columns` cells, row by row; raises `StorageError`."""
    images = np.concatenate(list(batches))
    raster.write_png(path, raster.grid(images, rows, columns), scale=raster.GRID_SCALE)


def write_loop(path: Path, frames: Sequence[np.ndarray]) -> None:
    """Writes grids uint8 [H, W, C] as an animation that goes round for ever, in the format of the path's end.

    Raises `UserError` for frames that are too large for it, and `StorageError`.
    """
    shown = [frame.repeat(raster.GRID_SCALE, axis=0).repeat(raster.GRID_SCALE, axis=1) for frame in frames]
    raster.write_animation(path, shown, LOOP_MILLISECONDS, max_frames=len(shown), last_factor=1)
