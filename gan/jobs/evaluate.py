"""Evaluation: how good the images of a run's checkpoints are, or any images in files, beside the floor of real ones."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan import build
from gan import config as configs
from gan.data import sources
from gan.data.source import Source
from gan.data.splits import Splits
from gan.errors import StorageError, UserError
from gan.evaluation import comparison, neighbours, record
from gan.evaluation.comparison import Reference
from gan.evaluation.neighbours import Nearest
from gan.evaluation.record import Evaluation, Key
from gan.jobs import accounts, evaluate_table
from gan.jobs import extractor as extractors
from gan.jobs.notices import warn
from gan.jobs.progress_bar import with_progress
from gan.jobs.requests import Evaluate as Request
from gan.machine import devices
from gan.metrics.suite import SCORE
from gan.runs import checkpoint, trained, workdir
from gan.runs.trained import SavedRun, Trained
from gan.sampling import sampler
from gan.settings import Config
from gan.storage.files import staged_file
from gan.text import dimensions

_LOOKED_AT = 1000  # images of which the neighbours are looked for
_CHUNK = 1000  # images in files that are measured at a time
_MOST_FOR_SCORE = 60_000  # generated images to train a classifier on, where there are so many


class Result(NamedTuple):
    """What was measured, how near samples are to training images if asked, and why it is not kept if it is not."""

    evaluations: tuple[Evaluation, ...]
    nearest: Nearest | None
    not_kept: StorageError | None


class _Measured(NamedTuple):
    """Evaluations, what they were measured against, generated images uint8 [N, H, W, C] if neighbours are wanted."""

    evaluations: list[Evaluation]
    reference: Reference
    samples: np.ndarray | None
    not_kept: StorageError | None = None


class _Samples:
    """The images of a checkpoint by the seed of a request: the first of them are the same however many are drawn."""

    def __init__(self, request: Request, found: Trained, train: Source):
        self.of, self._seed, self._train = found, request.seed, train
        self._sample = sampler.make_sampler(trained.generator(found.run), found.run.config.latent_size)

    def labels(self, num: int) -> np.ndarray | None:
        """The classes int32 [num] that are asked for, as frequent as in the data; None without classes."""
        return comparison.wanted_labels(self._train, num) if self.of.run.config.conditional else None

    def batches(self, num: int, labels: np.ndarray | None) -> Iterator[np.ndarray]:
        """Images uint8 [n, H, W, C] of the labels, `num` in all; a line on terminals shows how far they are."""
        images = self._sample(self.of.generator, self._seed, num, labels)
        return with_progress(images, num, f"step {self.of.step}")

    def all(self, num: int) -> np.ndarray:
        """Images uint8 [num, H, W, C]."""
        return np.concatenate(list(self.batches(num, self.labels(num))))


class _Record:
    """Keeps evaluations in the folder of a run; where that fails it is told once, and the table still comes."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.failed: StorageError | None = None

    def keep(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation, kept if it can be."""
        try:
            record.add(self._folder, evaluation)
        except StorageError as error:
            if not self.failed:
                warn(f"the figures are shown, but not kept: {error}")
            self.failed = self.failed or error
        return evaluation


def run(request: Request) -> Result:
    """Measures, prints a table, and keeps the values; raises `UserError`, and `StorageError` for files asked for."""
    measured = _of_images(request) if request.images else _of_run(request)
    evaluations = measured.evaluations
    titles = [Path(request.images).name if request.images else f"step {each.key.step}" for each in evaluations]
    print("\n".join(evaluate_table.table(evaluations, measured.reference, titles)))
    if request.out:
        with staged_file(Path(request.out)) as file:
            file.write((json.dumps([record.to_json(each) for each in evaluations], indent=1) + "\n").encode())
        print(f"\n{request.out}: {len(evaluations)} evaluation{'s' * (len(evaluations) != 1)}")
    nearest = _neighbours(request, measured) if request.neighbours else None
    return Result(tuple(evaluations), nearest, measured.not_kept)


def _of_run(request: Request) -> _Measured:
    """The evaluations of the checkpoints of a run that were asked for."""
    folder = Path(request.workdir)
    saved = trained.saved_run(folder, {**request.data, **request.numerics})
    devices.configure(saved.config)
    steps = checkpoint.steps(folder / workdir.CHECKPOINTS)
    if request.all and not steps:
        raise UserError(f"{folder} has no checkpoint yet; wait until its trainer has saved one, or start bin/train")
    before = record.read(folder)  # if it is damaged, now is the time to say
    known = {each.key: each for each in before} if request.all and not request.numerics else {}
    found = _readable(saved, steps) if request.all else [trained.load(saved, request.step)]
    splits = _splits(request, saved.config, saved.image_shape)
    if saved.config.conditional and saved.class_names != splits.train.class_names:
        raise UserError(
            f"{folder} makes images of other classes than those of {splits.train.name}; give another --dataset"
        )
    reference = _reference(request, splits)
    if splits.fingerprint != saved.fingerprint:
        warn("these are not the data that the run was trained on")
    kept, evaluations = _Record(folder), []
    for each in found:
        samples = _Samples(request, each, splits.train)
        evaluations.append(_evaluated(request, reference, samples, known, kept))
    if not evaluations:
        raise UserError(f"{folder} has no checkpoint that can be read; put a copy back in its place")
    looked_at = samples.all(min(reference.num, _LOOKED_AT)) if request.neighbours else None
    return _Measured(evaluations, reference, looked_at, kept.failed)


def _readable(saved: SavedRun, steps: Iterable[int]) -> Iterator[Trained]:
    """The networks at the steps, each when its turn comes; one damaged or gone by then is told of and left out."""
    for step in steps:
        try:
            yield trained.load(saved, step)
        except UserError as error:
            warn(f"step {step} is left out: {error}")


def _evaluated(
    request: Request,
    reference: Reference,
    samples: _Samples,
    known: Mapping[Key, Evaluation],
    kept: _Record,
) -> Evaluation:
    """The evaluation of a run's checkpoint: one of those `known`, or a new one, which is kept."""
    found, train = samples.of, reference.splits.train
    warn(*found.skipped)
    key = comparison.key(reference, found.step, record.generator_identity(found.generator))
    evaluation = known.get(key)
    wants_score = found.run.config.conditional and request.cas and train.num_classes > 1
    if evaluation and (SCORE in evaluation.metrics or not wants_score):
        return evaluation
    started, labels = time.monotonic(), samples.labels(reference.num)
    measured = comparison.measure(reference, samples.batches(reference.num, labels), labels)
    evaluation = kept.keep(comparison.evaluated(reference, key, measured))
    if wants_score:  # it takes minutes: what is measured before is kept already
        labels = samples.labels(min(train.num_examples, _MOST_FOR_SCORE))
        images = np.concatenate(list(samples.batches(len(labels), labels)))
        evaluation = kept.keep(_scored(reference, evaluation, images, labels))
    print(f"step {found.step}: measured in {time.monotonic() - started:.0f} s", flush=True)
    return evaluation


def _of_images(request: Request) -> _Measured:
    """The evaluation of images in files."""
    path, config = Path(request.images), configs.make(**request.data)
    devices.configure(config)
    kind = "folder" if path.is_dir() else "npz"
    form = {name: getattr(config, name) for name in ("resolution", "channels", "crop")}
    source = sources.open_source(f"{kind}:{path}", **form)
    accounts.tell_of_images(source, request.strict)
    reference = _reference(request, _splits(request, config, source.image_shape), source.num_examples)
    num, real = reference.num, reference.splits.train

    def read(count: int) -> tuple[np.ndarray, np.ndarray | None]:
        """(images, their labels as classes of the data set): of so many, since they may lie class by class."""
        images, labels = source.read(comparison.chosen(source, count))
        return images, comparison.in_classes(labels, source.class_names, real.class_names, request.images)

    if num < source.num_examples:
        print(f"{request.images}: {num:,} of {source.num_examples:,} images, chosen at random")
    images, labels = read(num)
    batches = (images[first : first + _CHUNK] for first in range(0, num, _CHUNK))
    measured = comparison.measure(reference, with_progress(batches, num, path.name), labels)
    key = comparison.key(reference, 0, source.fingerprint)
    evaluation = comparison.evaluated(reference, key, measured, images=str(path))
    if labels is not None and request.cas and real.num_classes > 1:
        evaluation = _scored(reference, evaluation, *read(_MOST_FOR_SCORE))
    return _Measured([evaluation], reference, images[:_LOOKED_AT])


def _splits(request: Request, config: Config, image_shape: tuple[int, ...]) -> Splits:
    """The real images to compare generated ones of `image_shape` with; raises `UserError`."""
    if request.protocol not in comparison.PROTOCOLS:
        raise UserError(f"--protocol={request.protocol} must be one of {', '.join(comparison.PROTOCOLS)}")
    found = build.splits(config)
    if tuple(found.train.image_shape) != image_shape:
        shapes = [dimensions(shape) for shape in (image_shape, found.train.image_shape)]
        raise UserError(
            f"generated images are {shapes[0]}, those of {found.train.name} {shapes[1]}; give --resolution "
            "and --channels, or another --dataset"
        )
    comparison.check_sizes(found, comparison.PROTOCOLS[request.protocol], request.num or 0, request.k)
    accounts.tell_of_splits(config, found, request.strict)
    return found


def _reference(request: Request, splits: Splits, most: int | None = None) -> Reference:
    """What generated images are measured against: the features of real ones, which may take minutes at first.

    There are no more than `most` generated images to be had. Raises `UserError`.
    """
    protocol = comparison.PROTOCOLS[request.protocol]
    num = request.num or comparison.wanted_num(splits, protocol)
    num = num if most is None else min(num, most)
    comparison.check_sizes(splits, protocol, num, request.k)
    return comparison.prepare(splits, extractors.of(request, splits), protocol, num, request.k, request.seed)


def _neighbours(request: Request, measured: _Measured) -> Nearest:
    """The picture of samples beside their nearest training images, and a line on it."""
    extractor, splits = measured.reference.extractor, measured.reference.splits
    near = neighbours.write_neighbours(Path(request.neighbours), extractor, measured.samples, splits)
    print(
        f"{request.neighbours}: median distance to the nearest training image {near.samples:.3f} of samples, "
        f"{near.real:.3f} of {near.which}"
    )
    return near


def _scored(reference: Reference, evaluation: Evaluation, images: np.ndarray, labels: np.ndarray) -> Evaluation:
    """The evaluation with the classification accuracy score of the images, and a line on it."""
    note = f"Training a classifier on {len(images):,} generated images for their score; --nocas leaves it out."
    print(note, file=sys.stderr, flush=True)
    scored = comparison.with_score(reference, evaluation, images, labels)
    score, real = scored.metrics[SCORE], scored.floor[SCORE]
    print(
        f"classification accuracy score {score:.2%} after {len(images):,} generated images, {real:.2%} after "
        f"{reference.splits.train.num_examples:,} real ones"
    )
    return scored
