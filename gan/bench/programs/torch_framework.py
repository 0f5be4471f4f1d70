"""PyTorch for the programs that need it, set up for speed, or a line that says how to have it."""

import sys

from gan.bench.programs import serving

try:
    import numpy as np
    import torch
    from torch import nn
except ModuleNotFoundError as missing:
    if missing.name not in ("torch", "numpy"):
        raise
    package = {"torch": "PyTorch", "numpy": "NumPy"}[missing.name]
    serving.Conversation().error(
        f"{package} is not installed in {sys.executable}; name a Python that has it in $GAN_TORCH_PYTHON, "
        f"or install it: {sys.executable} -m pip install torch==2.13.0 numpy"
    )
    raise SystemExit(2) from None

__all__ = ["nn", "np", "set_up", "torch"]


def set_up(threads: int) -> None:
    """So many threads within an operation, each of which takes numbers too small for full precision as 0.

    With those a processor computes many times as slowly; TensorFlow has them as 0 too. Before the first operation:
    threads have it from the one that makes them.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True
