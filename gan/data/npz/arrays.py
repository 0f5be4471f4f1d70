"""Arrays of images as people keep them, of any numeric type and in several forms; what is read of them is uint8."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from gan.data.decoding.fit import Fit
from gan.errors import UserError

_DARK = 32768  # of 65535; where no image reaches this value, the range may be meant to end before
_CHUNK_BYTES = 64 << 20  # of an array that is looked through, which may be larger than memory


class Pictures(NamedTuple):
    """Images [N, H, W, C] of any numeric type, C 1, 3 or 4, where 4 is a colour image with its opacity."""

    array: np.ndarray
    fit: Fit  # what makes them uint8 images of the wanted form; of 1 or 3 channels
    notes: tuple[str, ...]
    doubts: tuple[str, ...] = ()  # what may have been meant otherwise

    def read(self, indices: np.ndarray, places: np.ndarray | None = None) -> np.ndarray:
        """The images of the indices, each cut at its place, uint8 [B, H, W, C]."""
        return self._read(indices, self.fit, places)

    def whole(self, indices: np.ndarray) -> list[np.ndarray]:
        """The images of the indices before the cut."""
        return list(self._read(indices, self.fit._replace(crop="none"), None))

    def _read(self, indices: np.ndarray, fit: Fit, places: np.ndarray | None) -> np.ndarray:
        found = np.asarray(self.array[indices])
        found = found.astype(found.dtype.newbyteorder("="), copy=False)
        if found.shape[3] == 4:
            found, fit = _on_white(fit.levels(found), fit.channels), fit._replace(value_range=None)
        return fit.array(found, places)


def pictures(array: np.ndarray, fit: Fit, where: str) -> Pictures:
    """What an array is as images; raises `UserError`, which begins with `where`, unless that is certain.

    Values are levels from 0 to 255 or of all that the type can have, floats from 0 or -1 to 1, unless `fit` says what
    becomes black and white.
    """
    if array.dtype.kind not in "biuf":
        raise UserError(f"{where} is {array.dtype}, which is no number; write pixels from 0 to 255 as uint8")
    array, notes = _channels_last(array, where)
    if not array.size:
        raise UserError(f"{where} is empty; write at least one image")
    if array.shape[3] == 4:
        notes = (*notes, "the fourth channel is taken as opacity; transparent pixels are shown on white")
    fit = fit._replace(channels=fit.channels or (1 if array.shape[3] == 1 else 3))
    if array.dtype.kind == "b":  # black and white
        return Pictures(array, fit._replace(value_range=None), notes)
    if fit.value_range is not None or array.dtype == np.uint8:
        return Pictures(array, fit, notes)
    low, high, whole = _values(array, where)
    if array.dtype.newbyteorder("=") == np.uint16 and high > 255:
        dark = f"values from {low:g} to {high:g} of 65535 are dark; if {high:g} is white, give --value_range=0,{high:g}"
        return Pictures(array, fit, notes, (dark,) * (high < _DARK))
    limits, why = _limits(array, low, high, whole, where)
    return Pictures(array, fit._replace(value_range=limits), (*notes, *why))


def _channels_last(array: np.ndarray, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The array as [N, H, W, C], and a note if its channels were elsewhere; raises `UserError`."""
    shape = list(array.shape)
    wants = "it must be [N, H, W] or [N, H, W, 1 or 3]"
    if array.ndim == 4 and shape[3] in (1, 3, 4):
        return array, ()
    if array.ndim == 4 and shape[1] in (1, 3, 4) and min(shape[2:]) > 4:
        note = f"images of {shape[1:]} have their channels first, and are taken so"
        return np.moveaxis(array, 1, 3), (note,)
    looks = _looks_like(array)
    if array.ndim == 3 and not looks:
        return array[..., None], ()
    raise UserError(f"{where} has shape {shape}{looks or ''}; {wants}")


