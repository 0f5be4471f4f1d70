"""Prepared tfds folders that lie: shard lengths, features, records, names of classes that would be imported."""

import functools
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from gan.data.tfds import tfds
from tests.data.tfds import tfds_sets as sets
from tests.fuzz import MARKER, Kind
from tests.fuzz.damage import BYTES, WITHIN, as_text, bytes_broken, json_broken

_FOREIGN = "fuzz_program"  # a module in the folder: whoever imports it runs it


@functools.cache
def _template() -> Path:
    import tensorflow_datasets

    kinds = tensorflow_datasets.features
    features = {"image": kinds.Image(shape=(8, 8, 1)), "label": kinds.ClassLabel(names=["a", "b"])}
    rows = [{"image": np.full((8, 8, 1), 20 * i, np.uint8), "label": i % 2} for i in range(6)]
    return sets.write_set(Path(tempfile.mkdtemp(prefix="gan-fuzz-")), features, {"train": rows, "test": rows[:2]})


def write(folder: Path, case: tuple[str, object]) -> None:
    what, edits = case
    place = Path(shutil.copytree(_template(), folder / "toys/1.0.0"))
    if what == "shards":
        info = json.loads((place / "dataset_info.json").read_text())
        info["splits"][0]["shardLengths"] = edits
        (place / "dataset_info.json").write_text(json.dumps(info))
    elif what == "foreign":
        (folder / f"{_FOREIGN}.py").write_text(f"import os\nos.mkdir({str(folder / MARKER)!r})\n")
        text = (place / "features.json").read_text()
        name = "tensorflow_datasets.core.features.image_feature.Image"
        (place / "features.json").write_text(text.replace(name, f"{_FOREIGN}.Image"))
    elif what == "records":
        file = place / "toys-train.tfrecord-00000-of-00001"
        file.write_bytes(bytes_broken(file.read_bytes(), edits))
    elif what.endswith(".bytes"):
        file = place / what.removesuffix(".bytes")
        file.write_bytes(bytes_broken(file.read_bytes(), edits))
    else:
        content = json.loads((place / what).read_text())
        (place / what).write_text(as_text(json_broken(content, edits)))


def use(folder: Path, case: object) -> None:
    import sys

    sys.path.insert(0, str(folder))
    sys.modules.pop(_FOREIGN, None)
    try:
        place = folder / "toys/1.0.0"
        tfds.test_split(place)
        source = tfds.open_prepared(place, "toys")
        images, labels = source.read(np.arange(source.num_examples))
    finally:
        sys.path.remove(str(folder))
    assert images.dtype == np.uint8 and labels.max() < max(source.num_classes, 1)


TFDS = Kind(
    "tfds folders",
    st.one_of(
        st.tuples(st.sampled_from(["dataset_info.json", "features.json"]), WITHIN),
        st.tuples(st.sampled_from(["dataset_info.json.bytes", "features.json.bytes", "records"]), BYTES),
        st.tuples(
            st.just("shards"),
            st.sampled_from([["5"], ["7"], ["0"], ["-1"], ["3", "3"], [], ["x"], ["99999999999999999999"], ["6", "0"]]),
        ),
        st.tuples(st.just("foreign"), st.just([])),
    ),
    write,
    use,
    share=2,
)
