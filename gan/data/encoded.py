"""Images that are stored encoded, one by one, as a `read` by index."""

import dataclasses
import io
from typing import Protocol

import numpy as np
from PIL import Image

from gan.data.images import Fit, decode
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

    def __call__(self, indices: np.ndarray, places: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        images = np.empty((len(indices), *self.shape), np.uint8)
        labels = np.empty(len(indices), np.int32)
        for row, index in enumerate(indices.tolist()):
            data, labels[row] = self.examples(index)
            images[row] = self._decoded(data, index, None if places is None else float(places[row]))
        return images, labels

    def _decoded(self, data: bytes, index: int, place: float | None) -> np.ndarray:
        where = self.examples.where(index)
        image = self._of_floats(data, where, place) if self.floats else decode(data, self.fit, where, place)
        if image.shape != self.shape:
            raise UserError(f"{where} has shape {image.shape} instead of {self.shape}; give --resolution")
        return image

    def _of_floats(self, data: bytes, where: str, place: float | None) -> np.ndarray:
        try:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
                values = np.ascontiguousarray(np.asarray(image)).view(np.float32)
        except (OSError, SyntaxError, ValueError) as error:
            raise UserError(f"{where} cannot be read as an image of floats ({error}); prepare it again") from None
        image = Image.fromarray(self.fit.levels(values, where)[..., 0])
        return self.fit._replace(value_range=None).pixels(image, place, where)
