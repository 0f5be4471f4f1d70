"""What every data source is: images and labels by index. And what can be wanted of one."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gan.data.decoding.fit import Fit
from gan.data.decoding.levels import value_limits

Arrays = tuple[np.ndarray, np.ndarray]  # images, labels
Read = Callable[..., Arrays]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a person wants of a data set: the settings of the group "data", by their names, which say what they mean."""

    dataset: str
    test_dataset: str = ""
    data_dir: str = ""
    labels: str = "auto"
    resolution: int = 0
    channels: int = 0
    crop: str = "center"
    flip: bool = False
    value_range: str = "auto"
    data_in_memory: str = "auto"
    data_workers: int = 0

    @property
    def fit(self) -> Fit:
        """The form that images are to have; raises `UserError` for limits of values that are none."""
        return Fit(self.resolution, self.channels, self.crop, value_limits(self.value_range))


class Held(NamedTuple):
    """All images as they lie in memory, uint8 [N, H, W, C], and their labels int32 [N].

    Those that are cut at their places lie there before the cut, one after the other [bytes]: image i begins at the byte
    `begins` int64 [N] and has the `sizes` int64 [N, 2], height and width.
    """

    pixels: np.ndarray
    labels: np.ndarray
    begins: np.ndarray | None = None
    sizes: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """A set of images of one size that can be read in any order.

    `read(indices)` maps integer indices [B] to (images uint8 [B, H, W, C], labels int32 [B]); it depends on the
    indices alone, and may be called from several threads. Labels are -1 where the set has none. Where
    `has_places`, `read(indices, places)` takes from each image the part at its place float [B] in [0, 1) from the left
    or top to the right or bottom end; without places the middle. `task`, of the same arguments, returns a callable that
    reads these images, in another process too: it can be pickled and needs nothing but what is in it. `whole(indices)`
    returns such a callable for images before the cut: a list of uint8 [h, w, C], the shorter side as long as a part's.
    """

    name: str
    num_examples: int
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]  # empty where the set has no labels
    fingerprint: str  # sha256 (hex) of the content; the same whether held in memory or read from files
    location: str  # a folder or a file, or a word for what has none
    read: Read
    notes: tuple[str, ...] = ()  # what a person should know: a fall-back, cropped images, ignored files
    doubts: tuple[str, ...] = ()  # what may have been meant otherwise, each with its remedy: warnings
    labels: np.ndarray | None = None  # of all images, int32 [N], where they are known without reading these
    passed_over: Mapping[str, int] = dataclasses.field(default_factory=dict)  # files that are not used, by reason
    sizes: Mapping[tuple[int, int], int] = dataclasses.field(default_factory=dict)  # by (width, height), as stored
    has_places: bool = False
    task: Callable[..., Callable[[], Arrays]] | None = None  # where decoding takes longer than sending the images
    whole: Callable[[np.ndarray], Callable[[], tuple[list[np.ndarray], np.ndarray]]] | None = None  # with has_places
    in_memory: bool = False
    held: Held | None = None  # what `read` reads, where that is arrays in memory
    cache_key: str = ""  # names the decoded images in the cache; empty where a cache does not pay
    duplicates: int | None = None  # files with the content of one before; None where that is not known

    @property
    def num_classes(self) -> int:
        """The number of classes; 0 where the set has no labels."""
        return len(self.class_names)

    @property
    def image_bytes(self) -> int:
        """The size of a decoded image."""
        return int(np.prod(self.image_shape))

    @property
    def num_bytes(self) -> int:
        """The size of all decoded images."""
        return self.num_examples * self.image_bytes


def array_reader(images: np.ndarray, labels: np.ndarray) -> Read:
    """A `read` from arrays: images uint8 [N, H, W, C] (in memory or memory-mapped), labels int32 [N]."""

    def read(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(images[indices]), labels[indices]

    return read
