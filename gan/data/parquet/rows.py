"""The encoded images of Parquet files by index: copied once into an Arrow file of the cache, which is mapped.

A Parquet file is compressed in groups of rows, of which a whole one has to be unpacked for one image. The copy is as
large as the images, and memory holds one group at a time while it is made. One that is not what was written is made
again: its form is looked at when it is opened, each image by a checksum when it is read.
"""

import contextlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gan.data import fingerprint, memory
from gan.data.decoding.images import Header, read_header
from gan.data.headers import Headers
from gan.errors import StorageError, UserError
from gan.storage import cache, targets
from gan.storage.files import remove, staged_file

VERSION = 2  # to be raised when a copy is to hold something else
_NAMES = ["image", "row", "header", "check"]  # of the copy's columns
_AT_ONCE = 64  # rows, which may be photographs of some MB
_LFS = b"version https://git-lfs"
_MANY = 20_000  # rows that take long enough for a progress line


class Rows:
    """The rows that have an image. It can be pickled; another process maps the copy itself."""

    def __init__(self, copy: Path | bytes, files: list[Path], starts: list[int], total: int):
        """`copy` is the Arrow file or its content; `starts` are the numbers of the files' first rows of `total`."""
        self._copy, self._files, self._starts = copy, files, starts
        self._open: Any = _table(copy)
        self.numbers = self._open.column("row").to_numpy()  # of the rows, over all files
        self.passed_over = total - len(self.numbers)
        self.labels = np.full(len(self.numbers), -1, np.int32)

    @property
    def on_disk(self) -> bool:
        """Whether other processes can map the copy, instead of each holding one of its own."""
        return isinstance(self._copy, Path)

    def __len__(self) -> int:
        return len(self.numbers)

    def __call__(self, index: int) -> tuple[bytes, int]:
        if self._open is None:
            self._open = _table(self._copy)
        image, row, header, check = (column[index].as_py() for column in self._open.columns)
        if _check(image, row, header) != check:
            copy = Path(self._copy)  # what is in memory was made by this process, and is never another
            remove(copy)
            raise UserError(
                f"{copy}, a copy made by this program, is damaged; if it is still there remove it, start again"
            )
        return image, int(self.labels[index])

    def where(self, index: int) -> str:
        """The row of an image in a message, counted from 0 in its file."""
        number = int(self.numbers[index])
        file = int(np.searchsorted(self._starts, number, side="right")) - 1
        return f"row {number - self._starts[file]} of {self._files[file]}"

    def headers(self) -> Headers:
        """What the images say of themselves."""
        column = _table(self._copy).column("header").combine_chunks().dictionary_encode()
        different = [Header.of_json(json.loads(text)) for text in column.dictionary.to_pylist()]
        return Headers(different, column.indices.to_numpy().astype(np.int32))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}


def _table(copy: Path | bytes) -> Any:
    """The columns of a copy."""
    import pyarrow as pa

    source = pa.BufferReader(copy) if isinstance(copy, bytes) else pa.memory_map(str(copy))
    return pa.ipc.open_file(source).read_all()


def _check(image: bytes, row: int, header: str) -> int:
    """The checksum of what is kept of an image."""
    return zlib.crc32(f"{row} {header}".encode(errors="replace"), zlib.crc32(image))


def opened(file: Path) -> Any:
    """A Parquet file of pyarrow; raises `UserError` if it is damaged, or is something else."""
    import pyarrow.parquet as pq

    with reading(file):
        return pq.ParquetFile(file)


