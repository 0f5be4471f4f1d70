"""tfds data sets: prepared folders made by hand, their faults, and the real Fashion-MNIST where it is at hand."""

import hashlib
import io
import json
import os
import struct

import numpy as np
import pytest
from PIL import Image

from gan.data import download, prepared, tfds
from gan.data.memory import loaded
from gan.data.sources import open_source, open_test
from gan.data.splits import open_splits
from gan.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 6, 6, 1), dtype=np.uint8)


def png(image) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def record(image: bytes, label: int) -> bytes:
    from tensorflow_datasets.proto import tf_example_pb2

    example = tf_example_pb2.Example()
    example.features.feature["image"].bytes_list.value.append(image)
    example.features.feature["label"].int64_list.value.append(label)
    content = example.SerializeToString()
    return struct.pack("<QI", len(content), 0) + content + bytes(4)


def prepare(root, name="toys", images=IMAGES, sizes=("6", "6", "1"), shards=(4, 3), version="1.0.0", key="image"):
    """A prepared data set of two shards, as tfds leaves it."""
    folder = root / name / version
    folder.mkdir(parents=True)
    split = {"name": "train", "numBytes": "1", "shardLengths": [str(shard) for shard in shards],
             "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"}  # fmt: skip
    info = {"name": name, "version": version, "fileFormat": "tfrecord", "splits": [split]}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    package = "tensorflow_datasets.core.features."
    image = {"pythonClassName": package + "image_feature.Image",
             "image": {"dtype": "uint8", "shape": {"dimensions": list(sizes)}}}  # fmt: skip
    label = {"pythonClassName": package + "class_label_feature.ClassLabel", "classLabel": {"numClasses": "3"}}
    features = {"pythonClassName": package + "features_dict.FeaturesDict",
                "featuresDict": {"features": {key: image, "label": label}}}  # fmt: skip
    (folder / "features.json").write_text(json.dumps(features))
    (folder / "label.labels.txt").write_text("ball\ncar\ndoll\n")
    start = 0
    for shard, count in enumerate(shards):
        rows = range(start, start + count)
        content = b"".join(record(png(images[row]), row % 3) for row in rows)
        (folder / f"{name}-train.tfrecord-{shard:05}-of-{len(shards):05}").write_bytes(content)
        start += count
    return folder


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(download, "_answers", lambda url: False)


def test_images_and_labels_come_back_in_the_order_of_the_shards(tmp_path):
    prepare(tmp_path)
    source = open_source("tfds:toys", data_dir=str(tmp_path), data_in_memory="false")
    rows = np.array([6, 0, 4, 4])
    images, labels = source.read(rows)
    assert np.array_equal(images, IMAGES[rows]) and labels.tolist() == [0, 0, 1, 1]
    assert source.class_names == ("ball", "car", "doll") and source.num_examples == 7
    assert source.read(np.arange(0))[0].shape == (0, 6, 6, 1)


def test_in_memory_from_the_cache_and_read_by_index_are_the_same_bits(tmp_path):
    prepare(tmp_path)
    modes = ("true", "true", "false")  # the second from the cache
    sources = [
        open_source("tfds:toys", data_dir=str(tmp_path), resolution=4, channels=3, data_in_memory=mode)
        for mode in modes
    ]
    rows = np.random.default_rng(1).permutation(7)
    for source in sources:
        assert source.fingerprint == sources[0].fingerprint
        for one, other in zip(source.read(rows), sources[0].read(rows), strict=True):
            assert np.array_equal(one, other) and one.dtype == other.dtype
    assert len(list((tmp_path / "cache" / "gan-engine").iterdir())) == 1


def add_test_split(folder, name="test"):
    """Gives a prepared data set another split of two images."""
    path = folder / "dataset_info.json"
    info = json.loads(path.read_text())
    info["splits"].append({**info["splits"][0], "name": name, "shardLengths": ["2"]})
    path.write_text(json.dumps(info))
    content = b"".join(record(png(255 - IMAGES[row]), 2) for row in range(2))
    (folder / f"toys-{name}.tfrecord-00000-of-00001").write_bytes(content)


