"""tfds data sets: prepared folders made by hand, their faults, and the real Fashion-MNIST where it is at hand."""

import hashlib
import json
import os
import pickle

import numpy as np
import pytest

from gan.data.memory import loaded
from gan.data.sources import open_source, open_test
from gan.data.splits import open_splits
from gan.data.tfds import download, prepared, tfds
from gan.errors import UserError
from tests.data.tfds.tfds_sets import png, record, write_set

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 6, 6, 1), dtype=np.uint8)


def prepare(root, name="toys", images=IMAGES, sizes=("6", "6", "1"), shards=(4, 3), version="1.0.0"):
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
                "featuresDict": {"features": {"image": image, "label": label}}}  # fmt: skip
    (folder / "features.json").write_text(json.dumps(features))
    (folder / "label.labels.txt").write_text("ball\ncar\ndoll\n")
    start = 0
    for shard, count in enumerate(shards):
        rows = range(start, start + count)
        content = b"".join(record({"image": png(images[row]), "label": row % 3}) for row in rows)
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
    content = b"".join(record({"image": png(255 - IMAGES[row]), "label": 2}) for row in range(2))
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


def opened(root, features, split="train", supervised=None, images=IMAGES, key="image", settings=None, **columns):
    """A set of the features of tfds in `features` beside the images, with these values in its columns."""
    import tensorflow_datasets as tfds

    rows = [{key: image, **{name: value[i] for name, value in columns.items()}} for i, image in enumerate(images)]
    image = tfds.features.Image(shape=(6, 6, 1))
    write_set(root, {key: image, **features(tfds.features)}, {split: rows}, supervised=supervised)
    return open_source("tfds:toys", data_dir=str(root), data_in_memory="false", **(settings or {}))


NUMBERS = [0, 5, 9, 0, 5, 9, 0]
NAMED = [2, 0, 1, 2, 0, 1, 0]
FEATURES = {
    "another name": (
        lambda f: {"labels": f.ClassLabel(names=["a", "b", "c"])},
        {"labels": NAMED},
        NAMED,
        ("a", "b", "c"),
    ),
    "any name": (lambda f: {"sort": f.ClassLabel(names=["a", "b", "c"])}, {"sort": NAMED}, NAMED, ("a", "b", "c")),
    "numbers": (lambda f: {"label": f.Scalar(np.int64)}, {"label": NUMBERS}, NUMBERS, tuple("0123456789")),
    "names": (
        lambda f: {"label": f.Text()},
        {"label": [b"c", b"a", b"b", b"c", b"a", b"b", b"a"]},
        NAMED,
        ("a", "b", "c"),
    ),
    "numbers of classes": (lambda f: {"label": f.ClassLabel(num_classes=4)}, {"label": NAMED}, NAMED, tuple("0123")),
}


@pytest.mark.parametrize("kind", FEATURES)
def test_labels_of_other_features_are_used(tmp_path, kind):
    features, columns, labels, names = FEATURES[kind]
    source = opened(tmp_path, features, **columns)
    images, found = source.read(np.arange(7))
    assert np.array_equal(images, IMAGES) and found.tolist() == labels == source.labels.tolist()
    assert source.class_names == names and source.notes == () and source.sizes == {(6, 6): 7}
    again = pickle.loads(pickle.dumps(source.read))(np.array([3]))  # as a worker has it
    assert np.array_equal(again[0], IMAGES[3:4]) and again[1].tolist() == labels[3:4]


def two(f):
    return {name: f.ClassLabel(names=["a", "b", "c"]) for name in ("tone", "coarse")}


def test_of_several_features_the_likeliest_is_used_and_the_others_are_said(tmp_path):
    labelled = opened(
        tmp_path / "a", lambda f: {**two(f), "label": two(f)["tone"]}, label=NAMED, tone=NUMBERS, coarse=NUMBERS
    )
    assert labelled.labels.tolist() == NAMED
    assert labelled.notes == tuple(f"labels are the feature `label`, not `{other}`" for other in ("coarse", "tone"))
    predicted = opened(tmp_path / "b", two, supervised=("image", "tone"), tone=NAMED, coarse=NUMBERS)
    assert predicted.labels.tolist() == NAMED
    unclear = opened(tmp_path / "c", two, tone=NAMED, coarse=NAMED)
    assert not unclear.num_classes and "several features of labels (coarse, tone)" in unclear.notes[0]


def test_features_that_are_no_labels_are_said(tmp_path):
    several = opened(tmp_path / "a", lambda f: {"labels": f.Sequence(two(f)["tone"])}, labels=[[0, 1]] * 7)
    assert several.notes == ("no labels: `labels` has several labels for an image, and one is needed",)
    other = opened(tmp_path / "b", lambda f: {"age": f.Scalar(np.int64)}, age=NUMBERS)
    assert other.notes == ("no labels: no feature is called `label` (age may be anything)",) and not other.num_classes


BEYOND = r"example 3 of 7 in .* has the label 3, and toys has 3 class names, from a \(0\) to c \(2\); .*--labels=none"


