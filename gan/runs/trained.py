"""The networks of a run as a checkpoint holds them, read without disturbing a trainer that may be at work."""

import dataclasses
import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from gan import build
from gan.config import validated
from gan.core import rng
from gan.core.base import Network, Params
from gan.core.state import VECTORS
from gan.data import shares
from gan.errors import UserError
from gan.machine import devices
from gan.runs import checkpoint, tensors, workdir
from gan.runs.checkpoint import Found
from gan.settings import Config

_LARGEST_SIDE = 1 << 16  # of an image, in pixels: nothing trains on larger ones
_REMEDY = "use the version of this program that wrote it, or another --workdir"


class SavedRun(NamedTuple):
    """What config.json says of a run: its config, with the numerics of now, and what its networks were made for.

    `class_names` are those of the labels of its data, with the share that each has there: all equal where the run does
    not say; `classes` are the numbers of those that its data have images of. `fingerprint` is that of the data.
    """

    folder: Path
    config: Config
    image_shape: tuple[int, int, int]  # [H, W, C]
    class_names: tuple[str, ...]
    class_shares: tuple[float, ...]
    classes: tuple[int, ...]
    fingerprint: str


class Trained(NamedTuple):
    """The parameters of both networks of a run after `step`, and a line for each damaged checkpoint passed over.

    The generator's are the moving averages where the run keeps any, the discriminator's those that it is applied with:
    under spectral normalization divided by their norms.
    """

    run: SavedRun
    step: int
    generator: Params
    discriminator: Params
    skipped: list[str]


def open(folder: Path, step: int | None = None, numerics: Mapping[str, Any] | None = None) -> Trained:
    """The newest good checkpoint of the run in `folder`, or that of `step`: `saved_run` and `load` in one."""
    return load(saved_run(folder, numerics), step)


def saved_run(folder: Path, numerics: Mapping[str, Any] | None = None) -> SavedRun:
    """The run in `folder`, on one device, and in the precision and by the convolutions that `numerics` names, if any.

    Raises `UserError` if there is no run.
    """
    saved, facts = workdir.load_run(folder)
    try:
        names, shape = tuple(facts["class_names"]), tuple(facts["image_shape"])
        of_classes = tuple(facts.get("class_shares") or [1 / len(names) for _ in names])
        whole = _are_facts(names, shape, of_classes)
        classes = shares.present(of_classes, facts.get("num_examples", 0) * math.prod(shape)) if whole else ()
    except (KeyError, TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise UserError(f"{folder / workdir.CONFIG} is damaged: it does not say what the images are; {_REMEDY}")
    return SavedRun(
        folder=folder,
        config=validated(dataclasses.replace(saved, logical_cpus=0, replicas="auto", **(numerics or {}))),
        image_shape=shape,
        class_names=names,
        class_shares=of_classes,
        classes=classes,
        fingerprint=facts.get("fingerprint", ""),
    )


def load(run: SavedRun, step: int | None = None) -> Trained:
    """The networks of the newest good checkpoint of a run, or of that of `step`; writes and renames nothing there.

    Configures TensorFlow's devices for the run. Optimizer slots and metrics are not looked at, so that a run stays
    usable when those change. Raises `UserError` if there is no checkpoint yet, none that is good or none of that step,
    `StorageError` if it may not be read.
    """
    devices.configure(run.config)
    found = checkpoint.find(run.folder / workdir.CHECKPOINTS, step, set_aside=False)
    if found is None:
        raise UserError(f"{run.folder} has no checkpoint yet; wait until its trainer has saved one, or start bin/train")
    return networks(run, found)


def networks(run: SavedRun, found: Found) -> Trained:
    """The networks of a run among the tensors of a checkpoint; raises `UserError` if its config has others."""
    config = run.config

    def read(where: str, like: Any) -> Any:
        return _read(found.path, found.values, f"{tensors.ROOT}/state/{where}", like)

    making, judging = _shapes(config, run.image_shape, len(run.class_names))
    judge = read("discriminator/params", judging)
    network = build.discriminator(config, run.image_shape, build.PLAIN, len(run.class_names))
    if network.normalize:
        vectors = network.init_state(rng.stream(seed=0, step=-1), judge)
        judge, _ = network.normalize(judge, read(f"extra/{VECTORS}", _shapes_of(vectors)))
    drawing = read("averages" if config.ema_half_life_images else "generator/params", making)
    return Trained(run, found.step, drawing, judge, found.skipped)


def generator(run: SavedRun) -> Network:
    """The generator of a run as it draws outside of training, computing as the run's config says on this machine."""
    return build.sampling_generator(run.config, run.image_shape, devices.resolve(run.config), run.class_shares)


@functools.lru_cache(maxsize=8)
def _shapes(config: Config, image_shape: tuple[int, int, int], num_classes: int) -> tuple[Any, Any]:
    """The shapes of both networks' parameters, nothing computed: a config edited by hand may ask for any size."""
    try:
        with tf.Graph().as_default():
            anything = rng.stream(seed=0, step=-1)
            made = (
                make(config, image_shape, build.PLAIN, num_classes) for make in (build.generator, build.discriminator)
            )
            return tuple(_shapes_of(network.init(anything)) for network in made)
    except (ValueError, OverflowError, tf.errors.OpError) as error:
        raise UserError(f"{workdir.CONFIG} asks for networks that cannot be made; {_REMEDY}") from error


def _shapes_of(nest: Any) -> Any:
    return tf.nest.map_structure(lambda tensor: tensor.shape, nest)


def _are_facts(names: tuple, shape: tuple, of_classes: tuple) -> bool:
    """Whether these can be the names of classes, [H, W, C] of images and the shares of the classes."""
    sizes = len(shape) == 3 and all(type(length) is int and 0 < length <= _LARGEST_SIDE for length in shape)
    numbers = len(of_classes) == len(names) and all(isinstance(share, int | float) for share in of_classes)
    return sizes and numbers and all(isinstance(name, str) for name in names)


def _read(path: Path, values: dict[str, Any], name: str, like: Any) -> Any:
    """The nest below `name` among the checkpoint's tensors, of the shapes in `like`; raises `UserError`."""
    if isinstance(like, dict):
        return {part: _read(path, values, f"{name}/{part}", below) for part, below in like.items()}
    if name not in values or list(values[name].shape) != like.as_list():
        raise UserError(f"{path}: tensor {name.removeprefix(f'{tensors.ROOT}/')} is not that of its run; {_REMEDY}")
    return tf.constant(values[name])