def _looks_like(array: np.ndarray) -> str:
    """What an array that is not [N, H, W, C] seems to be, to be put behind its shape; empty where it is [N, H, W]."""
    shape = array.shape
    if array.ndim == 1 or array.ndim > 4:
        return f": {array.ndim} dimensions"
    if array.ndim == 2:
        side = round(shape[1] ** 0.5)
        thirds = round((shape[1] / 3) ** 0.5)
        if side * side == shape[1] and side > 4 and shape[0] != shape[1]:
            return f", like {shape[0]} flat images of {side} x {side}: reshape it to {[shape[0], side, side]}"
        if thirds * thirds * 3 == shape[1] and thirds > 4:
            return f", like {shape[0]} flat images of {thirds} x {thirds} in colour: reshape it to [N, H, W, 3]"
        return f", like one grey image of {shape[0]} x {shape[1]}: write [1, {shape[0]}, {shape[1]}]"
    if array.ndim == 3 and shape[2] in (1, 2, 3, 4) and min(shape[:2]) > 4:
        return f", like one image of {shape[0]} x {shape[1]} with {shape[2]} channels: write {[1, *shape]}"
    if array.ndim == 3 and shape[0] == 3 and shape[1] == shape[2]:
        return (
            f", like one image with its channels first: write [1, {shape[1]}, {shape[2]}, 3], or {[*shape, 1]} if it "
            "is three grey images"
        )
    if array.ndim == 4 and shape[2] in (1, 3) and shape[3] > 4:
        return f", like {shape[3]} images with their number last: use numpy.moveaxis(images, 3, 0)"
    return f", images with {shape[3]} channels" if array.ndim == 4 else ""


def _limits(
    array: np.ndarray, low: float, high: float, whole: bool, where: str
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Which become black and white of values from `low` to `high`, a note if it is a guess; raises `UserError`."""
    found, floats = f"values from {low:g} to {high:g}", array.dtype.kind == "f"
    if floats and low >= 0 and high <= 1:
        return (0.0, 1.0), ()
    if floats and -1 <= low < -0.5 and 0.5 < high <= 1:
        return (-1.0, 1.0), (f"{found}: -1 is taken as black, 1 as white; --value_range says otherwise",)
    if whole and low >= 0 and 1 < high <= 255:
        return (0.0, 255.0), (f"{array.dtype} {found} are taken as levels of 255; --value_range says otherwise",)
    likely = "0,255" if low >= 0 and 128 < high <= 255 else f"{low:g},{high:g}"
    raise UserError(
        f"{where} is {array.dtype} with {found}, which may mean several things; give --value_range=MIN,MAX, the values "
        f"of black and white, such as --value_range={likely}"
    )


def _values(array: np.ndarray, where: str) -> tuple[float, float, bool]:
    """The least and the greatest value of an array, and whether all are whole; raises `UserError` if some are none."""
    rows = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    low, high, whole = np.inf, -np.inf, True
    for start in range(0, len(array), rows):
        part = array[start : start + rows]
        if array.dtype.kind == "f":
            if not np.isfinite(part).all():
                wrong = start + int(np.flatnonzero(~np.isfinite(part.reshape(len(part), -1)).all(axis=1))[0])
                raise UserError(f"{where} has a value in image {wrong} that is not finite; repair or remove it")
            whole = whole and bool(np.all(np.mod(part, 1) == 0))
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    return low, high, whole


def _on_white(images: np.ndarray, channels: int) -> np.ndarray:
    """Images uint8 [B, H, W, 4] with opacity as [B, H, W, C] of 1 or 3 channels, white below transparent pixels."""
    mode = "L" if channels == 1 else "RGB"
    white = Image.new("RGBA", images.shape[2:0:-1], "white")
    found = [Image.alpha_composite(white, Image.fromarray(image)).convert("RGB").convert(mode) for image in images]
    stacked = np.stack([np.asarray(image) for image in found]) if found else np.empty((0, *images.shape[1:3]), np.uint8)
    return stacked.reshape(*images.shape[:3], channels)
