"""From values of any numeric type to uint8 levels: which become black (0) and white (255).

Without limits: 8 bits are taken as they are, 16 bits keep their upper 8, truth values are black and white, floats go
from 0 to 1. Other integers have no range of their own: they must be levels already, from 0 to 255.
"""

import math

import numpy as np

from gan.errors import UserError

Limits = tuple[float, float] | None
_AT_ONCE = 1 << 20  # values that are converted at a time, which bounds the memory for the numbers between


def value_limits(text: str) -> Limits:
    """The values that become black and white, of a setting auto (None) or MIN,MAX; raises `UserError`."""
    if text == "auto":
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"--value_range={text} must be auto or two numbers, the lower first, such as 0,4095")
    return low, high


def levels(values: np.ndarray, limits: Limits, where: str) -> np.ndarray:
    """uint8 levels of the same shape; the values themselves where nothing is to be done.

    Raises `UserError` naming `where`, the range found and the remedy if the values do not fit or are not numbers.
    """
    if values.dtype.kind not in "biuf":
        raise UserError(f"{where} holds {values.dtype}, not numbers; write it as uint8, uint16 or float32")
    if limits is None and values.dtype == np.uint8 or not values.size:
        return values.astype(np.uint8, copy=False)
    if values.dtype.kind == "f" or limits is None:
        check_range(values.dtype, span(values), limits, where)
    if limits is None and values.dtype.kind in "iu":
        return (values >> 8 if values.dtype == np.uint16 else values).astype(np.uint8)
    if values.dtype in (np.uint8, np.uint16):
        return table(values.dtype, limits)[values]
    found = np.empty(values.shape, np.uint8)
    step = max(1, _AT_ONCE * len(values) // values.size) if values.ndim else 1
    for start in range(0, len(values) if values.ndim else 1, step):
        part = slice(start, start + step) if values.ndim else ...
        found[part] = _scaled(values[part], limits or (0, 1))
    return found


def table(dtype: np.dtype | type, limits: tuple[float, float]) -> np.ndarray:
    """The uint8 level of every value of an unsigned type of 8 or 16 bits."""
    return _scaled(np.arange(np.iinfo(dtype).max + 1), limits)


def span(values: np.ndarray) -> tuple[float, float]:
    """The least and the greatest value; NaN where one of them is no number."""
    return values.min().item(), values.max().item()


def check_range(dtype: np.dtype, found: tuple[float, float], limits: Limits, where: str) -> None:
    """Raises `UserError` if values of this type that go from `found[0]` to `found[1]` have no levels by themselves."""
    if not all(map(math.isfinite, found)):
        raise UserError(f"{where} has pixels that are not finite (NaN or infinite); replace them by numbers")
    if limits is not None or dtype.kind == "b" or dtype in (np.uint8, np.uint16):
        return
    low, high = found
    most = 1 if dtype.kind == "f" else 255
    if low < 0 or high > most:
        kind = "floats" if dtype.kind == "f" else f"integers of {8 * dtype.itemsize} bits"
        raise UserError(
            f"{where} has {kind} from {low:.6g} to {high:.6g}, not from 0 to {most}; "
            "say which are black and white with --value_range=MIN,MAX"
        )


def _scaled(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    low, high = limits
    return np.rint((values.astype(np.float64) - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)
