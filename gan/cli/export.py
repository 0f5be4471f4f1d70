"""Write both networks of a run as files for plain Keras or TensorFlow.

The generator takes standard normal latents [N, latent_size] and gives images [N, H, W, C] in [0, 1]; the discriminator
takes such images and gives the probability [N, 1] that each is fake. Those of a conditional run take labels int32 [N]
as well. Where the run keeps averages of the generator's parameters, they are what is exported. Files are read back and
compared with the engine's outputs before anything takes its place. The run may be in training meanwhile.

h5 and keras are plain Keras layers, for the networks article and residual without labels; saved_model is the engine's
own function, for all. A generator that in training normalizes by the statistics of the batch (dcgan, sngan) has fixed
ones, as in bin/sample: each image depends on its own latent and label alone.

    bin/export --workdir=runs/modern-fashion_mnist
    bin/export --workdir=runs/modern-fashion_mnist --format=saved_model --step=4000 --out=models
"""

import dataclasses
import os
from pathlib import Path

from absl import flags

from gan.cli import command
from gan.errors import UserError

_FORMATS = ("h5", "keras", "saved_model")  # before TensorFlow is imported

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
FORMAT = flags.DEFINE_string(
    "format",
    None,
    f"form of the models: {', '.join(_FORMATS)} (default: h5 where Keras has the layers, or saved_model)",
)
OUT = flags.DEFINE_string(
    "out", "", "folder for the models, which replace earlier ones (empty: exports/step_... of the run)"
)
STEP = flags.DEFINE_integer("step", None, "step of the checkpoint (default: the newest good one)")


def main() -> None:
    """Exports the models and prints what they are and how to use them; raises `UserError`."""
    _check_flags()
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the person's own ~/.keras/keras.json says
    tf = command.import_tensorflow()
    from gan.machine import devices
    from gan.runs import trained, workdir

    folder = Path(WORKDIR.value)
    config, _ = workdir.load_run(folder)
    # The comparison must be in full float32, and a trainer may have the GPUs.
    tf.config.set_visible_devices([], "GPU")
    devices.configure(dataclasses.replace(config, logical_cpus=0))
    run = trained.load(folder, STEP.value)
    command.warn(*run.skipped)
    out = Path(OUT.value or folder / workdir.EXPORTS / f"step_{run.step:010d}")
    print(f"step {run.step} of {folder}\n{_exported(run, out)}")


def _check_flags() -> None:
    """Raises `UserError` for flags that cannot be."""
    command.check_workdir(WORKDIR.value)
    if FORMAT.value not in (None, *_FORMATS):
        raise UserError(f"--format={FORMAT.value} must be one of {', '.join(_FORMATS)}")
    if OUT.value and Path(OUT.value).exists() and not Path(OUT.value).is_dir():
        raise UserError(f"--out={OUT.value} is a file; name a folder, new or not")


def _exported(run, out: Path) -> str:
    """Writes the models into `out` once they have been checked; returns the report."""
    from gan.export import formats, models
    from gan.storage.files import staged_folder
    from gan.storage.refusals import storage_errors

    form = FORMAT.value or models.default_form(run.config)
    for name in models.names(form):
        _check_replaceable(out / name, is_folder=not formats.FORMATS[form].suffix)
    both = models.pair(run.config, run.image_shape, run.generator, run.discriminator, form, run.class_shares)
    with staged_folder(out) as folder:
        with storage_errors(out):
            models.write(folder, form, both)
        found = models.check(folder, form, both)
    lines = [
        f"{out / model.name}: {model.parameters:,} parameters; read back, its outputs differ from the engine's by at "
        f"most {model.difference:.1e} (allowed: {models.TOLERANCE:g})"
        for model in found
    ]
    usage = formats.FORMATS[form].usage.format(
        path=repr(str(out / found[0].name)), inputs="x, labels" if run.config.conditional else "x"
    )
    return "\n".join([*lines, *_notes(run), f"To use the generator ({_arguments(run)}):", _indented(usage)])


def _notes(run) -> list[str]:
    """What one should know of the generator, a line each."""
    from gan import build

    averages = "The generator's parameters are the moving averages of those in training."
    statistics = (
        "It normalizes by fixed statistics, not by those of the batch: each image depends on its own input alone."
    )
    return [averages] * bool(run.config.ema_half_life_images) + [statistics] * build.has_batch_statistics(run.config)


def _arguments(run) -> str:
    """What the generator takes and gives, in words."""
    height, width, channels = run.image_shape
    labels = f"labels: int32 [N] from 0 to {len(run.class_names) - 1}, " if run.config.conditional else ""
    images = f"y: images [N, {height}, {width}, {channels}] in [0, 1]"
    return f"x: latents [N, {run.config.latent_size}], {labels}{images}"


def _indented(lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines.split("\n"))


def _check_replaceable(path: Path, is_folder: bool) -> None:
    """Raises `UserError` if something other than an earlier export stands at `path`."""
    ours = (path / "saved_model.pb").is_file() if is_folder else path.is_file()
    if path.exists() and not ours:
        raise UserError(f"{path} is there but no exported model; remove it or use another --out")


if __name__ == "__main__":
    command.execute(main)
