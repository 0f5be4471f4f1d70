"""Images from data sets prepared by TensorFlow Datasets, read record by record without TensorFlow."""

import contextlib
import functools
import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gan.data import fingerprint
from gan.data import labels as labelling
from gan.data.decoding.fit import AS_IS, Fit, fitted_shape
from gan.data.encoded import EncodedReader
from gan.data.labels import Classes
from gan.data.source import Source
from gan.data.tfds.features import Form, form
from gan.data.tfds.records import ArrayRecords, TFRecords
from gan.data.workers import shared
from gan.errors import UserError

TRAIN = "train"
_PACKAGE = "tensorflow_datasets"
TEST = ("test", "validation")  # of the splits that training does not see, the first there is
DECODER = 1  # to be raised when the same files are to give other pixels


def test_split(folder: Path) -> str | None:
    """The name of the split of a prepared data set that training does not see, None if it has none."""
    splits = _info(folder).splits
    return next((name for name in TEST if name in splits), None) if TRAIN in splits else None


def open_prepared(folder: Path, name: str, fit: Fit = AS_IS, which: str = TRAIN, labelled: bool = True) -> Source:
    """The images of the split `which` of a prepared data set, without their labels unless they shall be `labelled`.

    Raises `UserError` naming the folder or the file that cannot be used.
    """
    info = _info(folder)
    found = form(info.features, info.supervised_keys, name)
    split, notes = _split(info, folder, which)
    if info.file_format.value not in ("tfrecord", "array_record"):
        raise UserError(f"{folder} is stored as {info.file_format.value}; prepare it as tfrecord or array_record")
    with _damage(folder):
        files = sorted(Path(os.fspath(path)) for path in split.filepaths)
    for file in files:
        if file.parent != folder:
            raise UserError(f"{folder} names files of another folder, {file}; choose another data set")
        if not file.is_file():
            raise UserError(f"{file} is missing; remove {folder} so that the data set is prepared again")
    height, width, depth = found.shape
    if None in (height, width) and not fit.resolution:
        raise UserError(f"{name} has images of different sizes; give --resolution to resize them all")
    examples = _Examples(_records(info, files, split), found, split.num_examples, f"{files[0]} and its like", name)
    classes = _classes(examples, found, files) if labelled else labelling.none_of(split.num_examples)
    examples.labels = classes and classes.labels
    names = (found.class_names or classes.names) if labelled else ()
    identity = fingerprint.of_files(folder, files, *_facts(info, found, fit, labelled))
    fit, side = fit._replace(channels=fit.channels or (depth if depth in (1, 3) else 3)), fit.resolution
    shape = fitted_shape(height or side, width or side, fit.channels, fit, f"each image of {name}")
    moved = fit.has_places([(width, height)] if height and width else [(0, 1)])  # where sizes vary some are not square
    reader = EncodedReader(examples, shape, fit, found.floats)
    return Source(
        name,
        split.num_examples,
        shape,
        names,
        identity,
        str(folder),
        reader,
        notes=(*notes, *(found.notes if labelled else ()), *(classes.notes if classes and labelled else ())),
        labels=examples.labels,
        sizes={(width, height): split.num_examples} if height and width else {},
        has_places=moved,
        task=shared(reader),
        whole=shared(reader.whole) if moved else None,
        cache_key=f"{info.name}-{identity[:20]}-{fingerprint.of_stamps(files)[:20]}",
    )


def _facts(info: Any, found: Form, fit: Fit, labelled: bool) -> tuple:
    """What the data depend on beside the files; of sets as they have always been read as it has always been."""
    unlabelled = ("unlabelled",) if found.label and not labelled else ()
    return ("tfds", DECODER, info.full_name, found.class_names, *fit.facts, *found.facts, *unlabelled)


def _info(folder: Path) -> Any:
    """The tfds description of a prepared folder."""
    if importlib.util.find_spec("tensorflow_datasets") is None:
        raise UserError("the package tensorflow-datasets is not installed; install it, or use another --dataset")
    import tensorflow_datasets as tfds

    _check_classes(folder)
    with _damage(folder):
        return tfds.builder_from_directory(str(folder)).info


