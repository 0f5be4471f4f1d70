"""Samples of a run: images of random latents, or on walks between them, as an archive, a grid, files, an animation."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.jobs import drawers, sample_like, sample_loop, sample_plan
from gan.jobs.drawers import Drawer, Facts
from gan.jobs.notices import note
from gan.jobs.progress_bar import with_progress
from gan.jobs.sample_plan import Plan
from gan.jobs.sample_request import Sample as Request
from gan.sampling import image_sets, sampler, walks
from gan.sampling.image_sets import Parts
from gan.sampling.sampler import Labels
from gan.text import printable

_CHUNK = 1 << 16  # labels that are in memory at a time
_ARTICLE = "generated_img_{step}_{number}.png"


class Result(NamedTuple):
    """What was written: its path, the step that drew it, and in words what it is."""

    path: Path
    step: int
    what: str


class _Drawing(NamedTuple):
    """What draws, and what is drawn: the classes by number (none: without labels), how many images in which grid."""

    request: Request
    facts: Facts
    drawer: Drawer
    classes: list[int]
    plan: Plan


def run(request: Request) -> Result:
    """Draws the images, writes them and prints where they are.

    Raises `UserError` for what cannot be drawn, `StorageError` for what cannot be written.
    """
    path = Path(request.out)
    if request.like:
        step, what = sample_like.write(path, request)
        print(printable(f"{path}: {what} step {step}, seed {request.seed}"))
        return Result(path, step, what)
    drawing = _drawing(request)
    if request.is_animation:
        what = sample_loop.write(path, request, drawing.facts, drawing.drawer, drawing.classes, drawing.plan)
    elif request.interpolate:
        what = _write(path, drawing, *_walks(drawing))
    else:
        what = _write(path, drawing, *_drawn(drawing))
    names, step = drawing.facts.class_names, drawing.drawer.step
    only = f", {', '.join(names[number] for number in drawing.classes)}" if request.classes is not None else ""
    shrunk = f", truncation {request.truncation:g}" if request.truncation != 1 else ""
    print(printable(f"{path}: {what} of step {step}, seed {request.seed}{only}{shrunk}"))
    return Result(path, step, what)


def _drawing(request: Request) -> _Drawing:
    """What draws, opened once it is known that what is asked for can be drawn."""
    facts, load = drawers.origin(request)
    classes = sample_plan.chosen(request.classes, facts.conditional, facts.class_names, facts.classes)
    plan = sample_plan.plan(request, len(classes))
    sample_plan.check_shown(plan, len(classes), request.classes is not None)
    if request.is_animation:
        sample_loop.check(request, facts, classes, plan)
    drawer = load()
    note(*sample_plan.readings(request.classes, facts.class_names))
    return _Drawing(request, facts, drawer, classes, plan)


def _drawn(drawing: _Drawing) -> tuple[Iterable[np.ndarray], Labels]:
    """(images of random latents in batches, their labels or None)."""
    request, facts, classes, plan = drawing.request, drawing.facts, drawing.classes, drawing.plan
    labels = None
    if classes and request.kind == "png":
        labels = _labels_by_row(drawing)
    elif classes and request.classes is not None:
        labels = np.int32(classes)  # which take turns
    elif classes:

        def labels(first: int, count: int) -> np.ndarray:
            return sampler.random_labels(request.seed, count, facts.class_shares, first)

    points = sampler.latents_in_batches(request.seed, plan.num, facts.latent_size, request.truncation)
    return with_progress(drawing.drawer.render(points, plan.num, labels, request.seed), plan.num), labels


def _walks(drawing: _Drawing) -> tuple[Iterable[np.ndarray], Labels]:
    """(the images of the walks in one batch, their labels or None)."""
    labels, plan, request = _labels_by_row(drawing) if drawing.classes else None, drawing.plan, drawing.request
    points = walks.rows(request.seed, plan.rows, plan.columns, drawing.facts.latent_size)
    return [drawing.drawer.images(np.float32(request.truncation) * points, labels)], labels


def _labels_by_row(drawing: _Drawing) -> np.ndarray:
    """The labels of a grid in which each row shows one of the classes."""
    return sampler.labels_by_row(drawing.plan.rows, drawing.plan.columns, drawing.classes)


def _write(path: Path, drawing: _Drawing, batches: Iterable, labels: Labels) -> str:
    """Writes the images; returns in words what they are."""
    request, plan, step = drawing.request, drawing.plan, drawing.drawer.step
    if request.kind == "npz":
        facts = {"seed": request.seed, "step": step, "truncation": np.float64(request.truncation)}
        if labels is not None:
            parts = _label_parts(sampler.labels_function(labels), plan.num)
            facts |= {"labels": parts, "class_names": list(drawing.facts.class_names)}
        image_sets.write_npz(path, batches, (plan.num, *drawing.facts.image_shape), facts)
    elif request.kind == "png":
        image_sets.write_grid(path, batches, plan.rows, plan.columns)
    elif request.names == "article":
        image_sets.write_folder(path, batches, lambda number: _ARTICLE.format(step=step, number=number))
    else:
        image_sets.write_folder(path, batches)
    return f"{plan.num:,} images"


def _label_parts(labels: Callable[[int, int], np.ndarray], num: int) -> Parts:
    """The labels of `num` images, some at a time."""
    parts = (labels(first, min(_CHUNK, num - first)) for first in range(0, num, _CHUNK))
    return Parts(np.int32, (num,), parts)
