"""Where a training leaves the finite numbers: which number did, and at which step."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gan.runs import tensors


class Fault(NamedTuple):
    """The first step that is known to have gone wrong, and what did: "d_loss is nan"."""

    step: int
    what: str


class NotFinite(Exception):
    """A number is not finite: what was computed since the last checkpoint is worth nothing."""

    def __init__(self, fault: Fault):
        super().__init__(f"{fault.what} at step {fault.step}")
        self.fault = fault


def in_metrics(step: int, values: Mapping[str, float]) -> Fault | None:
    """The fault of a step with these metrics; None if all are finite."""
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    if not wrong:
        return None
    others = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return Fault(step, f"{wrong[0]} is {float(values[wrong[0]])}{others}")


def check(fault: Fault | None) -> None:
    """Raises `NotFinite` if there is a fault."""
    if fault:
        raise NotFinite(fault)


def check_state(state: Any, step: int) -> None:
    """Raises `NotFinite` naming the first variable of the state that is not; the next losses would show it too late."""
    for name, variable in tensors.named(state, path=""):
        if variable.dtype.is_floating and not np.isfinite(variable.numpy()).all():
            check(Fault(step, f"the tensor {name.removeprefix('/')} is not finite"))