@pytest.mark.parametrize("name", tfds.TEST)
def test_a_test_split_is_found_and_leaves_the_training_data_as_they_were(tmp_path, name):
    folder = prepare(tmp_path)
    before = open_source("tfds:toys", data_dir=str(tmp_path))
    assert open_test("tfds:toys", data_dir=str(tmp_path)) is None
    add_test_split(folder, name)
    found = open_splits("tfds:toys", data_dir=str(tmp_path))
    images, labels = loaded(found.test)
    assert np.array_equal(images, 255 - IMAGES[:2]) and labels.tolist() == [2, 2]
    assert np.array_equal(loaded(found.train)[0], IMAGES)
    assert found.train.fingerprint == before.fingerprint == found.fingerprint != found.test.fingerprint
    assert found.test.class_names == before.class_names and not found.test_is_seen


def test_the_newest_version_is_taken_and_interrupted_downloads_are_not(tmp_path):
    prepare(tmp_path, version="1.9.0")
    newest = prepare(tmp_path, version="1.10.0")
    unfinished = tmp_path / "toys" / "incomplete.ABC_2.0.0"
    unfinished.mkdir()
    (unfinished / "dataset_info.json").write_text("{")
    assert prepared.prepared_folder("toys", tmp_path) == newest
    assert prepared.prepared_folder("toys:1.9.0", tmp_path).name == "1.9.0"
    with pytest.raises(UserError, match=r"no version 3\.0\.0 \(it has 1\.9\.0, 1\.10\.0\); write tfds:toys:1\.10\.0"):
        prepared.prepared_folder("toys:3.0.0", tmp_path)


def test_configs_are_found_and_must_be_named_where_there_are_several(tmp_path):
    prepare(tmp_path / "toys", name="small")
    assert prepared.prepared_folder("toys", tmp_path) == tmp_path / "toys" / "small" / "1.0.0"
    prepare(tmp_path / "toys", name="large")
    assert prepared.prepared_folder("toys/large", tmp_path) == tmp_path / "toys" / "large" / "1.0.0"
    with pytest.raises(UserError, match=r"several configs.*large, small"):
        prepared.prepared_folder("toys", tmp_path)


