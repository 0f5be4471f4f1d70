"""Measure how good generated images are: of a run's checkpoints, or any images in files.

Generated images are compared with real ones through features; what the features are stands in every output. Beside
each figure is its floor, that of as many other real images: the distance that is left when nothing but the draw of the
images differs. Precision, density and label agreement can pass it, by images that are more typical than real ones.
Where the data have fewer real images the table says so. The values are kept in the run's evaluations.jsonl and shown in
TensorBoard under eval/. The run may be in training meanwhile.

    bin/evaluate --workdir=runs/modern-fashion_mnist
    bin/evaluate --workdir=runs/modern-fashion_mnist --all --protocol=50k
    bin/evaluate --workdir=runs/modern-fashion_mnist --num=1000 --neighbours=neighbours.png
    bin/evaluate --images=samples.npz --dataset=fashion_mnist --features=random
"""

import dataclasses
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from absl import flags

from gan import config as configs
from gan.cli import command, comparison, settings
from gan.cli.batches import first_kept, with_progress
from gan.errors import StorageError, UserError

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
STEP = flags.DEFINE_integer("step", None, "step of the checkpoint (default: the newest good one)")
ALL = flags.DEFINE_boolean("all", False, "all checkpoints there are; what was measured already is not repeated")
IMAGES = flags.DEFINE_string("images", "", "in the place of a run: an .npz file or a folder of generated images")
NEIGHBOURS = flags.DEFINE_string("neighbours", "", "PNG to write: samples beside their nearest training images")
CAS = flags.DEFINE_boolean(
    "cas", True, "of labelled images: classification accuracy score, that of a classifier trained on them alone"
)
OUT = flags.DEFINE_string("out", "", "JSON file to write the evaluations to as well")
_DATA = ("dataset", "data_dir", "resolution", "channels", "data_in_memory")
_NUMERICS = ("precision", "convolution")
settings.define((*_DATA, *_NUMERICS))

_KEPT = 1000  # images of which the neighbours are looked for
_MOST_FOR_SCORE = 60_000  # generated images to train a classifier on, where there are so many


def main() -> int:
    """Measures, prints a table, and keeps the values; returns the exit code, raises `UserError`."""
    _check_flags()
    command.import_tensorflow()
    from gan.cli import scores
    from gan.storage.files import staged_file

    lost: list[StorageError] = []
    rows, reference, kept = _of_images(Path(IMAGES.value)) if IMAGES.value else _of_run(Path(WORKDIR.value), lost)
    titles = [Path(IMAGES.value).name] if IMAGES.value else [f"step {row['step']}" for row in rows]
    print("\n".join(scores.table(rows, reference, titles)))
    if OUT.value:
        with staged_file(Path(OUT.value)) as file:
            file.write((json.dumps(rows, indent=1) + "\n").encode())
        print(f"\n{OUT.value}: {len(rows)} evaluation{'s' * (len(rows) != 1)}")
    if NEIGHBOURS.value:
        _draw_neighbours(reference, kept)
    return StorageError.exit_code if lost else 0


def _check_flags() -> None:
    """Raises `UserError` for flags that do not fit, before anything takes time."""
    comparison.check()
    if bool(WORKDIR.value) == bool(IMAGES.value):
        raise UserError("give either --workdir, the folder of a run, or --images, an .npz file or a folder of images")
    if IMAGES.value and (ALL.value or STEP.value is not None):
        raise UserError("--step and --all are for runs; --images are measured as they are")
    if ALL.value and (STEP.value is not None or NEIGHBOURS.value):
        raise UserError("--all goes with neither --step nor --neighbours")
    if IMAGES.value and not Path(IMAGES.value).exists():
        raise UserError(f"--images={IMAGES.value} is not there; give the path of an .npz file or a folder of images")
    for name in _NUMERICS:
        if IMAGES.value and flags.FLAGS[name].present:
            raise UserError(f"--{name} is for runs; --images are measured as they are")
    if NEIGHBOURS.value and Path(NEIGHBOURS.value).suffix.lower() != ".png":
        raise UserError(f"--neighbours={NEIGHBOURS.value} must end in .png")


