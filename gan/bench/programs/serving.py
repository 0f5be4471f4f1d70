"""The side of a rival in its talk with bin/bench: one line a message, over the pipes of its process.

    rival: ready {"versions": ..., "parameters": ...}     bench: run 2 (and of what, if there are several)
    rival: seconds 4.81                                   bench: (end of file: the rival ends)

or, at any time, `error` and a line for a person. A rival waits in a blocking read between its windows. What it trains
by and on comes with its flags. No package is needed here that a Python with some framework may lack.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from gan import config as configs
from gan.bench import resident
from gan.settings import Config


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
        return self.next_window()[0]

    def next_window(self) -> tuple[int, str]:
        """The same, and what else the line says."""
        words = sys.stdin.readline().split(maxsplit=2)
        return (int(words[1]), "".join(words[2:]).strip()) if words else (0, "")

    def seconds(self, seconds: float) -> None:
        """Says how long the window took, and how much memory the process has had at most."""
        self._say(f"seconds {seconds} {resident.peak_bytes()}")

    def error(self, line: str) -> None:
        """Says why there will be no windows."""
        self._say(f"error {line}")

    def _say(self, line: str) -> None:
        print(line, file=self._answers, flush=True)


def arguments(description: str, preset: str) -> argparse.ArgumentParser:
    """The flags that all rivals have; without settings they train by `preset`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--settings", type=json.loads, default={"preset": preset}, help="JSON: settings by name")
    parser.add_argument("--batch_size", type=int, default=0, help="real images of a step (0: as the settings have it)")
    parser.add_argument(
        "--threads",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="threads of an operation; Keras: 0 for its best",
    )
    parser.add_argument("--images", type=Path, help=".npy file, uint8 [N, H, W, C]; without it, noise of 28 x 28 x 1")
    parser.add_argument("--labels", type=Path, help=".npy file, integers [N]; without it, the classes in turn")
    parser.add_argument("--num_classes", type=int, default=10, help="classes that the labels are of")
    return parser


def config(options: argparse.Namespace) -> Config:
    """The settings to train by."""
    batch = {"batch_size": options.batch_size} if options.batch_size else {}
    return configs.assembled(**{**options.settings, **batch})
