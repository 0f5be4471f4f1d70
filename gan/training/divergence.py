"""The end of a training that has left the finite numbers."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gan.errors import DivergedError
from gan.runs import checkpoint


def check_means(means: Mapping[str, float], step: int, checkpoints: Path) -> None:
    """Raises `DivergedError` naming the first mean that is not a finite number."""
    for name, value in means.items():
        if not math.isfinite(value):
            raise _diverged(f"{name} is {value}", step, checkpoints)


def check_state(state: Any, step: int, checkpoints: Path) -> None:
    """Raises `DivergedError` if a variable of the state is not finite; the next losses would show it too late."""
    for variable in tf.nest.flatten(state):
        if variable.dtype.is_floating and not np.isfinite(variable.numpy()).all():
            raise _diverged("a parameter is not finite", step, checkpoints)


def _diverged(what: str, step: int, checkpoints: Path) -> DivergedError:
    saved = checkpoint.steps(checkpoints)
    if saved:
        remedy = f"continue from the newest checkpoint, step {saved[-1]}, with --override and a smaller"
    else:
        remedy = "there is no checkpoint yet: start again with --override and a smaller"
    return DivergedError(f"diverged: {what} at step {step}; {remedy} learning rate")
