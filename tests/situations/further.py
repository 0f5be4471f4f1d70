"""What becomes of the copies that the program keeps in its cache."""

import io
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan.data.sources import open_source
from gan.errors import UserError
from gan.storage import cache
from tests.situations import Place, situation

AREA = "the cache"


def images(count: int = 12) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def write(place: Place) -> str:
    """A Parquet file of images in a format without checksums; its `--dataset`."""
    encoded = []
    for image in images():
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "BMP")
        encoded.append({"bytes": stream.getvalue(), "path": None})
    pq.write_table(pa.table({"image": encoded}), place.folder / "train.parquet")
    return f"parquet:{place.folder / 'train.parquet'}"


def copy_of(place: Place, patch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """The set, and the copy of its images, made in a cache of the situation's own."""
    patch.setenv("XDG_CACHE_HOME", str(place.folder / "cache"))
    dataset = write(place)
    open_source(dataset, data_in_memory="false")
    (copy,) = cache.folder().glob("*.arrow")
    return dataset, copy


def read(dataset: str) -> np.ndarray:
    return open_source(dataset, data_in_memory="false").read(np.arange(len(images())))[0]


@situation(AREA, "the copy of a Parquet set is cut, empty, nonsense, a folder, a broken link or a FIFO", "made again")
def a_copy_that_is_none(place: Place) -> None:
    damages = (
        lambda copy, whole: copy.write_bytes(whole[: len(whole) // 2]),
        lambda copy, whole: copy.write_bytes(b""),
        lambda copy, whole: copy.write_bytes(b"x" * 5000),
        lambda copy, whole: copy.write_bytes(whole[:-400] + bytes(byte ^ 255 for byte in whole[-400:])),
        lambda copy, whole: (copy.unlink(), copy.mkdir()),
        lambda copy, whole: (copy.unlink(), copy.symlink_to(place.folder / "nowhere")),
        lambda copy, whole: (copy.unlink(), os.mkfifo(copy)),
    )
    with pytest.MonkeyPatch.context() as patch:
        dataset, copy = copy_of(place, patch)
        whole = copy.read_bytes()
        for damage in damages:
            damage(copy, whole)
            assert np.array_equal(read(dataset), images())
            assert copy.read_bytes() == whole and not copy.is_symlink()
    assert not (place.folder / "nowhere").exists()


@situation(AREA, "a pixel in that copy is another than was written", "one line that names the copy; then made again")
def a_copy_with_another_pixel(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patch:
        dataset, copy = copy_of(place, patch)
        whole = bytearray(copy.read_bytes())
        whole[whole.index(images()[3, ::-1, :, ::-1].tobytes())] ^= 128
        copy.write_bytes(whole)
        with pytest.raises(UserError, match=r"a copy made by this program, is damaged") as caught:
            read(dataset)
        assert str(caught.value).startswith(str(copy))
        assert np.array_equal(read(dataset), images())
