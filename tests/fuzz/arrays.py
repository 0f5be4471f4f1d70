"""NumPy archives as people and as others make them: any type, any shape, any header, and programs in them."""

import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from gan import config as configs
from gan.data.sources import open_source
from gan.jobs import accounts
from tests.fuzz import Kind, Mark
from tests.fuzz.damage import BYTES, bytes_broken

_GOOD = st.sampled_from([(6, 8, 8), (6, 8, 8, 1), (6, 8, 8, 3), (6, 3, 8, 8), (6, 8, 8, 4)])
_SHAPES = st.one_of(
    _GOOD,
    _GOOD,
    st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 8]), max_size=5).map(tuple),
    st.sampled_from([(6, 64), (1, 8, 8), (8, 8), (6, 192), (8, 8, 3)]),
)
_TYPES = st.just("u1") | st.sampled_from(
    [
        "u1",
        "u1",
        "<u2",
        ">u2",
        ">f4",
        "<f8",
        "f2",
        "?",
        "<i8",
        ">i4",
        "<c8",
        "S3",
        "<U2",
        "<M8[s]",
        "O",
        "V4",
        "i1",
        "u1,u1",
    ]
)
_VALUES = st.sampled_from(["noise", "zero", "nan", "inf", "high", "negative"])
_ORDERS = st.sampled_from("CF")
_LABELS = st.just("good") | st.sampled_from(
    ["none", "few", "float", "nan", "text", "negative", "objects", "2d", "huge", "names"]
)
_NAMES = st.just("images") | st.sampled_from(
    ["x_train", "arr_0", "data", "../images", "/tmp/images", "images.npy", "a/b", ""]
)
_HEADERS = st.sampled_from(
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (65535, 65535, 65535)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775807, 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6, -8, 8)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (6, 8, 8)}",
        "{'descr': '|u1', 'fortran_order': 'x', 'shape': [6, 8, 8]}",
        "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (6,)}",
        "__import__('os').mkdir('executed')",
        "{'descr': '|u1'}",
        "(" * 3000,
        "",
    ]
)


def read(folder: Path, dataset: str) -> None:
    """What commands do with a set of images before they use it; all of it is read."""
    config = configs.make("article_corrected", dataset=dataset)
    for memory in ("true", "false"):
        source = open_source(dataset, data_in_memory=memory, data_workers=1)
        accounts.made(config, source)
        images, labels = source.read(np.arange(min(source.num_examples, 50)))
        assert images.dtype == np.uint8 and images.shape[1:] == tuple(source.image_shape)
        assert len(labels) == len(images) and labels.max() < max(source.num_classes, 1)


def _array(shape: tuple, kind: str, values: str, order: str, folder: Path) -> np.ndarray:
    """An array of this form; one of objects holds a program."""
    if kind == "O":
        filled = np.empty(shape, object)
        filled.fill(Mark(folder))
        return filled
    numbers = np.random.default_rng(0).integers(0, 256, shape)
    made = np.zeros(shape, kind) if np.dtype(kind).kind in "SUMV" else numbers.astype(kind)
    if made.size and made.dtype.kind in "fiu":
        odd = {"nan": np.nan, "inf": np.inf, "high": 60000, "negative": -7}.get(values, 0)
        fits = made.dtype.kind == "f" or (
            np.isfinite(odd) and np.iinfo(made.dtype).min <= odd <= np.iinfo(made.dtype).max
        )
        if values != "noise" and fits:
            made.flat[-1] = odd
    return np.asarray(made, order=order)


def _labels(what: str, count: int, folder: Path) -> dict[str, np.ndarray]:
    """Arrays of labels by name."""
    whole = np.arange(count) % 3
    made = {
        "good": whole, "few": whole[:-1], "float": whole / 2, "nan": whole * np.nan, "negative": whole - 1,
        "text": whole.astype("<U2"), "objects": np.array([Mark(folder)] * count, object), "2d": whole[:, None],
        "huge": whole + 2**62, "names": whole,
    }  # fmt: skip
    names = {"class_names": np.array([Mark(folder), "b"], object)} if what == "names" else {}
    return {"labels": made[what], **names} if what in made else {}


def write(folder: Path, case: dict) -> None:
    path = folder / "set.npz"
    if "header" in case:
        text = case["header"].encode()
        header = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text
        members = {"images.npy": header + bytes(384)}
    elif "raw" in case:
        path.write_bytes({"pickle": pickle.dumps(Mark(folder)), "text": b"images", "empty": b""}[case["raw"]])
        return
    else:
        array = _array(case["shape"], case["type"], case["values"], case["order"], folder)
        count = array.shape[0] if array.ndim else 0
        members = {f"{case['name']}.npy": _npy(array)}
        members |= {f"{name}.npy": _npy(each) for name, each in _labels(case["labels"], count, folder).items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if case.get("packed") else zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    path.write_bytes(bytes_broken(path.read_bytes(), case.get("edits", [])))


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


ARRAYS = Kind(
    "npz",
    st.one_of(
        st.fixed_dictionaries(
            {"shape": _SHAPES, "type": _TYPES, "values": _VALUES, "order": _ORDERS, "labels": _LABELS, "name": _NAMES},
            optional={"packed": st.booleans(), "edits": st.just([]) | BYTES},
        ),
        st.fixed_dictionaries({"header": _HEADERS}, optional={"packed": st.booleans()}),
        st.fixed_dictionaries({"raw": st.sampled_from(["pickle", "text", "empty"])}),
    ),
    write,
    lambda folder, case: read(folder, f"npz:{folder / 'set.npz'}"),
    share=4,
)
