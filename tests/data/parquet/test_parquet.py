"""Parquet files: splits by names, columns by the description or by what they hold, and every fault named."""

import json
import os
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gan.data.decoding.fit import Fit
from gan.data.parquet import rows as parquet_rows
from gan.data.parquet.parquet import open_parquet
from gan.data.sources import open_source, open_test
from gan.data.splits import open_splits
from gan.errors import UserError
from tests.data.tfds.tfds_sets import png

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
ENCODED = [png(image) for image in IMAGES]
LABELS = [0, 1, 2, 0, 1, 2]
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
CLASSES = {"_type": "ClassLabel", "names": ["a", "b", "c"]}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def structs(encoded=ENCODED):
    return pa.array([each if each is None else {"bytes": each, "path": "x.png"} for each in encoded], IMAGE)


def table(description=None, **columns):
    """A table; `description` is what Hugging Face's `datasets` writes of its columns."""
    metadata = {b"huggingface": json.dumps({"info": {"features": description}}).encode()} if description else None
    return pa.table(columns).replace_schema_metadata(metadata)


def hugging_face(encoded=ENCODED, labels=LABELS):
    return table({"image": {"_type": "Image"}, "label": CLASSES}, image=structs(encoded), label=labels)


def write(tmp_path, **tables):
    """A folder of files; `__` in a name is a sub-folder, `_` in a split's name a dash."""
    for name, each in tables.items():
        file = tmp_path / "set" / f"{name.replace('__', '/').replace('_', '-')}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(each, file, row_group_size=2)
    return f"parquet:{tmp_path / 'set'}"


def opened(tmp_path, each, **settings):
    return open_source(write(tmp_path, train=each), data_in_memory="false", **settings)


def test_images_and_labels_come_back_by_index_from_all_files(tmp_path):
    first, second = hugging_face().slice(0, 4), hugging_face().slice(4)
    dataset = write(tmp_path, data__train_00000_of_00002=first, data__train_00001_of_00002=second)
    for _ in range(2):  # the second time from the cache
        source = open_source(dataset, data_in_memory="false")
        rows = np.array([5, 0, 4, 5])
        images, labels = source.read(rows)
        assert np.array_equal(images, IMAGES[rows]) and labels.tolist() == [2, 0, 1, 2]
        assert source.class_names == ("a", "b", "c") and source.num_examples == 6 and source.notes == ()
        assert source.sizes == {(8, 8): 6} and source.labels.tolist() == LABELS and not source.passed_over
    held = open_source(dataset, data_in_memory="true")
    assert held.fingerprint == source.fingerprint and np.array_equal(held.read(rows)[0], images)
    images, labels = pickle.loads(pickle.dumps(source.read))(rows)  # as a worker has it
    assert np.array_equal(images, IMAGES[rows]) and labels.tolist() == [2, 0, 1, 2]


