"""Parquet files as hubs have them: columns of any type, descriptions that are none, images that are none."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.data.tfds.tfds_sets import png
from tests.fuzz import Kind, arrays
from tests.fuzz.damage import BYTES, WITHIN, as_text, bytes_broken, json_broken

_DESCRIPTION = {
    "info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["a", "b", "c"]}}}
}
_IMAGES = [png(image) for image in np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)]
_LABELS = {
    "good": [0, 1, 2, 0, 1, 2],
    "beyond": [0, 1, 2, 0, 1, 7],
    "none": [None] * 6,
    "text": list("abcabc"),
    "float": [0.5] * 6,
    "huge": [2**62] * 6,
    "lists": [[0, 1]] * 6,
    "dates": pa.array([0] * 6, pa.timestamp("s")),
}
_COLUMNS = {
    "structs": lambda images: pa.array([{"bytes": each, "path": "../../x.png"} for each in images]),
    "bytes": pa.array,
    "paths": lambda images: pa.array(["/etc/passwd"] * len(images)),
    "numbers": lambda images: pa.array(range(len(images))),
    "some": lambda images: pa.array([{"bytes": None, "path": "/etc/passwd"}, {"bytes": images[1]}] * 3),
}


def write(folder: Path, case: dict) -> None:
    images = [bytes_broken(_IMAGES[0], case["image"]), *_IMAGES[1:]]
    metadata = {b"huggingface": as_text(json_broken(_DESCRIPTION, case["description"])).encode()}
    made = pa.table({"image": _COLUMNS[case["column"]](images), "label": _LABELS[case["label"]]})
    pq.write_table(made.replace_schema_metadata(metadata), folder / "set.parquet")
    path = folder / "set.parquet"
    path.write_bytes(bytes_broken(path.read_bytes(), case["edits"]))


def use(folder: Path, case: dict) -> None:
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as cache:  # where images are copied to
        os.environ["XDG_CACHE_HOME"] = cache
        try:
            arrays.read(folder, f"parquet:{folder / 'set.parquet'}")
        finally:
            os.environ.pop("XDG_CACHE_HOME")
            os.environ |= {"XDG_CACHE_HOME": before} if before else {}


_WHOLE = st.just([])
PARQUET = Kind(
    "parquet",
    st.fixed_dictionaries(
        {
            "column": st.just("structs") | st.sampled_from(sorted(_COLUMNS)),
            "label": st.just("good") | st.sampled_from(sorted(_LABELS)),
            "description": _WHOLE | WITHIN,
            "image": _WHOLE | BYTES,
            "edits": _WHOLE | BYTES,
        }
    ),
    write,
    use,
    share=2,
)
