"""Pictures as an animation that goes round for ever, in memory."""

import tempfile
from pathlib import Path

import numpy as np

from gan.pictures import raster

MILLISECONDS = 80  # each frame
_LEAST_SIDE = 224  # pixels: smaller pictures are enlarged by a whole factor


def gif(images: np.ndarray) -> bytes:
    """The bytes of a GIF whose frames are images uint8 [n, H, W, C]."""
    factor = max(1, _LEAST_SIDE // max(images.shape[1:3]))
    frames = list(images.repeat(factor, axis=1).repeat(factor, axis=2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.gif"
        raster.write_animation(path, frames, MILLISECONDS, max_frames=len(frames), last_factor=1)
        return path.read_bytes()
