"""The discriminator of a run as it is applied, where that is not with the parameters that are trained."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from gan import build
from gan.core import rng
from gan.core.state import VECTORS
from gan.engine import checkpoint, tensors, workdir
from gan.engine.trained import Trained
from gan.errors import UserError


def discriminator(folder: Path, run: Trained) -> Any:
    """The discriminator's parameters, with spectral normalization divided by their norms as the run knows them.

    Raises `UserError` if the checkpoint of the run's step is gone or does not have what the norms are made of.
    """
    network = build.discriminator(run.config, run.image_shape, build.PLAIN, len(run.class_names))
    if not network.normalize:
        return run.discriminator
    found = checkpoint.find(folder / workdir.CHECKPOINTS, run.step, set_aside=False)

    def read(name: str, like: Any) -> Any:
        if isinstance(like, dict):
            return {part: read(f"{name}/{part}", below) for part, below in like.items()}
        if name not in found.values or found.values[name].shape != like.shape:
            raise UserError(
                f"{found.path} has no tensor {name} of its run; use the version of this program that wrote it"
            )
        return tf.constant(found.values[name])

    like = network.init_state(rng.stream(seed=0, step=-1), run.discriminator)
    normalized, _ = network.normalize(run.discriminator, read(f"{tensors.ROOT}/state/extra/{VECTORS}", like))
    return normalized
