"""Whether a source's decoded images are held in memory, and how they get there."""

import dataclasses
import os
import sys
from pathlib import Path

import numpy as np

from gan.data.source import Source, array_reader
from gan.errors import UserError
from gan.storage import cache

SHARE = 0.25  # of the available memory that the images may take under `auto`
CHUNK = 2048  # images read at a time
MANY = 20_000  # images whose reading takes long enough to be announced


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


def placed(source: Source, in_memory: str) -> Source:
    """The source with its images decoded in memory if `in_memory` ("auto", "true", "false") says so.

    Same order and same bits either way. Raises `UserError` if they are wanted in memory and do not fit.
    """
    if source.in_memory or in_memory == "false":
        return source
    free = available_bytes()
    if in_memory == "auto" and source.num_bytes > SHARE * free:
        return source
    if source.num_bytes > free:
        raise UserError(
            f"--data_in_memory=true needs {source.num_bytes / 2**30:.1f} GiB for {source.name} and "
            f"{free / 2**30:.1f} are available; use auto or false"
        )

    def build() -> tuple[np.ndarray, np.ndarray]:
        if source.num_examples >= MANY:
            print(f"Reading {source.num_examples:,} images of {source.name} into memory.", file=sys.stderr, flush=True)
        return loaded(source)

    images, labels = cache.get(source.cache_key, build)
    return dataclasses.replace(source, read=array_reader(images, labels), in_memory=True)


def loaded(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """All images uint8 [N, H, W, C] and labels int32 [N]."""
    images = np.empty((source.num_examples, *source.image_shape), np.uint8)
    labels = np.empty(source.num_examples, np.int32)
    for start in range(0, source.num_examples, CHUNK):
        rows = np.arange(start, min(start + CHUNK, source.num_examples))
        images[rows], labels[rows] = source.read(rows)
    return images, labels
