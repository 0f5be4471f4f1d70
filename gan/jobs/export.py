"""Export: both networks of a run as files for plain Keras or TensorFlow, read back and compared before they appear."""

from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from gan import build
from gan.errors import UserError
from gan.export import formats, models
from gan.jobs import export_web
from gan.jobs.notices import warn
from gan.jobs.requests import Export as Request
from gan.runs import trained, workdir
from gan.runs.trained import Trained
from gan.storage.files import staged_folder
from gan.storage.refusals import storage_errors


class Result(NamedTuple):
    """Where the models are, and what each is: its file's name, parameters, difference from the engine's outputs."""

    folder: Path
    step: int
    models: tuple[models.Exported, ...]


def run(request: Request) -> Result:
    """Exports the models and prints what they are and how to use them.

    Raises `UserError` for what cannot be exported, `StorageError` for what cannot be written.
    """
    folder = Path(request.workdir)
    _hide_gpus()
    found = trained.open(folder, request.step)
    warn(*found.skipped)
    out = Path(request.out or folder / workdir.EXPORTS / f"step_{found.step:010d}")
    if request.format == "web":
        return _web(request, found)
    form = request.format or models.default_form(found.run.config)
    exported = _exported(found, form, out)
    print(f"step {found.step} of {folder}\n{_report(found, form, out, exported)}")
    return Result(out, found.step, tuple(exported))


def _web(request: Request, found: Trained) -> Result:
    """The page for browsers, which has a folder of its own."""
    out = Path(request.out or found.run.folder / workdir.EXPORTS / f"step_{found.step:010d}" / export_web.FOLDER)
    written = export_web.write(found, out, request.runtime)
    print(f"step {found.step} of {found.run.folder}\n{export_web.report(written)}")
    return Result(out, found.step, ())


def _hide_gpus() -> None:
    """Leaves the GPUs out of this process: the comparison must be in full float32, and a trainer may have them."""
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        raise UserError("the GPUs are in use by this process: export in one of its own, as bin/export does") from None


def _exported(found: Trained, form: str, out: Path) -> list[models.Exported]:
    """The models, written into `out` once they have been checked."""
    saved = found.run
    for name in models.names(form):
        _check_replaceable(out / name, is_folder=not formats.FORMATS[form].suffix)
    both = models.pair(saved.config, saved.image_shape, found.generator, found.discriminator, form, saved.class_shares)
    with staged_folder(out) as folder:
        with storage_errors(out):
            models.write(folder, form, both)
        return models.check(folder, form, both)


def _report(found: Trained, form: str, out: Path, exported: list[models.Exported]) -> str:
    """What was written, and how to use it."""
    lines = [
        f"{out / model.name}: {model.parameters:,} parameters; read back, its outputs differ from the engine's by at "
        f"most {model.difference:.1e} (allowed: {models.TOLERANCE:g})"
        for model in exported
    ]
    usage = formats.FORMATS[form].usage.format(
        path=repr(str(out / exported[0].name)), inputs="x, labels" if found.run.config.conditional else "x"
    )
    return "\n".join(
        [*lines, *_notes(found), *_move(form, out), f"To use the generator ({_arguments(found)}):", _indented(usage)]
    )


def _notes(found: Trained) -> list[str]:
    """What one should know of the generator, a line each."""
    config = found.run.config
    averages = "The generator's parameters are the moving averages of those in training."
    statistics = (
        "It normalizes by fixed statistics, not by those of the batch: each image depends on its own input alone."
    )
    return [averages] * bool(config.ema_half_life_images) + [statistics] * build.has_batch_statistics(config)


def _move(form: str, out: Path) -> list[str]:
    """A line if TensorFlow would take the name of the folder for a pattern."""
    is_pattern = form == "saved_model" and set("[\\") & set(str(out))
    return ["TensorFlow reads no SavedModel at a path with [ or \\ in it: move the folder before you use it."] * bool(
        is_pattern
    )


def _arguments(found: Trained) -> str:
    """What the generator takes and gives, in words."""
    config, names = found.run.config, found.run.class_names
    height, width, channels = found.run.image_shape
    labels = f"labels: int32 [N] from 0 to {len(names) - 1}, " if config.conditional else ""
    return f"x: latents [N, {config.latent_size}], {labels}y: images [N, {height}, {width}, {channels}] in [0, 1]"


def _indented(lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines.split("\n"))


def _check_replaceable(path: Path, is_folder: bool) -> None:
    """Raises `UserError` if something other than an earlier export stands at `path`."""
    ours = (path / "saved_model.pb").is_file() if is_folder else path.is_file()
    if path.exists() and not ours:
        raise UserError(f"{path} is there but no exported model; remove it or use another --out")