LAYOUTS = {
    "hub": ("data__train_00000_of_00001", "data__test_00000_of_00001"),
    "config": ("plain_text__train_00000_of_00001", "plain_text__test_00000_of_00001"),
    "converted": ("default__train__0000", "default__test__0000"),
    "bare": ("mnist_train", "mnist_val"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_splits_are_told_by_the_names_of_files_and_folders(tmp_path, layout):
    train, test = LAYOUTS[layout]
    found = open_splits(write(tmp_path, **{train: hugging_face(), test: hugging_face(ENCODED[:2][::-1], [2, 1])}))
    images, labels = found.test.read(np.arange(2))
    assert np.array_equal(images, IMAGES[:2][::-1]) and labels.tolist() == [2, 1]
    assert found.train.num_examples == 6 and not found.test_is_seen and found.identity != found.fingerprint
    assert "are for tests" in found.train.notes[0]


COLUMNS = {
    "bytes": (table(jpg=pa.array(ENCODED), cls=LABELS), ("0", "1", "2")),
    "large bytes": (table(image=pa.array(ENCODED, pa.large_binary()), label=LABELS), ("0", "1", "2")),
    "fine of two": (
        table({"img": {"_type": "Image"}, "fine_label": CLASSES, "coarse_label": CLASSES},
              img=structs(), fine_label=LABELS, coarse_label=LABELS[::-1]), ("a", "b", "c")),
    "names": (table(image=structs(), label=list("xyzxyz")), ("x", "y", "z")),
    "categories": (table(image=structs(), label=pa.array(list("xyzxyz")).dictionary_encode()), ("x", "y", "z")),
    "floats": (table(image=structs(), label=[float(label) for label in LABELS]), ("0", "1", "2")),
}  # fmt: skip


@pytest.mark.parametrize("columns", COLUMNS)
def test_columns_are_found_by_what_they_hold_and_are_called(tmp_path, columns):
    each, names = COLUMNS[columns]
    source = opened(tmp_path, each)
    images, labels = source.read(np.arange(6))
    assert np.array_equal(images, IMAGES) and labels.tolist() == LABELS and source.class_names == names


def test_labels_that_are_not_used_are_said_and_can_be_left_out(tmp_path):
    each = table(image=structs(), labels=[[0, 1]] * 6)
    assert opened(tmp_path, each).notes == ("no labels: `labels` is list<element: int64>, not one label",)
    source = opened(tmp_path, hugging_face(labels=[0, 1, 7, 0, 1, 2]), labels="none")
    assert source.class_names == () and source.read(np.arange(6))[1].tolist() == [-1] * 6


def test_rows_without_an_image_are_counted_and_those_without_a_label_have_none(tmp_path):
    encoded = [ENCODED[0], None, ENCODED[2], b"", *ENCODED[4:]]
    source = opened(tmp_path, hugging_face(encoded, [0, 1, None, 0, 1, 2]))
    assert source.passed_over == {"rows without the bytes of an image": 2} and source.num_examples == 4
    images, labels = source.read(np.arange(4))
    assert np.array_equal(images, IMAGES[[0, 2, 4, 5]]) and labels.tolist() == [0, -1, 1, 2]


def test_classes_of_tests_are_those_of_training(tmp_path):
    some = table(image=structs(ENCODED[:2]), label=["z", "x"])
    dataset = write(tmp_path, train=table(image=structs(), label=list("xyzxyz")), test=some)
    found = open_test(dataset)
    assert found.class_names == ("x", "y", "z") and found.read(np.arange(2))[1].tolist() == [2, 0]


FAULTS = {
    "damaged image": (
        hugging_face([ENCODED[0], ENCODED[1][:60], *ENCODED[2:]]),
        r"row 1 of .*train\.parquet cannot be read",
    ),
    "sizes": (hugging_face([ENCODED[0], png(IMAGES[0][:4]), *ENCODED[2:]]), r"row 1 of .* is 8x4 .*--resolution"),
    "channels": (hugging_face([ENCODED[0], png(IMAGES[0][..., :1]), *ENCODED[2:]]), r"is grey .*--channels=1"),
    "beyond": (
        hugging_face(labels=[0, 1, 7, 0, 1, 2]),
        r"`label` of .* has 7 for image 2, .* 3 class names",
    ),
    "paths only": (table(image=pa.array([{"bytes": None, "path": "a"}], IMAGE)), r"no image in its column `image`"),
    "two columns": (table(left=structs(), right=structs()), r"several columns of images \(left, right\)"),
    "texts": (table(text=["a"], label=[1]), r"no column of encoded images \(all columns: text string, label int64\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_one_line_that_names_the_row_or_the_file(tmp_path, fault):
    each, pattern = FAULTS[fault]
    with pytest.raises(UserError, match=pattern) as caught:
        opened(tmp_path, each)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 5, -20])
def test_damaged_files_are_named(tmp_path, keep):
    dataset = write(tmp_path, train=hugging_face())
    file = tmp_path / "set" / "train.parquet"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"train\.parquet cannot be read as a Parquet file"):
        open_source(dataset)


def test_folders_that_are_not_one_set_are_refused_with_the_way_out(tmp_path):
    each = hugging_face()
    two = write(tmp_path, small__train=each, large__train=each)
    with pytest.raises(UserError, match=r"several data sets, in large, small; .*--dataset=parquet:.*/large"):
        open_source(two)
    assert open_source(f"{two}/small").num_examples == 6
    part = write(tmp_path / "b", train_00000_of_00002=each)
    with pytest.raises(UserError, match=r"1 of 2 files of train: number 00001 is missing"):
        open_source(part)
    (alone,) = open_source(f"{part}/train-00000-of-00002.parquet").doubts
    assert alone == "the file is one of 2; give the folder for all"
    for path, pattern in ((tmp_path / "nothing", r"is not there"), (tmp_path, r"several data sets")):
        with pytest.raises(UserError, match=pattern):
            open_parquet(str(path))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"has no \.parquet files"):
        open_parquet(str(empty))


def test_without_a_place_for_the_copy_it_is_held_in_memory(tmp_path, monkeypatch):
    dataset = write(tmp_path, train=hugging_face())
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    source = open_source(dataset, data_in_memory="false")
    assert np.array_equal(source.read(np.arange(6))[0], IMAGES)
    assert source.task is None  # each process would hold all of it
    monkeypatch.setattr(parquet_rows.memory, "available_bytes", lambda: 0)
    with pytest.raises(UserError, match=r"GiB in the cache: .*XDG_CACHE_HOME"):
        open_source(dataset, data_in_memory="false")


def test_damage_to_the_labels_is_one_line(tmp_path):
    dataset, refused = write(tmp_path, train=hugging_face()), 0
    (file,) = (tmp_path / "set").glob("*.parquet")
    whole, column = file.read_bytes(), pq.ParquetFile(file).metadata.row_group(0).column(2)
    start = column.dictionary_page_offset or column.data_page_offset
    open_source(dataset)
    for place in range(start, start + column.total_compressed_size):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            open_source(dataset)
        except UserError as error:
            assert "\n" not in str(error)
            refused += "cannot be read as a Parquet file" in str(error)
    assert refused


@pytest.mark.parametrize("left", [0, 100, 0.5, 0.99])
def test_a_copy_that_was_damaged_is_made_again(tmp_path, left):
    opened(tmp_path, hugging_face())
    (copy,) = (tmp_path / "cache" / "gan-engine").glob("*.arrow")
    os.truncate(copy, left if isinstance(left, int) else int(left * copy.stat().st_size))
    source = open_source(f"parquet:{tmp_path / 'set'}", data_in_memory="false")
    assert np.array_equal(source.read(np.arange(6))[0], IMAGES)


def test_a_reading_that_ends_early_leaves_nothing_in_the_cache(tmp_path):
    with pytest.raises(UserError):
        opened(tmp_path, hugging_face([*ENCODED[:5], b"x"]))
    assert os.listdir(tmp_path / "cache" / "gan-engine") == []


def test_parts_at_places_are_cut_from_the_whole(tmp_path):
    wide = np.tile(np.arange(12, dtype=np.uint8)[:, None] * 20, (6, 1, 3))
    write(tmp_path, train=table(image=structs([png(wide)])))
    source = open_parquet(str(tmp_path / "set"), Fit(6, crop="random"))
    assert source.has_places and source.read(np.array([0]), np.array([0.0]))[0][0, 0, :, 0].tolist() == [
        0,
        20,
        40,
        60,
        80,
        100,
    ]
    assert np.array_equal(source.whole(np.array([0]))()[0][0], wide)
