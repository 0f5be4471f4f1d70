"""Images from data sets prepared by TensorFlow Datasets, read record by record without TensorFlow.

The files are TFRecords (the format tfds prepares by default) or ArrayRecords. Only the features `image` and `label`
are decoded.
"""

import importlib.util
import mmap
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan.data import fingerprint
from gan.data.images import AS_IS, Fit, decode, fitted_shape
from gan.data.source import Source
from gan.errors import UserError
from gan.paths import given, home

TRAIN = "train"
TEST = ("test", "validation")  # of the splits that training does not see, the first there is
DECODER = 1  # to be raised when the same files are to give other pixels
_NAME = re.compile(r"(?P<name>[a-z0-9_]+)(/(?P<config>[\w.+-]+))?(:(?P<version>\d+\.\d+\.\d+))?")


def prepared_root(data_dir: str = "") -> Path:
    """The folder of prepared data sets: `data_dir`, else $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    place = data_dir or os.environ.get("TFDS_DATA_DIR")
    if not place and not home():
        raise UserError(
            "there is no home folder to look for prepared data sets in; give --data_dir a folder that has them"
        )
    return Path(given(place or "~/tensorflow_datasets"))


def prepared_folder(name: str, root: Path) -> Path | None:
    """The folder of the newest prepared version of NAME[/CONFIG][:VERSION], or None; raises `UserError`."""
    parts = _NAME.fullmatch(name)
    if not parts:
        raise UserError(f"--dataset=tfds:{name} is not a name; write tfds:NAME, tfds:NAME/CONFIG or tfds:NAME:VERSION")
    base = root / parts["name"] / (parts["config"] or "")
    versions = _versions(base)
    if not versions and not parts["config"]:
        configs = [child for child in sorted(base.glob("*/")) if _versions(child)]
        if len(configs) > 1:
            choices = ", ".join(child.name for child in configs)
            raise UserError(f"{base} has several configs; write --dataset=tfds:{name}/ and one of {choices}")
        versions = _versions(configs[0]) if configs else {}
    if parts["version"]:
        return versions.get(tuple(map(int, parts["version"].split("."))))
    return versions[max(versions)] if versions else None


def _versions(base: Path) -> dict[tuple[int, ...], Path]:
    """The prepared versions below a folder; `incomplete.*` folders of interrupted downloads are none."""
    found = {}
    for info in base.glob("*/dataset_info.json"):
        if re.fullmatch(r"\d+\.\d+\.\d+", info.parent.name):
            found[tuple(map(int, info.parent.name.split(".")))] = info.parent
    return found


def test_split(folder: Path) -> str | None:
    """The name of the split of a prepared data set that training does not see, None if it has none."""
    splits = _info(folder).splits
    return next((name for name in TEST if name in splits), None)


def open_prepared(folder: Path, name: str, fit: Fit = AS_IS, which: str = TRAIN) -> Source:
    """The images of the split `which` of a prepared data set.

    Raises `UserError` naming the folder or the file that cannot be used.
    """
    info = _info(folder)
    size, names = image_form(info.features, name)
    if which not in info.splits:
        raise UserError(f"{folder} has no split `{which}` (it has {', '.join(info.splits) or 'none'})")
    split = info.splits[which]
    files = sorted(Path(os.fspath(path)) for path in split.filepaths)
    for file in files:
        if not file.is_file():
            raise UserError(f"{file} is missing; remove {folder} so that the data set is prepared again")
    height, width, depth = size
    if None in (height, width) and not fit.resolution:
        raise UserError(f"{name} has images of different sizes; give --resolution to resize them all")
    identity = fingerprint.of_files(folder, files, "tfds", DECODER, info.full_name, names, *fit.facts)
    fit, side = fit._replace(channels=fit.channels or (depth if depth in (1, 3) else 3)), fit.resolution
    shape = fitted_shape(height or side, width or side, fit.channels, fit, f"each image of {name}")
    record = _records(info, files, split)
    read = _reader(record, split.num_examples, shape, fit, bool(names), f"{files[0]} and its like")
    key = f"{info.name}-{identity[:20]}-{fingerprint.of_stamps(files)[:20]}"
    return Source(name, split.num_examples, shape, names, identity, str(folder), read, cache_key=key)


def _info(folder: Path):
    """The tfds description of a prepared folder."""
    if importlib.util.find_spec("tensorflow_datasets") is None:
        raise UserError("the package tensorflow-datasets is not installed; install it, or use another --dataset")
    import tensorflow_datasets as tfds

    try:
        return tfds.builder_from_directory(str(folder)).info
    except Exception as error:  # tfds raises whatever its parsers do
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{folder} is damaged ({reason}); remove it so that the data set is prepared again") from None


def image_form(features, name: str) -> tuple[tuple, tuple[str, ...]]:
    """Image shape (height, width, channels; None where it varies) and class names of tfds features.

    Raises `UserError` if there is no uint8 feature `image`.
    """
    import tensorflow_datasets as tfds

    named = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    image, label = named.get("image"), named.get("label")
    if not isinstance(image, tfds.features.Image) or np.dtype(image.np_dtype) != np.uint8:
        there = ", ".join(sorted(named)) or type(features).__name__
        raise UserError(f"{name} has no feature `image` of 8-bit images (it has {there}); choose an image data set")
    return image.shape, tuple(label.names) if isinstance(label, tfds.features.ClassLabel) else ()


def _records(info, files: list[Path], split) -> Callable[[int], bytes]:
    """The serialized example of an index."""
    kind = info.file_format.value
    if kind == "tfrecord":
        return _tfrecords(files, list(split.shard_lengths))
    if kind != "array_record":
        raise UserError(f"{files[0].parent} is stored as {kind}; prepare it as tfrecord or array_record")
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    source = ArrayRecordDataSource([str(file) for file in files])
    return lambda index: source[index]


def _tfrecords(files: list[Path], lengths: list[int]) -> Callable[[int], bytes]:
    """Random access to the records of TFRecord files; their positions are found now, and damage to them with it.

    No library does it: tf.data reads TFRecords from beginning to end, and `tfds.data_source` wants ArrayRecords. To
    find 60,000 records takes less than 0.1 seconds.
    """
    contents, places = [], []
    for file, expected in zip(files, lengths, strict=True):
        content = _mapped(file)
        found = _positions(content)
        if found is None or len(found) != expected:
            raise UserError(f"{file} is truncated or damaged; remove {file.parent} so that it is prepared again")
        places += [(len(contents), start, start + size) for start, size in found]
        contents.append(content)
    table = np.array(places, np.int64)  # 24 bytes a record, where the tuples take 170

    def record(index: int) -> bytes:
        shard, start, end = table[index].tolist()
        return contents[shard][start:end]

    return record


def _mapped(file: Path) -> mmap.mmap | bytes:
    with open(file, "rb") as opened:
        empty = not file.stat().st_size  # which cannot be mapped
        return b"" if empty else mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def _positions(content: mmap.mmap | bytes) -> list[tuple[int, int]] | None:
    """(start, size) of each record: a 64-bit size, its 32-bit CRC, the data, a 32-bit CRC; None if it does not fit."""
    unpack, total = struct.Struct("<Q").unpack_from, len(content)
    found, position = [], 0
    while position + 16 <= total:
        (size,) = unpack(content, position)
        found.append((position + 12, size))
        position += 16 + size
    return found if position == total else None


def _reader(record: Callable[[int], bytes], count: int, shape: tuple, fit: Fit, labelled: bool, where: str):
    """A `read` by index that decodes serialized examples."""
    from google.protobuf.message import DecodeError
    from tensorflow_datasets.proto import tf_example_pb2

    def parsed(index: int) -> tuple[bytes, int]:
        try:
            features = tf_example_pb2.Example.FromString(record(index)).features.feature
            label = features["label"].int64_list.value[0] if labelled else -1
            return features["image"].bytes_list.value[0], label
        except (DecodeError, IndexError):
            line = f"example {index} of {count} in {where} is damaged; remove their folder to prepare it again"
            raise UserError(line) from None

    def decoded(index: int, encoded: bytes) -> np.ndarray:
        place = f"example {index} of {count} in {where}"
        image = decode(encoded, fit, place)
        if image.shape != shape:
            raise UserError(f"{place} has shape {image.shape} instead of {shape}; give --resolution")
        return image

    def read(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images = np.empty((len(indices), *shape), np.uint8)
        labels = np.empty(len(indices), np.int32)
        for row, index in enumerate(indices.tolist()):
            encoded, labels[row] = parsed(index)
            images[row] = decoded(index, encoded)
        return images, labels

    return read