@contextlib.contextmanager
def _damage(folder: Path) -> Iterator[None]:
    """Raises `UserError` in the place of whatever tfds and its parsers raise of a description that is none."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{folder} is damaged ({reason}); remove it so that the data set is prepared again") from None


def _check_classes(folder: Path) -> None:
    """Raises `UserError` for features whose classes are not of tfds: it would import whatever module they name.

    What is no JSON is left to tfds.
    """
    try:
        content = json.loads((folder / "features.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return
    waiting = [content]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
            named = (each.get("pythonClassName"), each.get("python_class_name"), each.get("type"))
            foreign = [name for name in named if isinstance(name, str) and not name.startswith(f"{_PACKAGE}.")]
            if foreign:
                raise UserError(
                    f"{folder} has features of the class {foreign[0]}, which is not one of tfds and would be a program "
                    "to run; choose another data set"
                )


def _split(info: Any, folder: Path, which: str) -> tuple[Any, tuple[str, ...]]:
    """The split of this name, or in the place of `TRAIN` the only one there is, and a note then; raises `UserError`."""
    names = list(info.splits)
    notes = ()
    if which == TRAIN and TRAIN not in names and len(names) == 1:
        (which,) = names
        notes = (f"the split `{which}` is taken: there is no other",)
    if which not in names:
        raise UserError(f"{folder} has no split `{which}` (it has {', '.join(names) or 'none'}); choose another set")
    if not info.splits[which].num_examples:
        raise UserError(f"{folder} has no image in its split `{which}`; choose another set, or prepare it again")
    return info.splits[which], notes


def _records(info: Any, files: list[Path], split: Any) -> Callable[[int], bytes]:
    """The serialized example of an index."""
    if info.file_format.value == "tfrecord":
        return TFRecords(files, list(split.shard_lengths))
    return ArrayRecords(files)


def _classes(examples: "_Examples", found: Form, files: list[Path]) -> Classes | None:
    """The labels of all examples; None where they are many, and can wait until each is read."""
    if not found.label:
        return labelling.none_of(examples.count)
    if found.class_names and sum(file.stat().st_size for file in files) > fingerprint.WHOLE_BYTES:
        return None
    raw = [examples.label(index) for index in range(examples.count)]
    if found.class_names:  # each was checked when it was read
        names = found.class_names
        return labelling.classes_of(np.array(raw, np.int64), len(raw), names, f"labels of {examples.name}")
    values = np.array(raw, object if isinstance(raw[0], bytes) else np.int64)
    return labelling.classes_of(values, len(raw), None, f"`{found.label}` of {examples.name}")


@functools.cache
def _parser() -> tuple[Callable[[bytes], Any], type[Exception]]:
    """What reads a serialized example, and what it raises of a damaged one; imported when the first is read."""
    from google.protobuf.message import DecodeError
    from tensorflow_datasets.proto import tf_example_pb2

    return tf_example_pb2.Example.FromString, DecodeError


class _Examples:
    """Encoded images and labels from serialized examples."""

    def __init__(self, record: Callable[[int], bytes], found: Form, count: int, files: str, name: str):
        self._record, self._form, self.count, self._files, self.name = record, found, count, files, name
        self.labels: np.ndarray | None = None  # of all examples, once they are known

    def __call__(self, index: int) -> tuple[bytes, int]:
        features = self._features(index)
        try:
            image = features[self._form.image].bytes_list.value[0]
        except IndexError:
            raise self._damaged(index) from None
        return image, int(self._label(features, index) if self.labels is None else self.labels[index])

    def where(self, index: int) -> str:
        """An example in a message."""
        return f"example {index} of {self.count} in {self._files}"

    def label(self, index: int) -> int | bytes:
        """The label of an example as it is stored, a number of a class or its name; raises `UserError`."""
        return self._label(self._features(index), index)

    def _label(self, features: Any, index: int) -> int | bytes:
        feature, names = features[self._form.label], self._form.class_names
        values = feature.bytes_list.value or feature.int64_list.value
        if len(values) > 1:
            raise UserError(
                f"{self.where(index)} has {len(values)} labels in `{self._form.label}`, and one is needed; give "
                "--labels=none"
            )
        if not values:
            raise self._damaged(index)
        if names and not -1 <= values[0] < len(names):
            raise UserError(
                f"{self.where(index)} has the label {values[0]}, and {self.name} has {len(names)} class names, from "
                f"{names[0]} (0) to {names[-1]} ({len(names) - 1}); prepare it again with more, or give --labels=none"
            )
        return values[0]

    def _features(self, index: int) -> Any:
        parse, damage = _parser()
        try:
            return parse(self._record(index)).features.feature
        except (damage, IndexError):
            raise self._damaged(index) from None

    def _damaged(self, index: int) -> UserError:
        return UserError(f"{self.where(index)} is damaged; remove their folder to prepare it again")
