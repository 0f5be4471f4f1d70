"""The networks of a run as a checkpoint holds them, read without disturbing a trainer that may be at work."""

from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from gan import build
from gan.config import Config
from gan.core import rng
from gan.core.state import VECTORS
from gan.errors import UserError
from gan.runs import checkpoint, tensors, workdir

_REMEDY = "use the version of this program that wrote it, or another --workdir"


class Trained(NamedTuple):
    """The parameters of both networks after `step`, and a line for each damaged checkpoint that was passed over.

    The generator's are the moving averages where the run keeps any, the discriminator's those that it is applied with:
    under spectral normalization divided by their norms. `class_names` are those of the labels of its data, with the
    share that each has there: all equal where the run does not say.
    """

    config: Config
    image_shape: tuple[int, int, int]  # [H, W, C]
    class_names: tuple[str, ...]
    class_shares: tuple[float, ...]
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
    image_shape, names = tuple(facts["image_shape"]), tuple(facts["class_names"])
    found = checkpoint.find(folder / workdir.CHECKPOINTS, step, set_aside=False)
    if found is None:
        raise UserError(f"{folder} has no checkpoint yet; wait until its trainer has saved one, or start bin/train")

    def read(where: str, like: Any) -> Any:
        return _read(found.path, found.values, f"{tensors.ROOT}/state/{where}", like)

    anything = rng.stream(seed=0, step=-1)
    generator, discriminator = (
        network(config, image_shape, build.PLAIN, len(names)) for network in (build.generator, build.discriminator)
    )
    judge = read("discriminator/params", discriminator.init(anything))
    if discriminator.normalize:
        judge, _ = discriminator.normalize(judge, read(f"extra/{VECTORS}", discriminator.init_state(anything, judge)))
    return Trained(
        config=config,
        image_shape=image_shape,
        class_names=names,
        class_shares=tuple(facts.get("class_shares") or [1 / len(names) for _ in names]),
        step=found.step,
        generator=read("averages" if config.ema_half_life_images else "generator/params", generator.init(anything)),
        discriminator=judge,
        skipped=found.skipped,
    )


def _read(path: Path, values: dict[str, Any], name: str, like: Any) -> Any:
    """The nest below `name` among the checkpoint's tensors, of the shapes that `like` has; raises `UserError`."""
    if isinstance(like, dict):
        return {part: _read(path, values, f"{name}/{part}", below) for part, below in like.items()}
    if name not in values or values[name].shape != like.shape:
        raise UserError(f"{path}: tensor {name.removeprefix(f'{tensors.ROOT}/')} is not that of its run; {_REMEDY}")
    return tf.constant(values[name])
