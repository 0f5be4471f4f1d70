"""Convolutions of other libraries beside the engine's own: how fast the machine computes them by the best there is.

A library is in a process of its own, which waits while others are measured, as a rival does.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence

from gan.bench import twins
from gan.bench.convolution_work import Convolution
from gan.bench.rivals import Rival

_LIMIT_SECONDS = 60.0  # that a measurement may take


def of(rivals: Sequence[str]) -> str:
    """The first of these rivals whose framework lends its convolutions; empty if none does."""
    return next((name for name in rivals if name.startswith("torch")), "")


class Convolutions:
    """PyTorch's convolutions with all cores, as a context manager that ends their process.

    Where replicas share a batch, it has the whole batch. Raises `UserError` if PyTorch cannot be had.
    """

    name = "torch"

    def __init__(self, rival: str, precision: str, replicas: int):
        """In the Python of the rival; `precision` is that of images and kernels."""
        module = "gan.bench.programs.torch_convolutions"
        line = [twins.python(rival), "-m", module, f"--threads={len(os.sched_getaffinity(0))}"]
        self._process, self._precision, self._replicas = Rival(rival, line, _LIMIT_SECONDS), precision, replicas

    def __enter__(self) -> "Convolutions":
        self._process.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.__exit__(*error)

    def repeated(self, convolution: Convolution, kinds: Sequence[str]) -> Callable[[int], float]:
        """Computes these passes so many times; seconds of each time, infinitely many if it takes too long."""
        whole = convolution._replace(batch=self._replicas * convolution.batch)
        asked = json.dumps({"convolution": whole, "passes": kinds, "precision": self._precision})

        def run(calls: int) -> float:
            seconds = self._process.run(calls, asked)
            return sys.float_info.max if seconds is None else seconds

        return run