def test_the_data_folder_is_the_flag_then_the_environment_then_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", "/b")
    assert [str(prepared.prepared_root(given)) for given in ("/a", "")] == ["/a", "/b"]
    monkeypatch.delenv("TFDS_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert prepared.prepared_root("") == tmp_path / "tensorflow_datasets"


def cut(folder):
    file = folder / "toys-train.tfrecord-00001-of-00002"
    file.write_bytes(file.read_bytes()[:-9])
    return r"00001-of-00002 is truncated"


def add_bytes(folder):
    with open(folder / "toys-train.tfrecord-00001-of-00002", "ab") as file:
        file.write(bytes(9))
    return r"00001-of-00002 is truncated or damaged"


def grow_a_record(folder):
    file = folder / "toys-train.tfrecord-00001-of-00002"
    file.write_bytes(b"\xff" * 8 + file.read_bytes()[8:])
    return r"00001-of-00002 is truncated or damaged"


def lose_a_shard(folder):
    (folder / "toys-train.tfrecord-00000-of-00002").unlink()
    return r"00000-of-00002 is missing"


def empty_a_shard(folder):
    (folder / "toys-train.tfrecord-00000-of-00002").write_bytes(b"")
    return r"00000-of-00002 is truncated"


def spoil_an_image(folder):
    file = folder / "toys-train.tfrecord-00000-of-00002"
    file.write_bytes(file.read_bytes().replace(b"\x89PNG", b"\x89POG"))
    return r"example 0 of 7 .*cannot be read as an image"


def spoil_a_label(folder):
    file = folder / "toys-train.tfrecord-00000-of-00002"
    file.write_bytes(file.read_bytes().replace(b"label", b"lapel"))
    return r"example 0 of 7 .* is damaged"


def spoil_the_description(folder):
    (folder / "dataset_info.json").write_text("{")
    return r"1\.0\.0 is damaged"


DAMAGES = [cut, add_bytes, grow_a_record, lose_a_shard, empty_a_shard, spoil_an_image, spoil_a_label]


@pytest.mark.parametrize("damage", [*DAMAGES, spoil_the_description])
def test_damage_is_one_line_with_the_file(tmp_path, damage):
    pattern = damage(prepare(tmp_path))
    with pytest.raises(UserError, match=pattern) as caught:
        open_source("tfds:toys", data_dir=str(tmp_path))
    assert "\n" not in str(caught.value)


def test_sets_without_images_or_of_mixed_sizes_are_refused(tmp_path):
    prepare(tmp_path, name="mixed", sizes=("-1", "-1", "1"))
    with pytest.raises(UserError, match=r"different sizes.*--resolution"):
        open_source("tfds:mixed", data_dir=str(tmp_path))
    source = open_source("tfds:mixed", data_dir=str(tmp_path), resolution=4)
    assert source.read(np.arange(7))[0].shape == (7, 4, 4, 1)


def test_an_explicit_name_never_falls_back(tmp_path, no_network):
    for name in ("fashion_mnist", "tfds:fashion_mnist"):
        with pytest.raises(UserError, match=r"fashion_mnist is not prepared in .*network does not answer"):
            open_source(name, data_dir=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_auto_falls_back_with_a_warning_that_is_recorded(tmp_path, no_network, capsys):
    source = open_source("auto", data_dir=str(tmp_path), data_in_memory="false")
    assert source.name == "garments"
    assert any("Fashion-MNIST could not be had" in note and "network" in note for note in source.notes)
    assert "NOT THE REAL DATA" in capsys.readouterr().err


def test_auto_does_not_hide_damaged_data(tmp_path, no_network):
    folder = prepare(tmp_path, name="fashion_mnist")
    (folder / "dataset_info.json").write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        open_source("auto", data_dir=str(tmp_path))


def test_a_refused_download_leaves_the_folders_of_others_alone(tmp_path, monkeypatch):
    fresh, abandoned = (tmp_path / "fashion_mnist" / name for name in ("incomplete.B_3.0.1", "incomplete.A_3.0.1"))
    fresh.mkdir(parents=True)
    abandoned.mkdir()
    os.utime(abandoned, (0, 0))

    def interrupted(arguments, limit):
        (tmp_path / "fashion_mnist" / "incomplete.C_3.0.1").mkdir()
        return {"error": "the download made no progress"}

    monkeypatch.setattr(download, "_answers", lambda url: True)
    monkeypatch.setattr(download, "_run", interrupted)
    with pytest.raises(UserError, match="made no progress"):
        open_source("fashion_mnist", data_dir=str(tmp_path))
    assert list((tmp_path / "fashion_mnist").iterdir()) == [fresh]


def test_an_unknown_name_gets_close_matches_before_any_download(tmp_path, no_network, monkeypatch):
    monkeypatch.setattr(download, "CHECK_SECONDS", 120.0)
    with pytest.raises(UserError, match=r"tfds:fashion_mnits is not .*; tfds .* did you mean fashion_mnist\?"):
        open_source("tfds:fashion_mnits", data_dir=str(tmp_path))


@pytest.mark.parametrize("name", ["tfds:../x", "tfds:A b", "tfds:x/", "fashion_mnist:1", "tfds", "folder:", "pictures"])
def test_names_that_cannot_be_are_refused(tmp_path, name):
    with pytest.raises(UserError, match=f"--dataset={name}"):
        open_source(name, data_dir=str(tmp_path))


REAL = os.environ.get("TFDS_DATA_DIR", "")


@pytest.mark.skipif(not os.path.isdir(os.path.join(REAL, "fashion_mnist")), reason="Fashion-MNIST is not prepared")
def test_the_real_images_are_those_everyone_knows(tmp_path):
    source = open_source("auto", data_in_memory="false")
    assert source.name == "fashion_mnist" and source.num_examples == 60_000 and source.notes == ()
    assert source.class_names[:2] == ("T-shirt/top", "Trouser") and source.image_shape == (28, 28, 1)
    rows = np.arange(0, 60_000, 60)
    images, labels = source.read(rows)
    assert np.bincount(labels, minlength=10).min() > 60 and abs(images.mean() - 72.94) < 2
    # Old runs continue on the same pixels: `tfds.DECODER` would have to tell of others.
    assert (
        hashlib.sha256(images.tobytes()).hexdigest()
        == "2520584f3eb541eeed4d09326256fa48daa3014cf4d581c266a6a4c3b094d1e4"
    )
