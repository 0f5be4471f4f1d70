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

from gan import config as configs
from gan.settings import Config

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


def arguments(description: str, preset: str) -> argparse.ArgumentParser:
    """The flags that all rivals have; one of a recipe without settings trains by `preset`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--batch_size", type=int, default=0, help="real images of a step (0: as the settings have it)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of an operation")
    parser.add_argument("--images", type=Path, help=".npy file, uint8 [N, H, W, C]; without it, noise of 28 x 28 x 1")
    parser.add_argument("--labels", type=Path, help=".npy file, integers [N]; without it, ten classes in turn")
    parser.add_argument("--settings", type=json.loads, default={"preset": preset}, help="JSON of settings by name")
    return parser


def config(options: argparse.Namespace) -> Config:
    """The settings to train by."""
    batch = {"batch_size": options.batch_size} if options.batch_size else {}
    return configs.make(**{**options.settings, **batch})


def images(path: Path | None, batch: int) -> np.ndarray:
    """Uint8 [N, H, W, C] with N at least `batch`."""
    if path is None:
        return np.random.default_rng(0).integers(0, 256, (max(1024, batch), *IMAGE_SHAPE), np.uint8)
    there = np.load(path)
    return np.tile(there, (-(-batch // len(there)), 1, 1, 1))


def labels(path: Path | None, number: int) -> np.ndarray:
    """Int64 [number], repeated to fill it."""
    return np.resize(np.arange(10) if path is None else np.load(path), number).astype(np.int64)
