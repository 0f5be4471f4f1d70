"""Runs that nobody has trained: folders with checkpoints of random networks, another one for each step."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from gan import build, config
from gan.runs import checkpoint, workdir
from gan.training import replicas

SHAPE = (28, 28, 1)
NAMES = ("boot", "bag & hat", "<b>coat</b>")
SETTINGS = {"precision": "float32", "convolution": "direct", "g_width": 8, "d_width": 4, "latent_size": 16}


def begin(folder: Path, preset: str, steps=(1,), shape=SHAPE, names=(), shares=(), **settings) -> Path:
    """A run of a preset with small networks, which has checkpoints of `steps`."""
    made = config.make(preset, **{**SETTINGS, **settings})
    facts = {"image_shape": list(shape), "class_names": list(names), "num_examples": 100}
    if shares:
        facts["class_shares"] = list(shares)
    workdir.open_run(folder, made, facts, override=False)
    for step in steps:
        save(folder, step)
    return folder


def save(folder: Path, step: int) -> None:
    """The checkpoint of a step: networks that this step's random numbers have made, not near each other."""
    made, facts = workdir.load_run(folder)
    game = build.game(made, facts["image_shape"], build.PLAIN, len(facts["class_names"]))
    rng = np.random.default_rng(step)

    def shaken(tensor: tf.Tensor) -> tf.Tensor:
        if tensor.dtype != tf.float32 or not tensor.shape.rank:
            return tensor
        return tensor + tf.constant(rng.normal(0.0, 0.1, tensor.shape), tf.float32)

    state = tf.nest.map_structure(shaken, build.initial_state(made, game))
    training = replicas.training_variables(replicas.strategy("one_device"), state, [])
    checkpoint.save(folder / workdir.CHECKPOINTS, training, step, {})