@pytest.mark.parametrize("whole_bytes", [None, 0])
def test_a_label_beyond_the_class_names_is_one_line_at_opening_or_when_it_is_read(tmp_path, monkeypatch, whole_bytes):
    labels = [0, 1, 2, 3, 0, -1, 2]
    if whole_bytes is not None:
        monkeypatch.setattr(tfds.fingerprint, "WHOLE_BYTES", whole_bytes)
        source = opened(tmp_path, lambda f: {"label": two(f)["tone"]}, label=labels)
        assert source.labels is None and source.read(np.array([2, 5]))[1].tolist() == [2, -1]
        with pytest.raises(UserError, match=BEYOND):
            source.read(np.array([3]))
    else:
        with pytest.raises(UserError, match=BEYOND):
            opened(tmp_path, lambda f: {"label": two(f)["tone"]}, label=labels)
    plain = open_source("tfds:toys", data_dir=str(tmp_path), labels="none")
    assert plain.class_names == () and plain.read(np.arange(7))[1].tolist() == [-1] * 7


def test_unlabelled_images_are_counted(tmp_path):
    source = opened(tmp_path, lambda f: {"label": two(f)["tone"]}, label=[0, 1, -1, 0, 0, -1, 2])
    assert source.notes == ("2 of 7 images have no label (-1)",) and source.labels.tolist() == [0, 1, -1, 0, 0, -1, 2]


def test_the_only_feature_of_images_and_the_only_split_are_used(tmp_path):
    source = opened(tmp_path, lambda f: {}, split="all", key="picture")
    assert np.array_equal(source.read(np.arange(7))[0], IMAGES)
    assert source.notes == ("the split `all` is taken: there is no other",)
    assert open_test("tfds:toys", data_dir=str(tmp_path)) is None
    with pytest.raises(UserError, match=r"several features of images and none is called `image` \(left, right\)"):
        opened(tmp_path / "b", lambda f: {"left": f.Image(shape=(6, 6, 1))}, key="right", left=IMAGES)
    with pytest.raises(UserError, match=r"no feature `image` or other one of images \(it has image Text\)"):
        write_set(tmp_path / "c", {"image": text()}, {"train": [{"image": b"x"}]})
        open_source("tfds:toys", data_dir=str(tmp_path / "c"))


def text():
    import tensorflow_datasets

    return tensorflow_datasets.features.Text()


def test_floats_become_levels_by_their_range(tmp_path):
    import tensorflow_datasets

    values = np.linspace(0, 510, 36, dtype=np.float32).reshape(6, 6)
    feature = {"image": tensorflow_datasets.features.Image(shape=(6, 6, 1), dtype=np.float32)}
    write_set(tmp_path, feature, {"train": [{"image": values.view(np.uint8).reshape(6, 6, 4)}]})
    with pytest.raises(UserError, match=r"example 0 of 1 .* floats from 0 to 510, .*--value_range=MIN,MAX"):
        open_source("tfds:toys", data_dir=str(tmp_path))
    source = open_source("tfds:toys", data_dir=str(tmp_path), value_range="0,510")
    assert np.array_equal(source.read(np.array([0]))[0][0, ..., 0], np.rint(values / 2))


@pytest.mark.parametrize("name", ["fashion_mnist:9.9.9", "fashion_mnist/big"])
def test_a_version_or_config_that_tfds_does_not_have_is_told_with_those_it_has(tmp_path, name):
    with pytest.raises(UserError, match=r"^tfds has fashion_mnist in version 3\.0\.1, without configs; name what"):
        download._checked(name, str(tmp_path))


def test_what_is_prepared_is_told_beside_why_it_cannot_be_downloaded(tmp_path, no_network, monkeypatch):
    prepare(tmp_path)
    monkeypatch.setattr(download, "_run", lambda arguments, limit: {"error": "tfds has no such thing"})
    with pytest.raises(UserError, match=r"tfds:mnist is not prepared in .* \(it has toys\); tfds has no such thing$"):
        open_source("tfds:mnist", data_dir=str(tmp_path))


def test_nothing_is_downloaded_into_a_data_set(tmp_path):
    folder = prepare(tmp_path)
    with pytest.raises(UserError, match=rf"mnist is not prepared in .*; .*--data_dir={tmp_path}$"):
        open_source("tfds:mnist", data_dir=str(folder))


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


def test_a_description_without_a_name_is_one_line(tmp_path):
    folder = prepare(tmp_path)
    info = json.loads((folder / "dataset_info.json").read_text())
    (folder / "dataset_info.json").write_text(json.dumps(info | {"name": None}))
    with pytest.raises(UserError, match=r"is damaged \(.*remove it so that the data set is prepared again") as told:
        tfds.open_prepared(folder, "toys")
    assert "\n" not in str(told.value)


def test_files_of_another_folder_are_not_read(tmp_path):
    folder = prepare(tmp_path)
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"][0]["filepathTemplate"] = "../" + info["splits"][0]["filepathTemplate"]
    (folder / "dataset_info.json").write_text(json.dumps(info))
    for path in folder.glob("*.tfrecord*"):
        path.rename(tmp_path / "toys" / path.name)
    with pytest.raises(UserError, match="names files of another folder, .*; choose another data set"):
        tfds.open_prepared(folder, "toys")


def test_features_of_a_class_that_is_not_of_tfds_are_not_imported(tmp_path, monkeypatch):
    folder = prepare(tmp_path)
    text = (folder / "features.json").read_text()
    (folder / "features.json").write_text(text.replace("tensorflow_datasets.core.features.image_feature", "evil_fuzz"))
    (tmp_path / "evil_fuzz.py").write_text("raise SystemExit('it was run')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="features of the class evil_fuzz.Image, which is not one of tfds and would be"):
        tfds.open_prepared(folder, "toys")
