"""What draws samples: the generator of a run, or one that was exported."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.export import exported, pretrained
from gan.jobs.notices import note, warn
from gan.jobs.sample_request import Sample
from gan.pictures.raster import to_uint8
from gan.runs import trained
from gan.runs.trained import SavedRun, Trained
from gan.sampling import sampler
from gan.sampling.sampler import Labels, Sampler


class Facts(NamedTuple):
    """What is known of a generator before it is loaded; of classes as `gan.runs.trained.SavedRun` has them."""

    latent_size: int
    image_shape: Sequence[int]  # [H, W, C]
    conditional: bool
    class_names: Sequence[str]
    class_shares: Sequence[float]
    classes: Sequence[int]


class Drawer(NamedTuple):
    """`render(points, count, labels, seed)` draws as that of `gan.sampling.sampler.make_renderer`, after `step`."""

    step: int
    render: Sampler

    def images(self, points: np.ndarray, labels: Labels = None) -> np.ndarray:
        """The images uint8 [N, H, W, C] of the latents `points` [N, latent_size]."""
        return np.concatenate(list(self.render(sampler.in_batches(points), len(points), labels)))


class Origin(NamedTuple):
    """Where images come from; `load` opens it, which may take seconds, and raises `UserError` if it cannot."""

    facts: Facts
    load: Callable[[], Drawer]


def origin(request: Sample) -> Origin:
    """What the request names; raises `UserError` if there is no run, or no export."""
    if request.from_export:
        return _of_export(exported.described(Path(request.from_export)))
    saved = trained.saved_run(Path(request.workdir), request.numerics)
    return Origin(facts_of(saved), lambda: of_run(trained.load(saved, request.step)))


def facts_of(saved: SavedRun) -> Facts:
    """The facts of a run."""
    config = saved.config
    return Facts(
        config.latent_size,
        saved.image_shape,
        config.conditional,
        saved.class_names,
        saved.class_shares,
        saved.classes,
    )


def of_run(found: Trained) -> Drawer:
    """The generator of a run; warns of damaged checkpoints that were passed over."""
    warn(*found.skipped)
    render = sampler.make_renderer(trained.generator(found.run))
    return Drawer(found.step, functools.partial(render, found.generator))


def _of_export(described: exported.Described) -> Origin:
    """A generator that was exported; a note says where it is a program."""
    facts = Facts(
        described.latent_size,
        described.image_shape,
        described.conditional,
        described.class_names,
        described.class_shares,
        described.classes,
    )

    def load() -> Drawer:
        if pretrained.is_program(described.model):
            note(
                f"{described.model} is a SavedModel, which is a program and runs with your rights: use only what "
                "you trust"
            )
        return Drawer(described.step, _rendering(exported.load(described)))

    return Origin(facts, load)


def _rendering(function: exported.Generator) -> Sampler:
    """What draws by a function of batches, one after the other: it may have but one place for its input."""

    def render(points, count: int, labels: Labels = None, seed: int = 0):
        told, batch = sampler.labels_function(labels), sampler.BATCH
        for first, part in zip(range(0, count, batch), points, strict=True):
            yield to_uint8(function(np.asarray(part, np.float32), told(first, batch)))[: count - first]

    return render