def _of_run(folder: Path, lost: list[StorageError]):
    """(evaluations, reference, images to look for neighbours of) of the checkpoints of a run that were asked for.

    What kept evaluations from being recorded is added to `lost`.
    """
    from gan.evaluation import record
    from gan.machine import devices
    from gan.runs import checkpoint, trained, workdir

    saved, facts = workdir.load_run(folder)
    given = {name: value for name, value in settings.explicit().items() if name in _DATA + _NUMERICS}
    config = configs.validated(dataclasses.replace(saved, logical_cpus=0, **given))
    devices.configure(config)
    steps = checkpoint.steps(folder / workdir.CHECKPOINTS)
    if ALL.value and not steps:
        raise UserError(f"{folder} has no checkpoint yet; wait until its trainer has saved one, or start bin/train")
    before = record.read(folder)  # if it is damaged, now is the time to say
    as_usual = not any(name in given for name in _NUMERICS)
    known = {record.key(row): row for row in before} if ALL.value and as_usual else {}
    keep = _keeper(folder, lost)
    runs = _readable(folder, steps) if ALL.value else [trained.load(folder, STEP.value)]
    real = comparison.opened(config, tuple(facts["image_shape"]))
    if config.conditional and tuple(facts["class_names"]) != real.train.class_names:
        raise UserError(
            f"{folder} makes images of other classes than those of {real.train.name}; give another --dataset"
        )
    reference = comparison.reference(real)
    if real.fingerprint != facts["fingerprint"]:
        command.warn("these are not the data that the run was trained on")
    kept: list[np.ndarray] = []
    rows = [_evaluated(config, reference, run, known, keep, kept) for run in runs]
    if not rows:
        raise UserError(f"{folder} has no checkpoint that can be read; put a copy back in its place")
    return rows, reference, kept


def _readable(folder: Path, steps: list[int]):
    """The runs at the steps, each when it is asked for; one that is damaged or gone by then is told of and left out."""
    from gan.runs import trained

    for step in steps:
        try:
            yield trained.load(folder, step)
        except UserError as error:
            command.warn(f"step {step} is left out: {error}")


def _keeper(folder: Path, lost: list[StorageError]) -> Callable[[dict], None]:
    """What records an evaluation in the folder of a run; where that fails it is told, and the table still comes."""
    from gan.evaluation import record

    def keep(row: dict) -> None:
        try:
            record.record(folder, row)
        except StorageError as error:
            if not lost:
                command.warn(f"the figures are shown, but not kept: {error}")
            lost.append(error)

    return keep


def _evaluated(config, reference, run, known: dict, keep: Callable[[dict], None], kept: list[np.ndarray]) -> dict:
    """The evaluation of a run's checkpoint: one of those `known`, or a new one, which is given to `keep`."""
    from gan import build
    from gan.evaluation import comparison, record
    from gan.machine import devices
    from gan.sampling import sampler

    command.warn(*run.skipped)
    named = comparison.key(reference, run.step, comparison.generator_identity(run.generator))
    row = known.get(record.key(named))
    wants_score = config.conditional and CAS.value and reference.splits.train.num_classes > 1
    if row and (not wants_score or "classification_accuracy_score" in row["metrics"]):
        return row
    started = time.monotonic()
    generator = build.sampling_generator(config, run.image_shape, devices.resolve(config), run.class_shares)
    sample = sampler.make_sampler(generator, config.latent_size)
    train, num, what = reference.splits.train, reference.num, f"step {run.step}"
    seed, labels = comparison.SEED.value, comparison.wanted_labels(train, num) if config.conditional else None
    measured = _measured(reference, sample(run.generator, seed, num, labels), num, what, labels, kept)
    row = comparison.row(reference, named, measured)
    keep(row)
    if wants_score:  # it takes minutes: what is measured before is kept already
        num = min(train.num_examples, _MOST_FOR_SCORE)
        labels = comparison.wanted_labels(train, num)
        batches = with_progress(sample(run.generator, seed, num, labels), num, what)
        score = _score(np.concatenate(list(batches)), labels, reference)
        row = comparison.row(reference, named, measured | score) | {"score_samples": num}
        keep(row)
    print(f"step {run.step}: measured in {time.monotonic() - started:.0f} s", flush=True)
    return row


