"""How far a long list of images is, as a line on terminals."""

from collections.abc import Iterable, Iterator

import numpy as np
from tqdm import tqdm

_QUIET = 1000  # fewer images come at once, without a progress line


def with_progress(batches: Iterable[np.ndarray], num: int, title: str = "") -> Iterator[np.ndarray]:
    """The same batches; on a terminal a line shows how far a long list of them is."""
    with tqdm(total=num, unit=" images", desc=title, leave=False, disable=True if num < _QUIET else None) as bar:
        for images in batches:
            yield images
            bar.update(len(images))
