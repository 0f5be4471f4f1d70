"""Export: both networks of a run as files for other programs, read back and compared before they appear.

Beside them lie what they are (model.json), a card for people (README.md) and a grid of samples.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from gan import build
from gan.errors import UserError
from gan.export import formats, models
from gan.export.description import FILE as FACTS
from gan.export.formats import FORMATS
from gan.export.models import Exported
from gan.export.networks import Networks, networks
from gan.jobs import export_web, model_card
from gan.jobs.notices import warn
from gan.jobs.requests import Export as Request
from gan.runs import trained, workdir
from gan.runs.trained import Trained
from gan.storage.files import staged_folder
from gan.storage.refusals import storage_errors
from gan.text import binary


class Result(NamedTuple):
    """Where the models are, and what each is: its file's name, parameters, difference from the engine's outputs."""

    folder: Path
    step: int
    models: tuple[Exported, ...]


def run(request: Request) -> Result:
    """Exports the models and prints what they are and how to use them.

    Raises `UserError` for what cannot be exported, `StorageError` for what cannot be written.
    """
    folder = Path(request.workdir)
    _hide_gpus()
    saved = trained.saved_run(folder)
    form = request.format or formats.default(saved.config)
    formats.check_packages(*("tflite", form) if form == export_web.FORM else (form,))
    found = trained.load(saved, request.step)
    warn(*found.skipped)
    out = Path(request.out or folder / workdir.EXPORTS / f"step_{found.step:010d}" / form)
    if form == export_web.FORM:
        return _web(request, found, out)
    exported = _exported(found, form, out)
    print(f"step {found.step} of {folder}\n{_report(found, form, out, exported)}")
    return Result(out, found.step, tuple(exported))


def _web(request: Request, found: Trained, out: Path) -> Result:
    """The page for browsers, which is more than its model."""
    usage = "\n".join([*_some_inputs(found, count=1), _usage(found, "tflite", export_web.MODEL)])
    written = export_web.write(found, _networks(found), out, request.runtime, usage, _arguments(found))
    lines = [f"step {found.step} of {found.run.folder}", _line(out, written.model, "tflite"), *_notes(found, "tflite")]
    print("\n".join([*lines, export_web.report(written)]))
    return Result(out, found.step, (written.model,))


def _hide_gpus() -> None:
    """Leaves the GPUs out of this process: the comparison must be in full float32, and a trainer may have them."""
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        raise UserError("the GPUs are in use by this process: export in one of its own, as bin/export does") from None


def _exported(found: Trained, form: str, out: Path) -> list[Exported]:
    """The models, written into `out` once they have been checked."""
    for name in formats.names(form, found.run.config):
        _check_replaceable(out / name, is_folder=not FORMATS[form].suffix)
    model_card.check_place(out)
    of = _networks(found)
    made = list(FORMATS[form].models(of))
    with staged_folder(out) as folder:
        with storage_errors(out):
            models.write(folder, form, made)
        exported = models.check(folder, form, of, made)
        usage = "\n".join([*_some_inputs(found), _usage(found, form, exported[0].name)])
        card = model_card.card(found, form, exported, usage, _arguments(found))
        with storage_errors(out):
            model_card.write(folder, card)
        return exported


def _networks(found: Trained) -> Networks:
    run = found.run
    return networks(run.config, run.image_shape, found.generator, found.discriminator, run.class_shares)


def _report(found: Trained, form: str, out: Path, exported: Sequence[Exported]) -> str:
    """What was written, and how to use it."""
    lines = [_line(out, model, form) for model in exported]
    lines += [f"{out / model_card.CARD}: a model card, with {model_card.SAMPLES} and {FACTS} beside it"]
    usage = _usage(found, form, str(out / exported[0].name))
    notes = [*_notes(found, form), *_move(form, out), f"To use the generator ({_arguments(found)}):"]
    return "\n".join([*lines, *notes, _indented("\n".join([*_some_inputs(found), usage]))])


def _line(out: Path, model: Exported, form: str) -> str:
    """A model in words: how large it is, how close to the engine's and how fast."""
    is_exact = model.kind == FORMATS[form].kinds[0]
    allowed = f" (allowed: {models.TOLERANCE:g})" if is_exact else f", {model.mean_difference:.1e} in the mean"
    speed = f"; {model.images_per_second:,.0f} images/s, one thread" if model.images_per_second else ""
    return (
        f"{out / model.name}: {model.parameters:,} parameters, {binary(model.size)}; read back, its outputs "
        f"differ from the engine's by at most {model.difference:.1e}{allowed}{speed}"
    )


def _notes(found: Trained, form: str) -> list[str]:
    """What one should know of the models, a line each."""
    config = found.run.config
    averages = "The generator's parameters are the moving averages of those in training."
    statistics = (
        "It normalizes by fixed statistics, not by those of the batch: each image depends on its own input alone."
    )
    left_out = (
        f"The discriminator looks at the whole batch (minibatch deviation), which --format={form} cannot hold; "
        "--format=saved_model does."
    )
    notes = [averages] * bool(config.ema_half_life_images) + [statistics] * build.has_batch_statistics(config)
    return notes + [left_out] * (not formats.holds_discriminator(form, config))


def _move(form: str, out: Path) -> list[str]:
    """A line if TensorFlow would take the name of the folder for a pattern."""
    is_pattern = form == "saved_model" and set("[\\") & set(str(out))
    return ["TensorFlow reads no SavedModel at a path with [ or \\ in it: move the folder before you use it."] * bool(
        is_pattern
    )


def _usage(found: Trained, form: str, path: str) -> str:
    """Python that loads the generator at `path` and draws."""
    format_ = FORMATS[form]
    return (format_.conditional_usage if found.run.config.conditional else format_.usage).format(path=repr(path))


def _some_inputs(found: Trained, count: int = 16) -> list[str]:
    """Python that makes what the generator takes."""
    config = found.run.config
    lines = [
        "import numpy as np",
        f"latents = np.random.default_rng(0).standard_normal(({count}, {config.latent_size}), np.float32)",
    ]
    return lines + [f"labels = np.int32([{label}] * {count})" for label in found.run.classes[: config.conditional]]


def _arguments(found: Trained) -> str:
    """What the generator takes and gives, in words."""
    config, names = found.run.config, found.run.class_names
    height, width, channels = found.run.image_shape
    labels = f"labels: int32 [N] from 0 to {len(names) - 1}, " if config.conditional else ""
    return (
        f"latents: float32 [N, {config.latent_size}], standard normal, {labels}"
        f"images: [N, {height}, {width}, {channels}] in [0, 1]"
    )


def _indented(lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines.split("\n"))


def _check_replaceable(path: Path, is_folder: bool) -> None:
    """Raises `UserError` if something other than an earlier export stands at `path`."""
    ours = (path / "saved_model.pb").is_file() if is_folder else path.is_file()
    if path.exists() and not ours:
        raise UserError(f"{path} is there but no exported model; remove it or use another --out")
