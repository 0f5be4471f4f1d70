"""How good generated images are: a reference made once of the real images, and the metrics of any generated ones.

    reference = comparison.prepare(splits, extractor, comparison.PROTOCOLS["lucic"])
    values, degenerate = comparison.measure(reference, sample(params, seed, reference.num))

The second line is cheap to repeat in one process. Every value means something only beside the reference's `floor`:
that of real images which are not those of the reference, measured in the same way.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gan.data import classes
from gan.data.order import permutation
from gan.data.sameness import Sameness
from gan.data.source import Source
from gan.data.splits import Splits
from gan.errors import UserError
from gan.evaluation import classifiers, features, record
from gan.evaluation.features import Arrays, Extractor
from gan.evaluation.record import Evaluation, Key
from gan.metrics import suite
from gan.metrics.suite import NEIGHBOURS, SCORE, SEED

_SEED = 2**63 + 1  # of the choice of real images
_LEAST = 10  # more than any metric needs
_MOST_CLASSES = 100  # whose shares are measured: more could not be read
_CHUNK = 2048  # images read at a time for their labels
_LOOKED_AT = 500  # real images, spread evenly, of which it is told whether they are all the same
_NOTHING = "precision and density mean nothing"

Values = dict[str, float]


class Protocol(NamedTuple):
    """How many generated images are compared with which real ones."""

    name: str
    num: int
    against_train: bool  # with all of the training images; otherwise with as many test images


PROTOCOLS = {
    "lucic": Protocol("lucic", 10_000, False),  # Lucic et al. 2018, "Are GANs created equal?"
    "50k": Protocol("50k", 50_000, True),
}


class Measured(NamedTuple):
    """The metrics of generated images by name, and what keeps them from meaning what they say, empty if nothing."""

    values: Values
    degenerate: str


class Reference(NamedTuple):
    """The real side of an evaluation, computed once."""

    protocol: Protocol
    num: int  # generated images that are wanted
    k: int
    seed: int  # of the kernel distance's subsets
    extractor: Extractor
    splits: Splits
    real: Arrays  # features [R, D], class probabilities [R, K] of the real images compared with
    floor: Mapping[str, float]  # the metrics of real images of the other split; it cannot be changed
    floor_num: int
    degenerate: str = ""  # of the real images, what keeps all figures from meaning what they say

    @property
    def sizes(self) -> str:
        """A line on the generated and the real images."""
        which = "training" if self.protocol.against_train else "test"
        seen = ", which the generator was trained on too" if self.splits.test_is_seen else ""
        return (
            f"{self.protocol.name}: {self.num:,} generated against {len(self.real[0]):,} {which} images of "
            f"{_plain_name(self.splits.test)}{seen if which == 'test' else ''}"
        )

    @property
    def floor_sizes(self) -> str:
        """A line on the images of the floor."""
        which = "test" if self.protocol.against_train else "training"
        fewer = "; fewer than generated ones, which may come out better for that" * (self.floor_num < self.num)
        return f"{self.floor_num:,} real {which} images against the same {len(self.real[0]):,}{fewer}"


def prepare(
    splits: Splits, extractor: Extractor, protocol: Protocol, num: int = 0, k: int = NEIGHBOURS, seed: int = SEED
) -> Reference:
    """The reference for `num` generated images (0: see `wanted_num`), its features from the cache if it has them.

    The floor has as many images as are generated where the data have so many. Raises `UserError` if there are too few.
    """
    check_sizes(splits, protocol, num, k)
    num = num or wanted_num(splits, protocol)
    other, compared = _sides(splits, protocol)
    rows = chosen(compared, compared.num_examples if protocol.against_train else num)
    floor_rows = chosen(other, num)
    real = features.of_source(extractor, compared, rows)
    apart = features.of_source(extractor, other, floor_rows)
    floor = _compared(real, apart, splits.train.class_names, k, seed)
    if extractor.trained:
        floor |= dict.fromkeys(("label_agreement", SCORE), extractor.trained.accuracy)
    same = _sameness(compared, rows)
    return Reference(protocol, num, k, seed, extractor, splits, real, MappingProxyType(floor), len(floor_rows), same)


def check_sizes(splits: Splits, protocol: Protocol, num: int = 0, k: int = NEIGHBOURS) -> None:
    """Raises `UserError` if there are too few images for `prepare`."""
    least = max(_LEAST, k + 1)
    real = ((f"images of {source.name}", source.num_examples) for source in _sides(splits, protocol))
    for what, count in (*real, ("generated images", num or wanted_num(splits, protocol))):
        if count < least:
            raise UserError(f"{count} {what} are too few for the metrics; {least} are the least")


def wanted_num(splits: Splits, protocol: Protocol) -> int:
    """How many generated images the protocol compares: where it has as many real ones, no more than there are."""
    if protocol.against_train:
        return protocol.num
    return min(protocol.num, *(source.num_examples for source in _sides(splits, protocol)))


def _sides(splits: Splits, protocol: Protocol) -> tuple[Source, Source]:
    """(the real images of the floor, those that generated ones are compared with)."""
    return (splits.test, splits.train) if protocol.against_train else (splits.train, splits.test)


def measure(reference: Reference, batches: Iterable[np.ndarray], labels: np.ndarray | None = None) -> Measured:
    """The metrics of the generated images in all batches, uint8 [n, H, W, C], and whether these are all the same.

    `labels` int [N] are the classes that were asked for, where images can be asked for; with a classifier's features
    they add `label_agreement`.
    """
    seen = Sameness()
    fake = features.of_batches(reference.extractor, _looked_at(batches, seen))
    class_names = reference.splits.train.class_names
    values = _compared(reference.real, fake, class_names, reference.k, reference.seed, labels)
    found = "; ".join(filter(None, (seen.sentence("generated"), reference.degenerate)))
    return Measured(values, f"{found}: {_NOTHING}" if found else "")


def _looked_at(batches: Iterable[np.ndarray], seen: Sameness) -> Iterator[np.ndarray]:
    """The batches, each shown to `seen` on its way."""
    for images in batches:
        seen.add(images)
        yield images


def _sameness(source: Source, rows: np.ndarray) -> str:
    """What keeps the images of these rows of a source from being compared, as some of them tell; empty if nothing."""
    seen = Sameness()
    seen.add(source.read(rows[:: -(-len(rows) // _LOOKED_AT)])[0])
    return seen.sentence("real")


def wanted_labels(train: Source, count: int) -> np.ndarray:
    """The classes to ask a conditional generator for, int32 [count]: as frequent as among the images of `train`.

    The first of them are the same however many there are. Images without a label are passed over; raises `UserError`
    if there are no others.
    """
    order = permutation(_SEED, 0, train.num_examples)
    found = np.zeros([0], np.int32)
    for start in range(0, len(order), _CHUNK):
        labels = train.read(order[start : start + _CHUNK])[1]
        found = np.concatenate([found, labels[labels >= 0]])
        if len(found) >= count:
            return found[:count]
    if not len(found):
        raise UserError(f"{train.name} has no labels: no image can be asked for by its class")
    return np.resize(found, count)


def in_classes(labels: np.ndarray, names: tuple[str, ...], known: tuple[str, ...], where: str) -> np.ndarray | None:
    """The labels of generated images in files, as those of the classes `known`; None where either has no classes.

    The class i of the files is the one that `names[i]` means (`classes.number_of`). Raises `UserError` for other ones,
    and where some images have no label.
    """
    if not names or not known:
        return None
    if missing := int(np.sum(labels < 0)):
        raise UserError(f"{missing:,} of {len(labels):,} images in {where} have no label; label all of them, or none")
    found = [classes.number_of(name, known) for name in names]
    if None in found:
        raise UserError(
            f"{where} has a class {names[found.index(None)]}, the data set has {', '.join(known)}; rename it or "
            "remove it"
        )
    return np.array(found, np.int32)[labels]


def key(reference: Reference, step: int, generator: str) -> Key:
    """What names an evaluation, after `step`, of the generator with the given identity (in full)."""
    return record.key(
        step=step,
        protocol=reference.protocol.name,
        num=reference.num,
        features=reference.extractor.kind,
        extractor=reference.extractor.identity,
        data=reference.splits.identity,
        k=reference.k,
        seed=reference.seed,
        generator=generator,
    )


def evaluated(reference: Reference, named: Key, measured: Measured, **optional: Any) -> Evaluation:
    """The evaluation that `key` named: values, floor, what both mean, and `optional`, fields of `Evaluation`."""
    values = measured.values
    return Evaluation(
        named,
        metrics=record.finite({name: float(value) for name, value in values.items()}),
        floor=record.finite({name: float(value) for name, value in reference.floor.items() if name in values}),
        real_samples=len(reference.real[0]),
        floor_samples=reference.floor_num,
        meaning={"features": reference.extractor.title, "sizes": reference.sizes, "floor": reference.floor_sizes},
        time=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        degenerate=measured.degenerate,
        **optional,
    )


def with_score(reference: Reference, evaluation: Evaluation, images: np.ndarray, labels: np.ndarray) -> Evaluation:
    """The evaluation with the classification accuracy score of generated images, and that of the real ones as floor.

    images uint8 [N, H, W, C], labels int [N] in the classes of the data. It takes a training, and where the cache has
    no classifier of the data a second one. Raises `UserError` if there are no such classes.
    """
    real = classifiers.cached(reference.splits).accuracy
    score = classifiers.classification_accuracy_score(images, labels, reference.splits.test)
    return evaluation._replace(
        metrics={**evaluation.metrics, SCORE: score},
        floor={**evaluation.floor, SCORE: real},
        score_samples=len(images),
    )


def chosen(source: Source, num: int) -> np.ndarray:
    """`num` images of a source, always the same ones, or all if there are no more: indices, ascending."""
    if num >= source.num_examples:
        return np.arange(source.num_examples, dtype=np.int64)
    return np.sort(permutation(_SEED, 0, source.num_examples)[:num])


def _compared(
    real: Arrays, fake: Arrays, class_names: tuple[str, ...], k: int, seed: int, labels: np.ndarray | None = None
) -> Values:
    """All metrics that there are of these images; raises `UserError` where features are not finite."""
    inputs = suite.Inputs(real[0], fake[0], k=k, seed=seed)
    if fake[1].shape[1]:
        readable = class_names if len(class_names) <= _MOST_CLASSES else None
        inputs = inputs._replace(probabilities=fake[1], class_names=readable, labels=labels)
    try:
        return suite.evaluate(inputs)
    except ValueError as error:
        raise UserError(f"the metrics cannot be computed: {error} Use other features") from None


def _plain_name(source: Source) -> str:
    return source.name.partition(",")[0]
