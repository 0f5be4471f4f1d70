"""Samples of a run: images of random latents, or on walks between them, as an archive, a grid, files, an animation."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.core.base import Network
from gan.errors import UserError
from gan.jobs import sample_plan
from gan.jobs.notices import note, warn
from gan.jobs.progress_bar import with_progress
from gan.jobs.requests import Sample as Request
from gan.jobs.sample_plan import Plan
from gan.pictures import raster
from gan.runs import trained
from gan.runs.trained import SavedRun, Trained
from gan.sampling import image_sets, sampler, walks
from gan.text import printable

_LARGEST_LOOP = 2**28  # pixels of an animation


class Result(NamedTuple):
    """What was written: its path, the step that drew it, and in words what it is."""

    path: Path
    step: int
    what: str


class _Drawing(NamedTuple):
    """What draws, and what is drawn: the classes by number (none: without labels), how many images in which grid."""

    request: Request
    of: Trained
    generator: Network
    classes: list[int]
    plan: Plan

    @property
    def saved(self) -> SavedRun:
        """The run."""
        return self.of.run


def run(request: Request) -> Result:
    """Draws the images, writes them and prints where they are.

    Raises `UserError` for what cannot be drawn, `StorageError` for what cannot be written.
    """
    path, kind = Path(request.out), request.kind
    drawing = _drawing(request)
    if kind == "gif":
        what = _write_loop(path, drawing)
    elif request.interpolate:
        what = _write(kind, path, drawing, *_walks(drawing))
    else:
        what = _write(kind, path, drawing, *_drawn(kind, drawing))
    names = drawing.saved.class_names
    only = f", {', '.join(names[number] for number in drawing.classes)}" if request.classes is not None else ""
    print(printable(f"{path}: {what} of step {drawing.of.step}, seed {request.seed}{only}"))
    return Result(path, drawing.of.step, what)


def _drawing(request: Request) -> _Drawing:
    """The run opened, once it is known that what is asked for can be drawn."""
    saved = trained.saved_run(Path(request.workdir), request.numerics)
    classes = sample_plan.chosen(request.classes, saved.config.conditional, saved.class_names, saved.classes)
    plan = sample_plan.plan(request, len(classes))
    sample_plan.check_shown(plan, len(classes), request.classes is not None)
    found = trained.load(saved, request.step)
    note(*sample_plan.readings(request.classes, saved.class_names))
    warn(*found.skipped)
    return _Drawing(request, found, trained.generator(saved), classes, plan)


def _drawn(kind: str, drawing: _Drawing) -> tuple[Iterable[np.ndarray], np.ndarray | None]:
    """(images of random latents in batches, their labels or None)."""
    request, classes, plan = drawing.request, drawing.classes, drawing.plan
    labels = None
    if classes and kind == "png":
        labels = _labels_by_row(drawing)
    elif classes and request.classes is not None:
        labels = np.resize(np.int32(classes), plan.num)
    elif classes:
        labels = sampler.random_labels(request.seed, plan.num, drawing.saved.class_shares)
    sample = sampler.make_sampler(drawing.generator, drawing.saved.config.latent_size)
    return with_progress(sample(drawing.of.generator, request.seed, plan.num, labels), plan.num), labels


def _walks(drawing: _Drawing) -> tuple[Iterable[np.ndarray], np.ndarray | None]:
    """(the images of the walks in one batch, their labels or None)."""
    labels, plan = _labels_by_row(drawing) if drawing.classes else None, drawing.plan
    points = walks.rows(drawing.request.seed, plan.rows, plan.columns, drawing.saved.config.latent_size)
    return [sampler.images_of(drawing.generator, drawing.of.generator, points, labels)], labels


def _labels_by_row(drawing: _Drawing) -> np.ndarray:
    """The labels of a grid in which each row shows one of the classes."""
    return sampler.labels_by_row(drawing.plan.rows, drawing.plan.columns, drawing.classes)


def _write(kind: str, path: Path, drawing: _Drawing, batches: Iterable, labels: np.ndarray | None) -> str:
    """Writes the images; returns in words what they are."""
    plan, saved = drawing.plan, drawing.saved
    if kind == "npz":
        facts = {"seed": drawing.request.seed, "step": drawing.of.step}
        if labels is not None:
            facts |= {"labels": labels[: plan.num], "class_names": list(saved.class_names)}
        image_sets.write_npz(path, batches, (plan.num, *saved.image_shape), facts)
    elif kind == "png":
        image_sets.write_grid(path, batches, plan.rows, plan.columns)
    else:
        image_sets.write_folder(path, batches)
    return f"{plan.num:,} images"


def _write_loop(path: Path, drawing: _Drawing) -> str:
    """Writes an animation; returns in words what it is."""
    request, plan, saved = drawing.request, drawing.plan, drawing.saved
    kinds = drawing.classes[: plan.rows] or [sampler.NO_CLASS]
    cells = -(-plan.rows // len(kinds)) * plan.columns  # that show one class
    count, (height, width, _) = walks.loop_frames(cells, request.interpolate), saved.image_shape
    pixels = count * plan.num * (height + 1) * (width + 1) * raster.GRID_SCALE**2
    if pixels > _LARGEST_LOOP:
        raise UserError(
            f"an animation of {count:,} frames with {plan.rows} x {plan.columns} images is too large; "
            f"give a smaller --interpolate, --rows or --columns"
        )
    points = walks.loop(request.seed, cells, request.interpolate, saved.config.latent_size)
    every_kind = np.tile(points, (len(kinds), 1))
    labels = np.repeat(np.int32(kinds), count)
    images = sampler.images_of(drawing.generator, drawing.of.generator, every_kind, labels)
    images = images.reshape(len(kinds), count, *saved.image_shape)
    image_sets.write_loop(path, walks.frames(images, (plan.rows, plan.columns), request.interpolate))
    return f"{count} frames of {plan.rows} x {plan.columns} images"