@contextlib.contextmanager
def reading(file: Path) -> Iterator[None]:
    """What pyarrow raises of a damaged file becomes one `UserError`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno:  # not what is in the file
            raise
        raise _damaged(file, error) from None


def rows(files: list[Path], column: str) -> Rows:
    """The images in a column of the files; raises `UserError` for an image or a file that cannot be read."""
    counts = [opened(file).metadata.num_rows for file in files]
    starts = np.cumsum([0, *counts]).tolist()
    copy: Path | bytes
    try:
        copy = _cached(files, column, starts[-1])
    except StorageError as error:  # no place on the disk
        needed = sum(file.stat().st_size for file in files)
        if needed > memory.SHARE * memory.available_bytes():
            size = f"{needed / 2**30:.1f} GiB"
            raise UserError(
                f"the images of {files[0]} need {size} in the cache: {error}; or set XDG_CACHE_HOME to another folder"
            ) from None
        copy = _in_memory(files, column, starts[-1])
    return Rows(copy, files, starts[:-1], starts[-1])


def _cached(files: list[Path], column: str, total: int) -> Path:
    """The copy in the cache, made if it is not there. Raises `StorageError` where it cannot be."""
    folder = cache.folder()
    if folder is None:
        raise StorageError("there is no home for it")
    path = folder / f"parquet-{fingerprint.of_stamps(files)[:40]}-{column.encode().hex()[:40]}-{VERSION}.arrow"
    if _is_whole(path, total):
        return path
    if path.is_symlink() or (path.exists() and not path.is_file()):
        remove(path)  # it would be written through; a file is replaced, which another process may have made meanwhile
    with staged_file(path) as sink:
        _copy(files, column, total, sink)
    return path


def _is_whole(path: Path, total: int) -> bool:
    """Whether a copy of so many rows is at `path`, by what is read of it when it is opened: all but the images."""
    import pyarrow as pa

    try:
        targets.check_regular(path)
        table = _table(path)
        table.validate(full=True)
        numbers = table.column("row").to_numpy()
        checks = (len(numbers) <= total, (np.diff(numbers, prepend=-1) > 0).all(), (numbers < total).all())
        for text in table.column("header").unique().to_pylist():
            Header.of_json(json.loads(text))
        return table.schema.names == _NAMES and all(checks)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, UserError):
        return False


def _in_memory(files: list[Path], column: str, total: int) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    _copy(files, column, total, sink)
    return sink.getvalue().to_pybytes()


def _copy(files: list[Path], column: str, total: int, sink: Any) -> None:
    """Writes the images that there are, and what their headers say, as an Arrow file."""
    import pyarrow as pa

    kinds = (pa.large_binary(), pa.int64(), pa.large_string(), pa.int64())
    schema = pa.schema(list(zip(_NAMES, kinds, strict=True)))
    few = total < _MANY or None  # None: on a terminal only
    with (
        pa.ipc.new_file(sink, schema) as writer,
        tqdm(total=total, unit=" rows", desc="looking through the images", disable=few, leave=False) as bar,
    ):
        number = 0
        for file, first, images in _batches(files, column):
            there = [(row, image) for row, image in enumerate(images) if image]
            headers = [json.dumps(read_header(image, f"row {first + row} of {file}")) for row, image in there]
            kept = [(image, number + row, header) for (row, image), header in zip(there, headers, strict=True)]
            rows_kept = [(*each, _check(*each)) for each in kept]
            columns = list(zip(*rows_kept, strict=True)) or [()] * len(_NAMES)
            arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            number += len(images)
            bar.update(len(images))


def _batches(files: list[Path], column: str) -> Iterator[tuple[Path, int, list[bytes | None]]]:
    """Some rows at a time: the file, the number of the first row in it, the bytes or None of each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for file in files:
        first, batches = 0, opened(file).iter_batches(_AT_ONCE, columns=[column])
        while True:
            with reading(file):
                if (batch := next(batches, None)) is None:
                    break
                values = batch.column(0)
                values = pc.struct_field(values, "bytes") if pa.types.is_struct(values.type) else values
                images = values.to_pylist()
            yield file, first, images
            first += len(images)


def _damaged(file: Path, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    with open(file, "rb") as raw:
        if raw.read(len(_LFS)) == _LFS:
            return UserError(f"{file} is a Git LFS pointer; download the file itself with git lfs pull")
    return UserError(f"{file} cannot be read as a Parquet file ({reason}); download or write it again")