def _of_images(path: Path):
    """(evaluations, reference, images to look for neighbours of) of images in files."""
    from gan.data import sources
    from gan.evaluation import comparison
    from gan.machine import devices

    config = configs.make(**{n: v for n, v in settings.explicit().items() if n in _DATA})
    devices.configure(config)
    kind = "folder" if path.is_dir() else "npz"
    source = sources.open_source(f"{kind}:{path}", "", config.resolution, config.channels, "auto")
    reference = comparison.reference(comparison.opened(config, source.image_shape), source.num_examples)
    num, real = reference.num, reference.splits.train
    images, labels = source.read(comparison.chosen(source, num))  # they may lie class by class
    if num < source.num_examples:
        print(f"{IMAGES.value}: {num:,} of {source.num_examples:,} images, chosen at random")
    labels = comparison.in_classes(labels, source.class_names, real.class_names, IMAGES.value)
    batches = (images[first : first + _KEPT] for first in range(0, num, _KEPT))
    kept: list[np.ndarray] = []
    named = comparison.key(reference, 0, source.fingerprint) | {"images": str(path)}
    row = comparison.row(reference, named, _measured(reference, batches, num, path.name, labels, kept))
    if labels is not None and CAS.value and real.num_classes > 1:
        images, labels = source.read(comparison.chosen(source, _MOST_FOR_SCORE))
        labels = comparison.in_classes(labels, source.class_names, real.class_names, IMAGES.value)
        score = _score(images, labels, reference)
        row = comparison.row(reference, named, row["metrics"] | score) | {"score_samples": len(images)}
    return [row], reference, kept


def _measured(
    reference, batches: Iterable[np.ndarray], num: int, what: str, labels: np.ndarray | None, kept: list[np.ndarray]
) -> dict:
    """The values by name of generated images; the first batches are then in `kept` if neighbours are to be drawn."""
    from gan.evaluation import comparison

    wanted = _KEPT if NEIGHBOURS.value else 0
    return comparison.measure(reference, first_kept(with_progress(batches, num, what), kept, wanted), labels)


def _draw_neighbours(reference, kept: list[np.ndarray]) -> None:
    """The picture of samples beside their nearest training images, and a line on it."""
    from gan.evaluation import neighbours

    samples = np.concatenate(kept)[:_KEPT]
    near = neighbours.draw(Path(NEIGHBOURS.value), reference.extractor, samples, reference.splits)
    print(
        f"{NEIGHBOURS.value}: median distance to the nearest training image {near.samples:.3f} of samples, "
        f"{near.real:.3f} of {near.which}"
    )


def _score(images: np.ndarray, labels: np.ndarray, reference) -> dict:
    """The classification accuracy score of generated images, by its name; its floor is that of the real images."""
    from gan.evaluation import classifiers

    real = classifiers.cached(reference.splits).accuracy
    reference.floor["classification_accuracy_score"] = real
    score = classifiers.classification_accuracy_score(images, labels, reference.splits.test)
    print(
        f"classification accuracy score {score:.2%} after {len(images):,} generated images, {real:.2%} after "
        f"{reference.splits.train.num_examples:,} real ones"
    )
    return {"classification_accuracy_score": score}


if __name__ == "__main__":
    command.execute(main)
