"""Images that are stored encoded, one by one, as a `read` by index."""

import dataclasses
import io
from typing import Protocol

import numpy as np
from PIL import Image

from gan.data.decoding.fit import Fit
from gan.data.decoding.images import decode
from gan.data.source import Arrays
from gan.errors import UserError


class Examples(Protocol):
    """Encoded images and their labels; it can be pickled, and opens its files anew in each process."""

    def __call__(self, index: int) -> tuple[bytes, int]:
        """The encoded image of an index, and its label."""

    def where(self, index: int) -> str:
        """What the example of an index is called in a message."""


@dataclasses.dataclass(frozen=True)
class EncodedReader:
    """The `read` of a source of `examples`, which become images [H, W, C] of `shape` by `fit`."""

    examples: Examples
    shape: tuple[int, int, int]
    fit: Fit
    floats: bool = False  # grey images whose values are 32-bit floats, stored as the four channels of a PNG

    def __call__(self, indices: np.ndarray, places: np.ndarray | None = None) -> Arrays:
        images = np.empty((len(indices), *self.shape), np.uint8)
        labels = np.empty(len(indices), np.int32)
        for row, index in enumerate(indices.tolist()):
            data, labels[row] = self.examples(index)
            image = self._decoded(data, index, self.fit, None if places is None else float(places[row]))
            if image.shape != self.shape:
                where = self.examples.where(index)
                raise UserError(f"{where} has shape {image.shape} instead of {self.shape}; give --resolution")
            images[row] = image
        return images, labels

    def whole(self, indices: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Images before the cut, uint8 [h, w, C], and their labels."""
        uncut = self.fit._replace(crop="none")
        found = [self.examples(index) for index in indices.tolist()]
        images = [
            self._decoded(data, index, uncut, None) for (data, _), index in zip(found, indices.tolist(), strict=True)
        ]
        return images, np.array([label for _, label in found], np.int32)

    def _decoded(self, data: bytes, index: int, fit: Fit, place: float | None) -> np.ndarray:
        where = self.examples.where(index)
        return _of_floats(data, fit, where, place) if self.floats else decode(data, fit, where, place)


def _of_floats(data: bytes, fit: Fit, where: str, place: float | None) -> np.ndarray:
    """The pixels [H, W, 1] of an image whose floats are the four channels of a PNG."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            values = np.ascontiguousarray(np.asarray(image)).view(np.float32)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{where} cannot be read as an image of floats ({error}); prepare it again") from None
    image = Image.fromarray(fit.levels(values, where)[..., 0])
    return fit._replace(value_range=None).pixels(image, place)
