"""What commands do with batches of images while these pass."""

from collections.abc import Iterable, Iterator

import numpy as np

_QUIET = 1000  # fewer images come at once, without a progress line


def with_progress(batches: Iterable[np.ndarray], num: int, title: str = "") -> Iterator[np.ndarray]:
    """The same batches; on a terminal a line shows how far a long list of them is."""
    from tqdm import tqdm

    with tqdm(total=num, unit=" images", desc=title, leave=False, disable=True if num < _QUIET else None) as bar:
        for images in batches:
            yield images
            bar.update(len(images))


def first_kept(batches: Iterable[np.ndarray], kept: list[np.ndarray], wanted: int) -> Iterator[np.ndarray]:
    """The same batches; those that hold the first `wanted` images are in `kept` when they have passed."""
    have = 0
    for images in batches:
        if have < wanted:
            kept.append(images)
            have += len(images)
        yield images
