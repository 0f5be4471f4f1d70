"""Whether a source's decoded images are held in memory, and how they get there."""

import dataclasses
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from gan.data.decoding.fit import corner
from gan.data.source import Arrays, Held, Read, Source, array_reader
from gan.data.workers import Workers, auto_count
from gan.errors import UserError
from gan.storage import cache

SHARE = 0.25  # of the available memory that the images may take under `auto`
CHUNK, CHUNK_BYTES = 512, 1 << 24  # images read at a time, at most
MANY = 20_000  # images whose reading takes long enough to be announced
MANY_DECODED = 5_000  # images for which it pays to start processes
_WHOLE = 1.5  # guess of how much larger images are before the cut


def available_bytes() -> int:
    """The memory that can still be had: what the kernel says, within the limit of the container."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        pass  # not Linux: all of the memory is the best guess
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            free = min(free, int(Path(folder, limit).read_text()) - int(Path(folder, used).read_text()))
        except (OSError, ValueError):
            continue  # no such group, or "max": no limit
    return max(free, 0)


def placed(source: Source, in_memory: str, num_workers: int = 0) -> Source:
    """The source with its images decoded in memory if `in_memory` ("auto", "device", "true", "false") says so.

    Whoever wants them on the device has them in memory as well, from where they are evaluated. Same order and same bits
    either way; many images are decoded by `num_workers` processes (0: one for each core).
    Raises `UserError` if they are wanted in memory and do not fit.
    """
    if source.in_memory or in_memory == "false":
        return source
    free, needed = available_bytes(), needed_bytes(source)
    if in_memory == "auto" and needed > SHARE * free:
        return source
    if needed > free:
        raise UserError(
            f"--data_in_memory={in_memory} needs {needed / 2**30:.1f} GiB for {source.name} and "
            f"{free / 2**30:.1f} are available; use auto or false"
        )

    def build() -> Arrays:
        if source.num_examples >= MANY:
            print(f"Reading {source.num_examples:,} images of {source.name} into memory.", file=sys.stderr, flush=True)
        return (loaded_whole if source.whole else loaded)(source, num_workers)

    images, about = cache.get(source.cache_key, build)
    held = one_after_the_other(images, about, source.image_shape[2]) if source.whole else Held(images, about)
    read = part_reader(held, source.image_shape) if source.whole else array_reader(images, about)
    return dataclasses.replace(source, read=read, task=None, whole=None, in_memory=True, held=held)


def needed_bytes(source: Source) -> int:
    """The memory that the images take; of images that are held whole, where their sizes are not known, a guess."""
    if not source.whole:
        return source.num_bytes
    squares = sum(max(size) / min(size) * count for size, count in source.sizes.items())
    return int(source.image_bytes * (squares or _WHOLE * source.num_examples))


def loaded(source: Source, num_workers: int = 0) -> Arrays:
    """All images uint8 [N, H, W, C] and labels int32 [N]."""
    images = np.empty((source.num_examples, *source.image_shape), np.uint8)
    labels = np.empty(source.num_examples, np.int32)
    task = source.task or (lambda rows: functools.partial(source.read, rows))
    for rows, found in _in_order(source, task, num_workers):
        images[rows], labels[rows] = found
    return images, labels


def loaded_whole(source: Source, num_workers: int = 0) -> Arrays:
    """All images before the cut, one after the other: uint8 [bytes], and int32 [N, 3] of label, height and width."""
    pixels = bytearray()  # grows where it is: arrays that are joined at the end would be there twice
    about = np.empty((source.num_examples, 3), np.int32)
    for rows, (images, labels) in _in_order(source, source.whole, num_workers):
        about[rows, 0] = labels
        about[rows, 1:] = [image.shape[:2] for image in images]
        pixels += b"".join(image.tobytes() for image in images)
    return np.frombuffer(pixels, np.uint8), about


def one_after_the_other(pixels: np.ndarray, about: np.ndarray, channels: int) -> Held:
    """What `loaded_whole` returns, with the place of each image in it."""
    sizes = about[:, 1:].astype(np.int64)
    ends = np.cumsum(sizes.prod(axis=1) * channels)
    return Held(pixels, np.ascontiguousarray(about[:, 0]), np.concatenate([[0], ends[:-1]]), sizes)


def parts(held: Held, channels: int, indices: np.ndarray, places: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Where the squares at these places lie in images before the cut: (first byte, bytes a row), int64 [n]."""
    heights, widths = held.sizes[indices].T
    left, top = corner(widths, heights, places)
    return held.begins[indices] + (top * widths + left) * channels, widths * channels


def part_reader(held: Held, shape: tuple[int, int, int]) -> Read:
    """A `read` of parts of the given shape from images before the cut."""
    height, row_bytes = shape[0], shape[1] * shape[2]

    def read(indices: np.ndarray, places: np.ndarray | None = None) -> Arrays:
        images = np.empty((len(indices), height, row_bytes), np.uint8)
        where = parts(held, shape[2], indices, places)
        for row, (first, stride) in enumerate(zip(*(array.tolist() for array in where), strict=True)):
            images[row] = np.ndarray((height, row_bytes), np.uint8, held.pixels, first, (stride, 1))
        return images.reshape(len(indices), *shape), held.labels[indices]

    return read


def _in_order(source: Source, task: Callable, num_workers: int) -> Iterator[tuple[np.ndarray, tuple]]:
    """(indices, what the task of these returns) of all images, in their order; by workers where it can be and pays."""
    pays = source.task and source.num_examples >= MANY_DECODED
    workers = Workers((num_workers or auto_count()) if pays else 0)
    size = max(1, min(CHUNK, CHUNK_BYTES // source.image_bytes))
    chunks = [np.arange(start, min(start + size, source.num_examples)) for start in range(0, source.num_examples, size)]
    try:
        results = workers.in_order((task(rows) for rows in chunks), ahead=2 * workers.count)
        yield from zip(chunks, results, strict=True)
    finally:
        workers.close()
