"""Samples as an animation: cells that walk a closed loop through the latents behind each other."""

from pathlib import Path

import numpy as np

from gan.errors import UserError
from gan.jobs.drawers import Drawer, Facts
from gan.jobs.sample_plan import Plan
from gan.jobs.sample_request import Sample
from gan.pictures import raster
from gan.sampling import image_sets, sampler, walks

_LARGEST = 2**28  # pixels in all frames


def check(request: Sample, facts: Facts, classes: list[int], plan: Plan) -> None:
    """Raises `UserError` if the animation would be too large, for memory or for its format."""
    height, width, _ = facts.image_shape
    count = walks.loop_frames(_cells(_kinds(classes, plan), plan), request.interpolate)
    pixels = count * plan.num * (height + 1) * (width + 1) * raster.GRID_SCALE**2
    if pixels > _LARGEST:
        raise UserError(
            f"an animation of {count:,} frames with {plan.rows} x {plan.columns} images is too large; "
            f"give a smaller --interpolate, --rows or --columns"
        )
    sides = (plan.columns * (width + 1) + 1, plan.rows * (height + 1) + 1)
    raster.check_animation(request.out, tuple(side * raster.GRID_SCALE for side in sides))


def write(path: Path, request: Sample, facts: Facts, drawer: Drawer, classes: list[int], plan: Plan) -> str:
    """Writes the animation; returns in words what it is."""
    kinds = _kinds(classes, plan)
    points = walks.loop(request.seed, _cells(kinds, plan), request.interpolate, facts.latent_size)
    every_kind = np.tile(np.float32(request.truncation) * points, (len(kinds), 1))
    images = drawer.images(every_kind, np.repeat(np.int32(kinds), len(points)))
    images = images.reshape(len(kinds), len(points), *facts.image_shape)
    image_sets.write_loop(path, walks.frames(images, (plan.rows, plan.columns), request.interpolate))
    return f"{len(points)} frames of {plan.rows} x {plan.columns} images"


def _kinds(classes: list[int], plan: Plan) -> list[int]:
    """The classes that the rows show in turn."""
    return classes[: plan.rows] or [sampler.NO_CLASS]


def _cells(kinds: list[int], plan: Plan) -> int:
    """How many cells show one class."""
    return -(-plan.rows // len(kinds)) * plan.columns
