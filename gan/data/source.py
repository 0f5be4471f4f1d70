"""What every data source is: images and labels by index."""

import dataclasses
from collections.abc import Callable

import numpy as np

Read = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Source:
    """A set of images of one size that can be read in any order.

    `read(indices)` maps integer indices [B] to (images uint8 [B, H, W, C], labels int32 [B]); it depends on the
    indices alone, and may be called from several threads. Labels are -1 where the set has none.
    """

    name: str
    num_examples: int
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]  # empty where the set has no labels
    fingerprint: str  # sha256 (hex) of the content; the same whether held in memory or read from files
    location: str  # a folder or a file, or a word for what has none
    read: Read
    notes: tuple[str, ...] = ()  # what a person should know: a fall-back, cropped images, ignored files
    in_memory: bool = False
    cache_key: str = ""  # names the decoded images in the cache; empty where a cache does not pay

    @property
    def num_classes(self) -> int:
        """The number of classes; 0 where the set has no labels."""
        return len(self.class_names)

    @property
    def num_bytes(self) -> int:
        """The size of all decoded images."""
        return self.num_examples * int(np.prod(self.image_shape))


def array_reader(images: np.ndarray, labels: np.ndarray) -> Read:
    """A `read` from arrays: images uint8 [N, H, W, C] (in memory or memory-mapped), labels int32 [N]."""

    def read(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(images[indices]), labels[indices]

    return read
