"""Samples that look like a photo: the nearest image that a generator makes, beside the photo as the run sees it."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gan.data.decoding import images as decoding
from gan.data.decoding.fit import Fit, filling
from gan.data.decoding.levels import value_limits
from gan.errors import UserError
from gan.jobs import sample_plan
from gan.jobs.notices import note, warn
from gan.jobs.sample_request import Sample
from gan.pictures import raster
from gan.runs import trained
from gan.runs.trained import SavedRun
from gan.sampling import image_sets, projection
from gan.storage.files import read_bytes
from gan.storage.targets import kind

_SIDE = 256  # pixels that a side of a picture is to have at least


def write(path: Path, request: Sample) -> tuple[int, str]:
    """Searches and writes what was found; returns the step, and in words what it is. Raises `UserError`."""
    saved = trained.saved_run(Path(request.workdir), request.numerics)
    classes = sample_plan.chosen(request.classes, saved.config.conditional, saved.class_names, saved.classes)
    photo = photo_of(Path(request.like), saved)
    found = trained.load(saved, request.step)
    note(*sample_plan.readings(request.classes, saved.class_names))
    warn(*found.skipped)
    projector = projection.Projector(trained.generator(saved), found.generator, saved.config.latent_size, photo)
    nearest = projector.search(request.seed, classes, _shown)
    at_random = projection.error(photo, projector.random(request.seed, classes).images)
    errors = projection.error(photo, nearest.images)
    if request.kind == "npz":
        facts = {"latents": nearest.latents, "errors": errors, "photo": photo, "seed": request.seed, "step": found.step}
        if classes:
            facts |= {"labels": nearest.labels, "class_names": list(saved.class_names)}
        image_sets.write_npz(path, [nearest.images], nearest.images.shape, facts)
    else:
        pair = raster.grid(np.stack([photo, nearest.images[0]]), 1, 2)
        raster.write_png(path, pair, scale=-(-_SIDE // max(photo.shape[:2])))
    of = f" (drawn as {saved.class_names[nearest.labels[0]]})" if classes else ""
    return found.step, (
        f"the image nearest to {request.like}{of}, pixel error {errors[0]:.1f} of 255 (RMSE); the best of the "
        f"{len(at_random)} random ones that the search began with has {at_random.min():.1f};"
    )


def photo_of(path: Path, saved: SavedRun) -> np.ndarray:
    """The picture in a file as the run's data are seen, uint8 [H, W, C]; raises `UserError` if it is none.

    It is read as one of --dataset=folder: turned and in the colours that a viewer shows, white below transparent
    pixels, the middle of it cut out (or white added, as the run's --crop=pad says), and brought to the size of its
    images.
    """
    if not path.exists():
        raise UserError(f"--like={path} is not there; name a picture")
    if not path.is_file():
        raise UserError(f"--like={path} is {kind(path.stat().st_mode)}; name a picture")
    height, width, channels = saved.image_shape
    fit = Fit(0, channels, value_range=value_limits(saved.config.value_range))
    if height == width:
        fit = fit._replace(resolution=height, crop="pad" if saved.config.crop == "pad" else "center")
    return filling(decoding.decode(read_bytes(path), fit, str(path)), height, width)


def _shown(steps: Iterable[int]) -> Iterable[int]:
    """The steps; on a terminal a line shows how far they are."""
    return tqdm(steps, unit=" steps", desc="searching", leave=False, disable=None)
