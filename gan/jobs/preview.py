"""A preview of a data set: a grid of its images titled by class as a PNG, and its facts."""

from pathlib import Path

import numpy as np

from gan import config as configs
from gan.data import order, sources
from gan.data.source import Source
from gan.jobs.requests import Preview as Request
from gan.pictures import figures
from gan.settings import group

COUNTED = 20_000  # of a set that is not in memory, classes and pixels are counted over so many images
CHUNK = 1000


def run(request: Request) -> Path:
    """Writes the grid of images drawn by the seed, and prints the facts; raises `UserError` and `StorageError`."""
    config = configs.make(**request.settings)
    source = sources.open_source(**group(config, "data"))
    shown = order.permutation(config.seed, 0, source.num_examples)[: request.rows * request.columns]
    images, labels = source.read(shown)
    pairs = zip(shown, labels, strict=True)
    titles = [source.class_names[label] if label >= 0 else f"image {index}" for index, label in pairs]
    figures.titled_grid(request.out, images, titles, request.columns, heading=source.name)
    print("\n".join(f"{title:<12} {fact}" for title, fact in facts(source)))
    print(f"{'grid':<12} {request.out}")
    return Path(request.out)


def facts(source: Source) -> list[tuple[str, str]]:
    """What there is to know of a source, as lines of (title, fact)."""
    height, width, channels = source.image_shape
    some = source.num_examples if source.in_memory else min(source.num_examples, COUNTED)
    counts, mean, deviation = _statistics(source, some)
    whole = "" if some == source.num_examples else f" (of {some:,} images spread over the set)"
    lines = [
        ("data set", source.name),
        ("examples", f"{source.num_examples:,}"),
        ("images", f"{height} x {width} x {channels}, uint8, {source.num_bytes / 2**20:.1f} MiB"),
        ("held", "in memory" if source.in_memory else "in files, read by index"),
        ("pixels", f"mean {mean:.2f}, standard deviation {deviation:.2f} of 255{whole}"),
        ("classes", f"{source.num_classes}{whole}" if source.num_classes else "none: the images have no labels"),
        *(("", f"{count:>9,}  {name}") for name, count in zip(source.class_names, counts, strict=True)),
        ("fingerprint", source.fingerprint),
        ("location", source.location),
    ]
    return lines + [("note", note) for note in source.notes]


def _statistics(source: Source, some: int) -> tuple[list[int], float, float]:
    """Images of each class, and mean and standard deviation of the pixels, over `some` images spread evenly."""
    counts, total, squares = np.zeros(source.num_classes, np.int64), 0, 0
    spread = np.arange(some, dtype=np.int64) * source.num_examples // some
    for start in range(0, some, CHUNK):
        images, labels = source.read(spread[start : start + CHUNK])
        counts += np.bincount(labels[labels >= 0], minlength=source.num_classes)
        levels = np.bincount(images.reshape(-1), minlength=256)
        total += int(levels @ np.arange(256))
        squares += int(levels @ np.arange(256) ** 2)
    pixels = some * int(np.prod(source.image_shape))
    mean = total / pixels
    return counts.tolist(), mean, max(squares / pixels - mean**2, 0.0) ** 0.5
