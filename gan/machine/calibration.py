"""Which numerics are the fastest on this machine: a short measurement, made once and kept in the cache.

The candidates compute the gradients of the discriminator that the config has, since it has most of the work; what they
return is not looked at. Processors tell by their flags whether bfloat16 is possible, but not whether it beats float32
by another route: that depends on the kernels and the channels as well.
"""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from gan import build
from gan.build import Numerics
from gan.core import rng
from gan.errors import UserError
from gan.machine import tensorfloat32
from gan.settings import Config
from gan.storage import cache
from gan.storage.files import read_bytes, staged_file

_ROUNDS = 3
_MARGIN = 1.05  # the first candidate stays unless another is so many times as fast
_DOUBTFUL_SECONDS = 3600.0  # that an answer is kept which another measurement might not give
_BATCH, _MOST_BATCH, _SHAPE, _CLASSES = 32, 512, (28, 28, 1), 2
_NETWORKS = ("networks", "d_width", "width", "depth", "conditional", "minibatch_deviation", "d_dropout")  # settings


def fastest(candidates: Sequence[Numerics], machine: Mapping[str, object], config: Config) -> Numerics:
    """The fastest of the candidates for networks as the config has them; the first where none is clearly faster.

    `machine` says what else the answer depends on: it is measured once for each, and kept where the cache can be
    written. What was measured while others had the cores, or not the same in all rounds, is kept for an hour.
    """
    if len(candidates) == 1:
        return candidates[0]
    networks = {name: getattr(config, name) for name in _NETWORKS}
    if _batch(config) != _BATCH:
        networks["batch"] = _batch(config)
    question = json.dumps([candidates, machine, networks], sort_keys=True)
    place, name = cache.folder(), f"{hashlib.sha256(question.encode()).hexdigest()[:16]}.json"
    path = place / "numerics" / name if place else None
    with contextlib.suppress(OSError, ValueError, TypeError, UserError):
        *kept, until = json.loads(read_bytes(path)) if path else [None]
        if Numerics(*kept) in candidates and (until is None or time.time() < until):
            return Numerics(*kept)
    print("measuring once which numerics are the fastest here ...", file=sys.stderr, flush=True)
    busy = _is_busy()
    best, agreed = choose(candidates, [exercise(candidate, config) for candidate in candidates])
    if path:
        until = None if agreed and not busy else time.time() + _DOUBTFUL_SECONDS
        with contextlib.suppress(UserError), staged_file(path) as file:
            file.write(json.dumps([*best, until]).encode())
    return best


def choose(candidates: Sequence[Numerics], exercises: Sequence[Callable[[], None]]) -> tuple[Numerics, bool]:
    """The candidate whose exercise takes the least time in alternating rounds; the first unless clearly beaten.

    And whether each round alone says the same.
    """
    rounds = [[_seconds(run) for run in exercises] for _ in range(_ROUNDS + 1)][1:]  # the first one compiles
    answers = [_clearly_least(seconds) for seconds in rounds]
    best = _clearly_least([min(seconds) for seconds in zip(*rounds, strict=True)])
    return candidates[best], set(answers) == {best}


def _clearly_least(seconds: Sequence[float]) -> int:
    """The number of the least; 0 unless that is clearly beaten."""
    best = min(range(len(seconds)), key=seconds.__getitem__)
    return best if seconds[0] > _MARGIN * seconds[best] else 0


def _seconds(run: Callable[[], None]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def _is_busy() -> bool:
    """Whether programs have kept half of the machine's cores or more over the last minute: the load is that of all."""
    with contextlib.suppress(OSError):
        return os.getloadavg()[0] >= (os.cpu_count() or 1) / 2
    return False


def exercise(numerics: Numerics, config: Config) -> Callable[[], None]:
    """A function that computes the gradients of the discriminator, in its parameters and its images, once."""
    network = build.discriminator(config, _SHAPE, numerics, _CLASSES)
    root = rng.stream(seed=0, step=0)
    params, images = network.init(root), rng.uniform(root, (_batch(config), *_SHAPE))
    labels = tf.zeros([_batch(config)], tf.int32)

    @tf.function(jit_compile=numerics.jit_compile, autograph=False)
    def gradients(params, images, step):
        with tf.GradientTape() as tape:
            tape.watch((params, images))
            loss = tf.reduce_sum(network.apply(params, images, labels, rng.stream(0, step), True))
        return tape.gradient(loss, (params, images))

    def run() -> None:
        tensorfloat32.switch(numerics)
        for tensor in tf.nest.flatten(gradients(params, images, tf.constant(1, tf.int64))):
            tensor.numpy()  # waits for the device

    return run


def _batch(config: Config) -> int:
    """The images of an exercise: what fills a GPU depends on their number, and all else there is to a batch's time."""
    return min(config.batch_size, _MOST_BATCH) if tf.config.get_visible_devices("GPU") else _BATCH
