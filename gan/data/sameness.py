"""Sets of images that are all nearly the same, or hardly images at all: seen in passing, said in a sentence.

Distances and shares of neighbours mean something only between sets that vary: of copies of one image every neighbour
is as near as any other.
"""

import numpy as np

LEVELS = 8  # an image whose pixels are all within so many of the 256 levels, in each channel, is nearly of one colour
SPREAD = 2.0  # levels by which the images of a set differ from each other, as a rule, if they are not all the same
_FEW = 0.01  # of all images, the different ones of a set that repeats itself
_MANY = 100  # images of which a set must have more to repeat itself
_EACH = 61  # pixels apart that are looked at first


class Sameness:
    """What is alike among uint8 images [n, H, W, C] that come in batches: `add` each, then ask."""

    def __init__(self) -> None:
        self.count = self.one_colour = 0
        self._marks: set[int] = set()
        self._sum: np.ndarray | float = 0.0
        self._squares: np.ndarray | float = 0.0

    def add(self, images: np.ndarray) -> None:
        """Looks at more images."""
        self.count += len(images)
        self.one_colour += int(of_one_colour(images).sum())
        self._marks.update(marks(images))
        for start in range(0, len(images), 256):  # so that a large batch is not held in float64
            pixels = images[start : start + 256].astype(np.float64)
            self._sum = self._sum + pixels.sum(axis=0)
            self._squares = self._squares + np.square(pixels).sum(axis=0)

    @property
    def different(self) -> int:
        """How many different images there are."""
        return len(self._marks)

    @property
    def spread(self) -> float:
        """By how many levels a pixel differs from image to image: the root of its mean variance."""
        if not self.count:
            return 0.0
        mean = self._sum / self.count
        return float(np.sqrt(np.mean(np.maximum(self._squares / self.count - np.square(mean), 0.0))))

    def sentence(self, which: str) -> str:
        """What keeps the images, called `which`, from being compared with others; empty where nothing does."""
        if self.count < 2:
            return ""
        if self.different == 1:
            return f"all {which} images are the same"
        if self.spread < SPREAD:
            return f"all {which} images are nearly the same"
        if self.one_colour == self.count:
            return f"every one of the {which} images is nearly of one colour"
        if self.count > _MANY and self.different <= _FEW * self.count:
            return f"only {self.different:,} of the {self.count:,} {which} images differ from each other"
        return ""


def of_one_colour(images: np.ndarray) -> np.ndarray:
    """Which of the uint8 images [n, H, W, C] are nearly constant: bool [n]."""
    pixels = images.reshape(len(images), images.shape[1] * images.shape[2], images.shape[3])
    likely = np.flatnonzero(_range(pixels[:, ::_EACH]) < LEVELS)  # as a rule none: looking at few pixels is enough
    found = np.zeros(len(images), bool)
    found[likely] = _range(pixels[likely]) < LEVELS
    return found


def marks(images: np.ndarray) -> list[int]:
    """A number for each uint8 image [n, H, W, C] that is the same for the same image, and within this process alone."""
    data, size = images.tobytes(), int(np.prod(images.shape[1:]))
    return [hash(data[start : start + size]) for start in range(0, len(data), size)]


def _range(pixels: np.ndarray) -> np.ndarray:
    """The levels from the darkest to the brightest of the pixels [n, P, C], in the channel where most: [n]."""
    if not len(pixels):
        return np.zeros(0, np.int64)
    return (pixels.max(axis=1).astype(np.int64) - pixels.min(axis=1)).max(axis=1)
