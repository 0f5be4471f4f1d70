"""The smallest networks and data that make a run, and what a run leaves, for comparing two of them."""

import json
from pathlib import Path

import numpy as np

TINY = (
    "--preset=article_corrected",
    "--batch_size=8",
    "--g_width=8",
    "--d_width=4",
    "--latent_size=8",
    "--precision=float32",
    "--convolution=direct",
    "--sample_rows=2",
    "--sample_columns=3",
)
EXAMPLES = 96
TIMES = {"images_per_second", "wall_seconds"}  # what a clock says is not a function of config, seed and data


def squares() -> np.ndarray:
    """96 grey images, uint8 [96, 28, 28]: squares of three sizes in turn."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (EXAMPLES, 28, 28), np.uint8)
    for i, image in enumerate(images):
        image[5 : 12 + 4 * (i % 3), 5 : 12 + 4 * (i % 3)] += 180
    return images


def write_squares(path: Path) -> Path:
    """A set of the squares, whose labels are their sizes, as an npz file."""
    np.savez(path, images=squares(), labels=np.arange(EXAMPLES) % 3)
    return path


def checkpoint_hashes(workdir: Path, step: int) -> dict[str, dict]:
    """Size and sha256 of each file of a checkpoint, as its manifest has them."""
    return json.loads((workdir / f"checkpoints/step_{step:010d}/manifest.json").read_text())["files"]


def rows(workdir: Path) -> list[dict]:
    """The lines of metrics.jsonl without what a clock says."""
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if name not in TIMES} for line in lines]


def events(workdir: Path) -> list[tuple[str, int, object]]:
    """(tag, step, value) of everything that TensorBoard's loader finds in the files, in their order."""
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found = []
    for path in sorted((workdir / "train").iterdir()):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag not in TIMES and value.tag != "config":
                    found.append((value.tag, event.step, tf.make_ndarray(value.tensor).tolist()))
    return found


def grids(workdir: Path) -> dict[str, bytes]:
    """The sample grids, and their animation where the run has ended."""
    found = [*(workdir / "samples").glob("grid_*.png"), *(workdir / "samples").glob("*.gif")]
    return {path.name: path.read_bytes() for path in sorted(found)}


def evaluations(workdir: Path) -> list[dict]:
    """What the run itself measured, without the time of day."""
    path = workdir / "evaluations.jsonl"
    measured = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [{name: row[name] for name in row if name != "time"} for row in measured if row.get("in_training")]


def differences(workdir: Path, expected: Path, step: int) -> list[str]:
    """What two runs that ended at `step` have left otherwise than each other: nothing may be missing, nothing twice."""
    kinds = {
        "checkpoint": lambda run: checkpoint_hashes(run, step),
        "metrics.jsonl": rows,
        "TensorBoard": events,
        "samples": grids,
        "evaluations": evaluations,
    }
    return [name for name, of in kinds.items() if of(workdir) != of(expected)]
