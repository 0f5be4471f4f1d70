"""A run's generator at any of its saved steps, for many threads; parameters are read when they are wanted."""

import collections
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gan.core.base import Params
from gan.errors import UserError
from gan.page import facts as page
from gan.runs import checkpoint, trained, workdir
from gan.runs.trained import SavedRun
from gan.sampling import directions, sampler
from gan.sampling.directions import Direction

ALONE, TOGETHER = 1, 8  # images in a batch: the one that is dragged, and a part of a grid
_KEPT = 4  # steps whose parameters are in memory


class Gone(UserError):
    """The checkpoint of a step that was asked for is not there any more, or cannot be read."""


class Shown(NamedTuple):
    """What a page shows unless it asks for another step: its step, and the directions of its first layer."""

    step: int
    directions: tuple[Direction, ...]


class Generator:
    """Draws with the newest good checkpoint, after each `follow` with what is newest then, or with any that is there.

    Batch statistics are settled once for each step. Raises `UserError` where there is no checkpoint yet.
    """

    def __init__(self, run: SavedRun):
        self.run = run
        self._reading = threading.Lock()  # one checkpoint at a time, so that none is read twice
        self._computing = threading.Lock()  # one batch at a time: two would only share the cores
        self._lock = threading.Lock()  # of what is kept
        self._kept: collections.OrderedDict[int, Params] = collections.OrderedDict()
        first = trained.load(run)
        self.skipped = first.skipped
        network = trained.generator(run)
        self._settle = tf.function(network.settle, autograph=False) if network.settle else lambda params: params
        settled = network._replace(settle=None)
        self._render = {batch: sampler.make_renderer(settled, batch) for batch in (ALONE, TOGETHER)}
        self._seen = self.steps()
        self.shown = self._show(first)
        self._warm()

    def steps(self) -> list[int]:
        """The steps of the checkpoints that are there, ascending; raises `UserError` where there is none any more."""
        folder = self.run.folder / workdir.CHECKPOINTS
        if found := checkpoint.steps(folder):
            return found
        lost = "has no checkpoint any more" if folder.is_dir() else "is not there any more"
        raise UserError(f"{folder} {lost}; put it back, or end bin/explore and start it with another --workdir")

    def follow(self) -> bool:
        """Shows the newest good checkpoint if one has come since the last call; whether one has.

        Raises `UserError` or `StorageError` where none can be read; what was shown stays.
        """
        steps = self.steps()
        if steps == self._seen:
            return False
        with self._reading:
            found = trained.load(self.run)
        self._seen = steps
        if found.step == self.shown.step:
            return False
        self.shown = self._show(found)
        return True

    def latents(self, seed: int, first: int, count: int) -> np.ndarray:
        """The latents float32 [count, latent_size] of a seed, as bin/sample has them."""
        return sampler.latents(seed, first, count, self.run.config.latent_size).numpy()

    def draw(
        self, latents: np.ndarray, labels: Sequence[int] | None = None, step: int | None = None
    ) -> tuple[np.ndarray, int]:
        """(images uint8 [n, H, W, C] of latents float32 [n, latent_size], the step that drew them).

        `labels` int32 [n] are those of a conditional run. Raises `Gone`.
        """
        step = self.shown.step if step is None else step
        params = self.params(step)
        batch = ALONE if len(latents) == 1 else TOGETHER
        parts = []
        for first in range(0, len(latents), batch):
            part = slice(first, first + batch)
            points, told = np.resize(latents[part], (batch, latents.shape[1])), None
            if labels is not None:
                told = np.resize(np.int32(labels[part]), batch)
            with self._computing:
                (images,) = self._render[batch](params, [points], batch, told)
            parts.append(images[: len(latents[part])])
        return np.concatenate(parts), step

    def close(self) -> None:
        """Waits until nothing is computed; nothing is from then on."""
        self._computing.acquire(timeout=10)

    def params(self, step: int) -> Params:
        """The settled parameters of a step, read if they are not in memory; raises `Gone`, `UserError`."""
        if found := self._remembered(step):
            return found
        with self._reading:
            if found := self._remembered(step):  # which another thread has read meanwhile
                return found
            try:
                return self._keep(trained.load(self.run, step))
            except UserError as error:
                self.steps()  # where all of them have gone it is not this step's fault
                raise Gone(str(error)) from error

    def _remembered(self, step: int) -> Params | None:
        """The parameters of a step if they are in memory."""
        with self._lock:
            if step not in self._kept:
                return None
            self._kept.move_to_end(step)
            return self._kept[step]

    def _keep(self, found: trained.Trained) -> Params:
        """Settles the parameters of a checkpoint, and holds them in the place of those not used for longest."""
        with self._computing:
            settled = self._settle(found.generator)
        with self._lock:
            self._kept[found.step] = settled
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return settled

    def _show(self, found: trained.Trained) -> Shown:
        """What a page shows of a checkpoint, whose parameters are in memory from then on."""
        self._keep(found)
        return Shown(found.step, tuple(directions.principal(self.run.config, found.generator)))

    def _warm(self) -> None:
        """Compiles both batches, so that the first drag need not wait for it."""
        labels = self.run.classes[:1] * TOGETHER if self.run.config.conditional else None
        for count in self._render:
            self.draw(np.zeros((count, self.run.config.latent_size), np.float32), labels and labels[:count])


def facts(generator: Generator) -> dict[str, Any]:
    """What a page must know of a generator, as JSON holds it."""
    run, shown = generator.run, generator.shown
    classes = run.classes if run.config.conditional else ()
    return page.facts(
        title=run.folder.resolve().name,
        step=shown.step,
        steps=generator.steps(),
        latent_size=run.config.latent_size,
        image_shape=run.image_shape,
        classes={number: run.class_names[number] for number in classes},
        directions=shown.directions,
        can={"steps": True, "animations": True, "archives": True},
    )
