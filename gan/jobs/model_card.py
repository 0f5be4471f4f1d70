"""What lies beside exported models: model.json for programs, README.md (a card) for people and hubs, samples.png."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gan import build
from gan.errors import UserError
from gan.evaluation import record
from gan.evaluation.record import Evaluation
from gan.export import description
from gan.export.formats import DISCRIMINATOR, GENERATOR
from gan.export.models import Exported
from gan.jobs.card_text import SAMPLES, Card, text
from gan.jobs.notices import warn
from gan.pictures import raster
from gan.runs import workdir
from gan.runs.trained import Trained
from gan.sampling import sampler
from gan.storage.files import sha256
from gan.storage.refusals import storage_errors

CARD = "README.md"
FILES = (CARD, SAMPLES, description.FILE)
_MARK = "\n<!-- written by gan-engine, sha256 "


def card(found: Trained, form: str, exported: Sequence[Exported], usage: str, arguments: str) -> Card:
    """What is known of a run and its export, with a warning if its evaluations cannot be read."""
    _, facts = workdir.load_run(found.run.folder)
    try:
        evaluations = _evaluations(found)
    except UserError as error:
        warn(f"the model card has no metrics: {error}")
        evaluations = []
    return Card(found, form, exported, facts, evaluations, usage, arguments)


def _evaluations(found: Trained) -> list[Evaluation]:
    """What was measured of the very generator that is exported."""
    identity = record.generator_identity(found.generator)
    return [
        each
        for each in record.read(found.run.folder)
        if each.key.step == found.step and identity.startswith(each.key.generator) and not each.images
    ]


def write(folder: Path, of: Card) -> None:
    """Writes all three into the folder; raises `OSError`."""
    files = {
        path.relative_to(folder).as_posix(): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }  # the models alone: nothing else is there yet
    page = text(of)
    (folder / CARD).write_text(page + _seal(page), encoding="utf-8")
    (folder / SAMPLES).write_bytes(raster.png(samples(of.found), scale=raster.GRID_SCALE))
    (folder / description.FILE).write_text(description.text(described(of, files)), encoding="utf-8")


def is_ours(folder: Path, name: str) -> bool:
    """Whether the file of this name in a folder is what an export wrote there, of a card without a change since."""
    if name != CARD:
        return description.read(folder) is not None
    page, mark, rest = (folder / CARD).read_bytes().decode(errors="replace").rpartition(_MARK)
    return bool(mark) and mark + rest == _seal(page)


def _seal(page: str) -> str:
    """The last line of a card, which readers do not see: it shows whether somebody has worked on what is above."""
    return f"{_MARK}{hashlib.sha256(page.encode()).hexdigest()} -->\n"


def check_place(out: Path) -> None:
    """Raises `UserError` if a card, a grid or facts stand in `out` that are no export's, or were worked on since."""
    for name in FILES:
        path = out / name
        with storage_errors(path):
            if not path.exists() or (path.is_file() and is_ours(out, name)):
                continue
        raise UserError(f"{path} is there but not as an export wrote it; move it away or use another --out")


def described(of: Card, hashes: Mapping[str, str]) -> dict[str, Any]:
    """The content of model.json, with the sha256 of all files of models, to see whether they are whole."""
    run = of.found.run
    files = {each.network: each.name for each in reversed(of.exported)}  # of a network's the first
    return {
        "format": of.form,
        "preset": run.config.preset,
        "networks": run.config.networks,
        "dataset": of.dataset,
        "step": of.found.step,
        "latent_size": run.config.latent_size,
        "image_shape": list(run.image_shape),
        "conditional": run.config.conditional,
        "class_names": list(run.class_names),
        "class_shares": list(run.class_shares),
        "classes": list(run.classes),
        "generator": files[GENERATOR],
        "discriminator": files.get(DISCRIMINATOR),
        "files": dict(hashes),
    }


def samples(found: Trained) -> np.ndarray:
    """The grid of the run at this step, uint8 [H, W, C], in float32."""
    run = found.run
    rows, columns, labels = sampler.grid_plan(run.config, run.classes)
    generator = build.sampling_generator(run.config, run.image_shape, build.PLAIN, run.class_shares)
    sample = sampler.make_sampler(generator, run.config.latent_size)
    images = np.concatenate(list(sample(found.generator, run.config.seed, rows * columns, labels)))
    return raster.grid(images, rows, columns)
