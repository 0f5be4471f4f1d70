"""The networks of a run as a checkpoint holds them, read without disturbing a trainer that may be at work."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from gan import build
from gan.config import Config
from gan.core import rng
from gan.core.layers import Network
from gan.engine import checkpoint, manifest, tensors, workdir
from gan.engine.files import storage_errors
from gan.engine.manifest import Damaged
from gan.errors import UserError

_REMEDY = "use the version of this program that wrote it, or another --workdir"


class Trained(NamedTuple):
    """The parameters of both networks after `step`, and a line for each damaged checkpoint that was passed over."""

    config: Config
    image_shape: tuple[int, int, int]  # [H, W, C]
    step: int
    generator: Any
    discriminator: Any
    skipped: list[str]


def load(folder: Path, step: int | None = None) -> Trained:
    """The newest good checkpoint of the run in `folder`, or that of `step`; writes and renames nothing there.

    Optimizer slots and metrics are not looked at, so that a run stays usable when those change. Raises `UserError` if
    there is no run, no checkpoint yet, none that is good or none of that step, `StorageError` if it may not be read.
    """
    config, facts = workdir.load_run(folder)
    image_shape = tuple(facts["image_shape"])
    found, path, values, skipped = _newest_good(folder / workdir.CHECKPOINTS, step)

    def params(player: str, network: Network) -> Any:
        return _params(path, values, f"{tensors.ROOT}/state/{player}/params", network)

    return Trained(
        config=config,
        image_shape=image_shape,
        step=found,
        generator=params("generator", build.generator(config, image_shape, build.PLAIN)),
        discriminator=params("discriminator", build.discriminator(config, image_shape, build.PLAIN)),
        skipped=skipped,
    )


def _newest_good(folder: Path, step: int | None) -> tuple[int, Path, dict[str, Any], list[str]]:
    """(step, folder, tensors by name, lines on damaged ones) of the newest good checkpoint, or of the one asked for."""
    present, skipped = checkpoint.steps(folder), []
    if step is not None and present:
        checkpoint.manifest(folder, step)  # raises `UserError` where it is not there or not good
        present = [step]
    for candidate in reversed(present):
        path = folder / f"step_{candidate:010d}"
        try:
            manifest.verified(path, candidate)
            return candidate, path, tensors.read(path), skipped
        except Damaged as fault:
            if path.exists():  # one that the trainer pruned meanwhile is not damaged
                skipped.append(f"{path.name} is damaged ({fault})")
    raise _nothing(folder, skipped)


def _nothing(folder: Path, skipped: list[str]) -> UserError:
    """Why there is nothing to read: damage is never taken for absence."""
    with storage_errors(folder):
        names = sorted(os.listdir(folder)) if folder.exists() else []
    lost = [name for name in names if name.startswith(("damaged_", "replaced_"))]
    if skipped or lost:
        return UserError(
            f"{folder} has no checkpoint that can be read: {'; '.join(skipped or lost)}; put a copy back in its place"
        )
    return UserError(f"{folder.parent} has no checkpoint yet; wait until its trainer has saved one, or start bin/train")


def _params(path: Path, values: dict[str, Any], prefix: str, network: Network) -> Any:
    """The parameters of `network`, those of `prefix` among the checkpoint's tensors; raises `UserError`."""

    def value(name: str, like: tf.Tensor) -> tf.Tensor:
        if name not in values or values[name].shape != like.shape:
            raise UserError(f"{path}: tensor {name.removeprefix(f'{tensors.ROOT}/')} is not that of its run; {_REMEDY}")
        return tf.constant(values[name])

    return {
        layer: {part: value(f"{prefix}/{layer}/{part}", like) for part, like in parts.items()}
        for layer, parts in network.init(rng.stream(seed=0, step=-1)).items()
    }
