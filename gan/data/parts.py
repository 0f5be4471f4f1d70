"""Sources that are others with a part of them changed: without their labels, with those of another set's classes."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from gan.data import classes
from gan.data.source import Source
from gan.errors import UserError
from gan.text import dimensions

Task = Callable[[], tuple[Any, np.ndarray]]  # returns images and labels


def without_labels(source: Source) -> Source:
    """The source without its labels; the same where it has none."""
    if not source.num_classes:
        return source
    return dataclasses.replace(
        source,
        class_names=(),
        fingerprint=_identity(source, "unlabelled"),
        labels=np.full(source.num_examples, -1, np.int32),
        **_reading(source, np.full(source.num_classes + 1, -1, np.int32)),
    )


def in_form_of(test: Source, train: Source, prefix: str = "") -> Source:
    """`test`, whose images are for the tests of generators trained on `train`, with labels in the classes of `train`.

    Classes are the same by name. Raises `UserError`, which begins with `prefix`, for images of another shape, for other
    classes, and where both are the same images.
    """
    if test.image_shape != train.image_shape:
        shapes = [dimensions(source.image_shape) for source in (test, train)]
        raise UserError(
            f"{prefix}the images of {test.name} for tests are {shapes[0]}, those of {train.name} for training "
            f"{shapes[1]}; give --resolution and --channels"
        )
    if test.fingerprint == train.fingerprint:
        raise UserError(f"{prefix}{test.name} has the images of training; without it some of them are held out")
    if not train.num_classes:
        return without_labels(test)
    if test.class_names == train.class_names or not test.num_classes:
        return dataclasses.replace(test, class_names=train.class_names)
    table = np.array([*_numbers(test, train, prefix), -1], np.int32)  # the last is what -1 finds
    return dataclasses.replace(
        test,
        class_names=train.class_names,
        fingerprint=_identity(test, f"in the classes of {train.class_names}"),
        labels=None if test.labels is None else table[test.labels],
        **_reading(test, table),
    )


def _numbers(test: Source, train: Source, prefix: str) -> list[int]:
    """The number in `train` of each class of `test`, -1 for one without images that `train` does not have.

    Raises `UserError` if another one has no number, or one several have.
    """
    counts = None if test.labels is None else np.bincount(test.labels[test.labels >= 0], minlength=test.num_classes)
    found: list[int] = []
    for index, name in enumerate(test.class_names):
        number = classes.number_of(name, train.class_names)
        if number is None and (counts is None or counts[index]):
            raise UserError(
                f"{prefix}{test.name} has a class {name} for tests, which is none of the {train.num_classes} of "
                f"{train.name} for training; rename it, or give --labels=none"
            )
        if number in found:
            same = train.class_names[number]
            raise UserError(f"{prefix}{test.name} has several classes that are {same} in {train.name}; rename {name}")
        found.append(-1 if number is None else number)
    return found


def _reading(source: Source, table: np.ndarray) -> dict[str, Any]:
    """What reads a source's images with other labels: `table` int32 [K + 1] has that of each class, then that of -1."""

    def later(task: Callable[..., Task]) -> Callable[..., Task]:
        return lambda *arguments: functools.partial(_relabelled, task(*arguments), table)

    return {
        "read": lambda *arguments: _relabelled(functools.partial(source.read, *arguments), table),
        "task": later(source.task) if source.task else None,
        "whole": later(source.whole) if source.whole else None,
        "held": source.held and source.held._replace(labels=table[source.held.labels]),
    }


def _relabelled(task: Task, table: np.ndarray) -> tuple[Any, np.ndarray]:
    """What a task returns, images and labels, with other labels."""
    images, labels = task()
    return images, table[labels]


def _identity(source: Source, change: str) -> str:
    return hashlib.sha256(f"{source.fingerprint} {change}".encode()).hexdigest()
