"""A run whose step walks at random: the loop, its files and its faults without the time that networks take."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from gan import config
from gan.core import rng
from gan.core.state import Player, State
from gan.data.batches import Batches
from gan.data.source import Source, array_reader
from gan.runs import checkpoint, tensors, workdir
from gan.training import chunks, feeds, replicas, session
from gan.training.run import Run

SHAPE, BATCH, EXAMPLES, STEPS = (2, 2, 1), 2, 12, 20


class Killed(BaseException):
    """What a kill does to the loop, as far as a process can do it to itself."""


class Watch:
    """Kills the run after the chunk that ends with `step`, the time `number` that it is reached."""

    def __init__(self, step=-1, number=1):
        self.step, self.left, self.seen = step, number, []

    def trained(self, step):
        self.seen.append(step)
        self.left -= step == self.step
        if step == self.step and not self.left:
            raise Killed

    def is_enough(self, step):
        return False


def walking(poison):
    """A step that adds random numbers to a parameter; `poison(step, rollbacks)` says whether it goes wrong, or how."""

    def step(state, images, labels, stream, mean, turn):
        drawn = rng.uniform(stream, [BATCH, 3]) * tf.cast(images[:, 0, 0], tf.float32)
        moved = state.generator.params["kernel"] + tf.reduce_sum(drawn, axis=0)
        wrong = tf.cast(poison(state.step + 1, stream.seed // 2**32), tf.float32)  # 1: the loss, 2: the parameter alone
        loss = tf.where(wrong == 1, np.nan, tf.reduce_mean(moved))
        moved = tf.where(wrong == 2, np.inf, moved)
        return state._replace(step=state.step + 1, generator=Player({"kernel": moved}, ())), {"d_loss": loss}

    return step


def never(step, rollbacks):
    return tf.zeros([])


def at(place, times, kind=1):
    """Goes wrong at the step `place` while the run went back fewer than `times`."""
    return lambda step, rollbacks: kind * tf.cast((step == place) & (rollbacks < times), tf.int32)


def begun(folder: Path, poison, jit=False, extra=(), **settings) -> Run:
    """A run of the step that walks, begun or restored in a folder."""
    settings = {"save_every_steps": 5, "sample_every_steps": 5, "log_every_steps": 2, **settings}
    chosen = config.make("article", steps=STEPS, epochs=0, batch_size=BATCH, save_every_minutes=0, **settings)
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *SHAPE), np.uint8)
    reader = array_reader(images, np.zeros(EXAMPLES, np.int32))
    source = Source("noise", EXAMPLES, SHAPE, (), "", "", reader, in_memory=True)
    batches = Batches(source, seed=0, batch=BATCH)
    placement = replicas.strategy("one_device")
    state = State(tf.zeros([], tf.int64), Player({"kernel": tf.zeros([3])}, ()), Player({}, ()), {}, dict(extra))
    training = replicas.training_variables(placement, state, ["d_loss"])
    feed = feeds.streamed(batches, padded=jit)
    plan = chunks.Plan(0, BATCH, chosen.log_every_steps, jit=jit)
    chunk = chunks.compile_chunk(placement, training, walking(poison), feed, plan)
    facts, drawn = {"config_hash": "", "fingerprint": {}}, np.zeros([64, *SHAPE], np.uint8)
    run = Run(
        chosen, folder, batches, feed, EXAMPLES, (), training, chunk, lambda *_: [drawn], None, facts, Watch()
    )  # fmt: skip
    session.restore(run)
    workdir.open_run(folder, chosen, dict.fromkeys(workdir.DATA_IDENTITY), override=False)
    return run


def end(folder, step=STEPS):
    """The hashes of the files of the last checkpoint, and its rollbacks."""
    found = checkpoint.manifest(folder / "checkpoints", step)
    return {name: file["sha256"] for name, file in found["files"].items()}, found["facts"].get("rollbacks", [])


def history(folder):
    content = json.loads((folder / workdir.CONFIG).read_text())
    return [line for entry in content["history"] for line in entry["changes"]]


def expected(poison, ways):
    """The parameter after the last step, if up to each step of `ways` so many rollbacks had gone before."""
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *SHAPE), np.uint8)
    batches = Batches(Source("noise", EXAMPLES, SHAPE, (), "", "", array_reader(images, np.zeros(EXAMPLES, np.int32)),
                             in_memory=True), seed=0, batch=BATCH)  # fmt: skip
    state = State(tf.zeros([], tf.int64), Player({"kernel": tf.zeros([3])}, ()), Player({}, ()), {}, {})
    for step in range(STEPS):
        rollbacks = next(number for last, number in ways if step < last)
        pixels, labels = (tf.constant(array[0]) for array in batches.read(step, 1))
        stream = rng.stream(rollbacks << 32, step)
        state, _ = walking(poison)(state, pixels, labels, stream, None, 0)
    return state.generator.params["kernel"].numpy()


def kernel(folder, step=STEPS):
    return tensors.read(folder / f"checkpoints/step_{step:010d}")["state/state/generator/params/kernel"]
