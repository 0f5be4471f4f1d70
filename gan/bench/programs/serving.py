"""The side of a rival in its talk with bin/bench: one line a message, over the pipes of its process.

    rival: ready {"versions": ..., "parameters": ...}     bench: run 2
    rival: seconds 4.81                                   bench: (end of file: the rival ends)

or, at any time, `error` and a line for a person. A rival waits in a blocking read between its windows.
"""

import argparse
import json
import os
import resource
import sys
from pathlib import Path

import numpy as np

IMAGE_SHAPE = (28, 28, 1)


class Conversation:
    """The talk; what else the process prints goes to stderr and cannot be taken for an answer."""

    def __init__(self):
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def ready(self, **facts) -> None:
        """Says that windows can be run, and what there is to know of the rival."""
        self._say(f"ready {json.dumps(facts)}")

    def next_steps(self) -> int:
        """Waits for the next window; returns its number of steps, 0 at the end."""
        words = sys.stdin.readline().split()
        return int(words[1]) if words else 0

    def seconds(self, seconds: float) -> None:
        """Says how long the window took, and how much memory the process has had at most."""
        self._say(f"seconds {seconds} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}")

    def error(self, line: str) -> None:
        """Says why there will be no windows."""
        self._say(f"error {line}")

    def _say(self, line: str) -> None:
        print(line, file=self._answers, flush=True)


def arguments(description: str) -> argparse.ArgumentParser:
    """The flags that all rivals have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--batch_size", type=int, default=128, help="real images of a step")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of an operation")
    parser.add_argument("--images", type=Path, help=".npy file, uint8 [N, 28, 28, 1]; without it, noise")
    return parser


def images(path: Path | None, batch: int) -> np.ndarray:
    """Uint8 [N, 28, 28, 1] with N at least `batch`."""
    if path is None:
        return np.random.default_rng(0).integers(0, 256, (max(1024, batch), *IMAGE_SHAPE), np.uint8)
    there = np.load(path)
    return np.tile(there, (-(-batch // len(there)), 1, 1, 1))
