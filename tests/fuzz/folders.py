"""Folders and zip files of images, with what else there may be in them, and labels beside."""

import io
import json
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from gan import config as configs
from gan.data.sources import open_source
from gan.jobs import accounts
from tests.fuzz import Kind
from tests.fuzz.damage import BYTES, JSON, ODD_TEXTS, as_text, bytes_broken

_FORMATS = st.sampled_from(["png", "jpg", "gif", "bmp", "webp", "tif"])
_MODES = st.sampled_from(["L", "RGB", "RGBA", "P", "1", "CMYK", "I;16"])
_SIDES = st.sampled_from([1, 4, 8, 9])
_FILES = st.one_of(
    st.fixed_dictionaries(
        {"format": _FORMATS, "mode": _MODES, "size": st.tuples(_SIDES, _SIDES)}, optional={"edits": BYTES}
    ),
    st.fixed_dictionaries({"claims": st.sampled_from([(65535, 65535), (0, 8), (2**31 - 1, 1), (20000, 20000)])}),
    st.fixed_dictionaries(
        {"text": st.binary(max_size=40), "suffix": st.sampled_from(["png", "txt", "jpg", "zip", ""])}
    ),
)
_NAMES = st.sampled_from(["a", "b/c", "train/x", "test/y", ".hidden", "Größe/ä", "@eaDir/q", "d" * 120, "a\nb", "-x"])
_BEYOND = st.sampled_from(["../evil.png", "/tmp/evil-fuzz.png", "a/../../evil.png", "C:\\evil.png", "x/\0.png", ""])
_LABELS = st.one_of(
    st.none(),
    st.tuples(st.just("json"), st.one_of(JSON, st.fixed_dictionaries({"labels": JSON}))),
    st.tuples(st.just("csv"), st.lists(st.tuples(ODD_TEXTS, ODD_TEXTS), max_size=4)),
)


def _image(case: dict) -> tuple[str, bytes]:
    """(suffix, bytes) of a file."""
    if "text" in case:
        return case["suffix"], case["text"]
    if "claims" in case:
        return "png", _png(*case["claims"])
    width, height = case["size"]
    noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    try:
        Image.fromarray(noise).convert(case["mode"]).save(
            buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(*[case["format"]] * 2)
        )
    except (OSError, ValueError):  # a mode that the format does not have
        Image.fromarray(noise).save(buffer, "PNG")
    return case["format"], bytes_broken(buffer.getvalue(), case.get("edits", []))


def _png(width: int, height: int) -> bytes:
    """A PNG file that says that it has so many pixels, and holds few."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def write(folder: Path, case: dict) -> None:
    files = {}
    for number, (name, each) in enumerate(case["files"]):
        suffix, data = _image(each)
        files[f"{name}{number}.{suffix}"] = data
    if case["labels"] and case["labels"][0] == "json":
        files["dataset.json"] = as_text(case["labels"][1]).encode()
    elif case["labels"]:
        rows = [f"{name},{label}" for name, label in case["labels"][1]]
        files["labels.csv"] = "\n".join(["file,label", *rows, "a0.png,cat"]).encode()
    if case["zipped"]:
        with zipfile.ZipFile(folder / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in {**files, **dict.fromkeys(case["beyond"], b"x")}.items():
                archive.writestr(zipfile.ZipInfo(name) if name else "empty/", data)
        return
    (folder / "set").mkdir()
    for name, data in files.items():
        path = folder / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for number, target in enumerate(case["beyond"]):
        if target and "\0" not in target:
            os.symlink(target, folder / "set" / f"link{number}.png")


def use(folder: Path, case: dict) -> None:
    place = folder / ("set.zip" if case["zipped"] else "set")
    beside = {"json": "dataset.json", "csv": "labels.csv"}
    labels = "auto"
    if case["labels"] and not case["zipped"]:
        labels = str(folder / "set" / beside[case["labels"][0]])
    dataset = f"folder:{place}"
    config = configs.make("article_corrected", dataset=dataset, labels=labels)
    source = open_source(dataset, labels=labels, resolution=case["resolution"], data_workers=1, data_in_memory="true")
    accounts.made(config, source)
    images, found = source.read(np.arange(source.num_examples))
    assert images.dtype == np.uint8 and images.shape[1:] == tuple(source.image_shape)
    assert len(found) == len(images) and json.dumps(source.class_names)


FOLDERS = Kind(
    "folders and zip files",
    st.fixed_dictionaries(
        {
            "files": st.lists(st.tuples(_NAMES, _FILES), max_size=5),
            "labels": _LABELS,
            "zipped": st.booleans(),
            "beyond": st.lists(_BEYOND, max_size=2),
            "resolution": st.sampled_from([0, 8]),
        }
    ),
    write,
    use,
    share=4,
)
