"""Makes a folder of very many small images, and measures what opening it takes, in time and in memory.

    python -m gan.bench.programs.many_images make FOLDER --count=1000000
    python -m gan.bench.programs.many_images open FOLDER      # the first start reads all files, the next none

`open` starts a fresh process that opens the folder as bin/train does with --data_in_memory=false, and reads a batch.
"""

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from gan.bench import resident

_PER_TASK = 1000


def png(pixels: np.ndarray) -> bytes:
    """A grey image uint8 [H, W] as the bytes of a PNG file."""
    height, width = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels], axis=1)  # each row begins with its filter: none

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows.tobytes(), 1)), chunk(b"IEND", b"")]
    )


def make(folder: Path, count: int, classes: int, side: int, start: int) -> None:
    """Writes images start ... start + `_PER_TASK` - 1 of `count` of noise, all different, into the class folders."""
    for number in range(start, min(start + _PER_TASK, count)):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side), dtype=np.uint8)
        (folder / f"class {number % classes:04}" / f"{number:07}.png").write_bytes(png(pixels))


def make_all(folder: Path, count: int, classes: int, side: int) -> None:
    """Writes all images, by as many processes as there are cores."""
    for number in range(classes):
        (folder / f"class {number:04}").mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        starts = range(0, count, _PER_TASK)
        for task in [pool.submit(make, folder, count, classes, side, start) for start in starts]:
            task.result()


def opened(folder: Path) -> dict:
    """Opens the folder in this process: seconds, and memory of this process and of its largest worker in MiB."""
    from gan.data.sources import open_source

    before = resident.peak_bytes()
    started = time.monotonic()
    source = open_source(f"folder:{folder}", data_in_memory="false")
    seconds = time.monotonic() - started
    images, _ = source.read(np.arange(0, source.num_examples, max(1, source.num_examples // 128)))
    return {
        "images": source.num_examples,
        "classes": source.num_classes,
        "seconds": round(seconds, 1),
        "mib_before": before >> 20,
        "mib": resident.peak_bytes() >> 20,
        "mib_of_a_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10,
        "read": len(images),
        "duplicates": source.duplicates,
        "fingerprint": source.fingerprint,
    }


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "open", "opened"), help=argparse.SUPPRESS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1_000_000, help="images (1,000,000)")
    parser.add_argument("--classes", type=int, default=100, help="class folders (100)")
    parser.add_argument("--side", type=int, default=16, help="pixels a side (16)")
    given = parser.parse_args()
    if given.what == "make":
        make_all(given.folder, given.count, given.classes, given.side)
    elif given.what == "opened":
        print(json.dumps(opened(given.folder)))
    else:
        command = [sys.executable, "-m", __spec__.name, "opened", os.fspath(given.folder)]
        sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
