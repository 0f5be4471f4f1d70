"""Ten classes of clothes drawn by the program: grey images of 28x28 pixels, a pure function of (seed, index).

60,000 of them are for training, the 10,000 after them for tests.

They stand in for Fashion-MNIST, with its classes, where it is not at hand: light garments on black with varied cut,
tone, shading and pattern. No files; the same bits on every machine (see `gan.data.garments.canvas`).
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan.data.decoding.fit import AS_IS, Fit, fitted_shape
from gan.data.garments import accessories, canvas, clothes
from gan.data.garments.canvas import SIDE, Canvas, Draws
from gan.data.source import Source

GARMENTS: dict[str, Callable[[Canvas, Draws], None]] = {
    "T-shirt/top": clothes.tshirt,
    "Trouser": clothes.trouser,
    "Pullover": clothes.pullover,
    "Dress": clothes.dress,
    "Coat": clothes.coat,
    "Sandal": accessories.sandal,
    "Shirt": clothes.shirt,
    "Sneaker": accessories.sneaker,
    "Bag": accessories.bag,
    "Ankle boot": accessories.boot,
}
CLASS_NAMES = tuple(GARMENTS)

NUM_EXAMPLES = 60_000
NUM_TEST = 10_000
SEED = 0
BLOCK = 128  # images of one class drawn at a time: their arrays stay in the processor's cache
_NUMBERS = 48  # uniform numbers an image
_GRAIN = SIDE * SIDE // 8  # words of 8 bytes for the grain


def draw(indices: np.ndarray, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [B, 28, 28, 1] and labels int32 [B] of the given indices; the label is the index modulo 10."""
    indices = np.asarray(indices, np.int64)
    labels = (indices % len(CLASS_NAMES)).astype(np.int32)
    images = np.empty((len(indices), SIDE, SIDE, 1), np.uint8)
    garments = tuple(GARMENTS.values())
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            images[block, :, :, 0] = _drawn(garments[label], indices[block], seed)
    return images, labels


def open_garments(fit: Fit = AS_IS, test: bool = False) -> Source:
    """The garments as a source, resized or converted where wanted; `test`: those that training never sees."""
    fit = fit._replace(channels=fit.channels or 1)
    shape = fitted_shape(SIDE, SIDE, 1, fit, "each garment")
    first, count = (NUM_EXAMPLES, NUM_TEST) if test else (0, NUM_EXAMPLES)

    def read(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images, labels = draw(np.asarray(indices, np.int64) + first)
        return fit.array(images), labels

    images, _ = read(np.arange(100))
    identity = hashlib.sha256(repr((SEED, count, shape)).encode() + images.tobytes()).hexdigest()
    code = b"".join(
        Path(file).read_bytes() for file in (__file__, canvas.__file__, clothes.__file__, accessories.__file__)
    )
    key = f"garments-{identity[:20]}-{hashlib.sha256(code).hexdigest()[:20]}"
    return Source("garments", count, shape, CLASS_NAMES, identity, "drawn by the program", read, cache_key=key)


def _drawn(garment: Callable[[Canvas, Draws], None], indices: np.ndarray, seed: int) -> np.ndarray:
    """Images uint8 [B, SIDE, SIDE] of one class."""
    words = [np.random.Philox(key=np.array([seed, i], np.uint64)).random_raw(_NUMBERS + _GRAIN) for i in indices]
    words = np.stack(words).astype("<u8")
    numbers = (words[:, :_NUMBERS] >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    grain = np.ascontiguousarray(words[:, _NUMBERS:]).view(np.uint8).reshape(-1, SIDE, SIDE)
    draws = Draws(numbers)
    sheet = Canvas(len(indices), draws.between(-0.5, 0.5), draws.between(-0.025, 0.025))
    garment(sheet, draws)
    _light(sheet, draws, grain.astype(np.float32) / 255 - np.float32(0.5))
    return np.floor(np.clip(sheet.pixels, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)


def _light(sheet: Canvas, draws: Draws, grain: np.ndarray) -> None:
    """Light from one side, soft folds, and the grain of the cloth."""
    x = (np.arange(SIDE, dtype=np.float32) / (SIDE - 1))[None, None, :]
    y = x.reshape(1, SIDE, 1)
    side, fall = draws.between(-0.16, 0.16)[:, None, None], draws.between(-0.12, 0.12)[:, None, None]
    light = 1 + side * (2 * x - 1) + fall * (2 * y - 1)
    for _ in range(2):  # a fold is a soft dark band across the cloth
        place, slope = draws.between(0.15, 0.85)[:, None, None], draws.between(-0.7, 0.7)[:, None, None]
        depth = draws.between(0.0, 0.18)[:, None, None]
        across = (x + slope * (y - np.float32(0.5)) - place) * 7
        light = light * (1 - depth / (1 + across * across))
    strength = draws.between(0.02, 0.12)[:, None, None]
    sheet.pixels = sheet.pixels * light * (1 + strength * grain)
