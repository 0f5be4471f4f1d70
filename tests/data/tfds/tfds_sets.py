"""Prepared tfds data sets as tfds leaves them, made without TensorFlow: any features, any examples."""

import io
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Examples = Sequence[Mapping[str, Any]]


def png(image: np.ndarray) -> bytes:
    """A PNG of an image [H, W, C]."""
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def record(example: Mapping[str, Any]) -> bytes:
    """An example in a TFRecord: images and texts are bytes, all other values whole numbers or lists of them."""
    from tensorflow_datasets.proto import tf_example_pb2

    message = tf_example_pb2.Example()
    for key, value in example.items():
        if isinstance(value, np.ndarray):
            value = png(value)
        feature = message.features.feature[key]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        else:
            feature.int64_list.value.extend(value if isinstance(value, list) else [value])
    content = message.SerializeToString()
    return struct.pack("<QI", len(content), 0) + content + bytes(4)


def write_set(
    root: Path,
    features: Mapping[str, Any],
    splits: Mapping[str, Examples],
    name: str = "toys",
    version: str = "1.0.0",
    config: str = "",
    supervised: tuple[str, str] | None = None,
) -> Path:
    """Writes root/name[/config]/version: `features` are those of tfds by name, `splits` the examples by split."""
    import tensorflow_datasets as tfds

    folder = root / name / config / version
    folder.mkdir(parents=True)
    tfds.features.FeaturesDict(features).save_config(folder)
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    described = [
        {"name": split, "numBytes": "1", "shardLengths": [str(len(rows))], "filepathTemplate": template}
        for split, rows in splits.items()
    ]
    info = {"name": name, "version": version, "fileFormat": "tfrecord", "splits": described}
    info |= {"configName": config} if config else {}
    if supervised:
        info["supervisedKeys"] = {"tuple": {"items": [{"featureKey": key} for key in supervised]}}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    for split, rows in splits.items():
        content = b"".join(map(record, rows))
        (folder / f"{name}-{split}.tfrecord-00000-of-00001").write_bytes(content)
    return folder
