"""Sources that are others with a part of them changed: without their labels, with those of another set's classes."""

import dataclasses
import hashlib

import numpy as np

from gan.data import classes
from gan.data.source import Read, Source
from gan.errors import UserError


def without_labels(source: Source) -> Source:
    """The source without its labels; the same where it has none."""
    if not source.num_classes:
        return source
    return dataclasses.replace(
        source,
        class_names=(),
        fingerprint=_identity(source, "unlabelled"),
        read=_Relabelled(source.read, np.full(source.num_classes + 1, -1, np.int32)),
        labels=np.full(source.num_examples, -1, np.int32),
    )


def in_form_of(test: Source, train: Source) -> Source:
    """`test`, whose images are for the tests of generators trained on `train`, with labels in the classes of `train`.

    Classes are the same by name. Raises `UserError` for images of another shape, for other classes, and where both are
    the same images.
    """
    if test.image_shape != train.image_shape:
        shapes = [" x ".join(map(str, source.image_shape)) for source in (test, train)]
        raise UserError(
            f"--test_dataset: images of {test.name} are {shapes[0]}, those of {train.name} {shapes[1]}; give "
            "--resolution and --channels"
        )
    if test.fingerprint == train.fingerprint:
        raise UserError(f"--test_dataset={test.name} has the images of training; leave it out to hold some of them out")
    if not train.num_classes:
        return without_labels(test)
    if test.class_names == train.class_names or not test.num_classes:
        return dataclasses.replace(test, class_names=train.class_names)
    found = [classes.number_of(name, train.class_names) for name in test.class_names]
    for name, number in zip(test.class_names, found, strict=True):
        if number is None or found.count(number) > 1:
            reason = (
                "has no such class" if number is None else f"has one class for several, {train.class_names[number]}"
            )
            raise UserError(
                f"--test_dataset: {test.name} has a class {name}, and {train.name} {reason}; rename it, or give "
                "--labels=none"
            )
    table = np.array([*found, -1], np.int32)  # the last is what -1 finds
    return dataclasses.replace(
        test,
        class_names=train.class_names,
        fingerprint=_identity(test, f"in the classes of {train.class_names}"),
        read=_Relabelled(test.read, table),
        labels=None if test.labels is None else table[test.labels],
    )


@dataclasses.dataclass(frozen=True)
class _Relabelled:
    """A `read` with other labels: `table` int32 [K + 1] has the new one of each class, at its end that of none."""

    read: Read
    table: np.ndarray

    def __call__(self, indices: np.ndarray, *places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images, labels = self.read(indices, *places)
        return images, self.table[labels]


def _identity(source: Source, change: str) -> str:
    return hashlib.sha256(f"{source.fingerprint} {change}".encode()).hexdigest()
