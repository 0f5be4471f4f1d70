"""NumPy archives, tfds data sets, Parquet files, and images for tests from another set."""

from pathlib import Path
from typing import Any

import numpy as np

from gan.data import shares, sources
from gan.data.source import Source
from gan.data.splits import open_splits
from gan.errors import UserError
from tests.situations import Place, situation

NPZ, TFDS, PARQUET, TESTS = "npz archives", "tfds data sets", "parquet", "labels and images for tests"
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
IMAGES[0, 0, 0], IMAGES[0, 0, 1] = 0, 255  # the whole range
LABELS = [0, 1, 2, 0, 1, 2]


def npz(place: Place, name: str = "a", **arrays: Any) -> str:
    """The name, as --dataset has it, of an archive with these arrays."""
    np.savez(place.folder / f"{name}.npz", **arrays)
    return f"npz:{place.folder / name}.npz"


def opened(dataset: str, **settings: Any) -> Source:
    return sources.open_source(dataset, data_in_memory="false", **settings)


def shown(source: Source) -> tuple[np.ndarray, list[int]]:
    """All images, and their labels."""
    images, labels = source.read(np.arange(source.num_examples))
    return images, labels.tolist()


def refused(dataset: str, **settings: Any) -> str:
    """The one line by which a data set is refused."""
    try:
        opened(dataset, **settings)
    except UserError as error:
        assert "\n" not in str(error)
        return str(error)
    raise AssertionError(f"{dataset} was opened")


@situation(
    NPZ, "class names that are Python objects", "one line with the remedy that works: `np.array(..., dtype=str)`"
)
def names_of_objects(place: Place) -> None:
    names = np.empty(3, object)
    names[:] = ["a", "b", "c"]
    line = place.error("preview", f"--dataset={npz(place, images=IMAGES, labels=LABELS, class_names=names)}")
    assert "`class_names` holds Python objects" in line and "np.array(class_names, dtype=str)" in line
    repaired = npz(place, images=IMAGES, labels=LABELS, class_names=np.array(names, dtype=str))
    assert opened(repaired).class_names == ("a", "b", "c")


@situation(
    NPZ, "images that are Python objects, such as a list of arrays", "one line: write a uint8 array with np.stack"
)
def images_of_objects(place: Place) -> None:
    images = np.empty(6, object)
    images[:] = list(IMAGES)
    assert "np.stack(images).astype(np.uint8)" in refused(npz(place, images=images))
    assert np.array_equal(shown(opened(npz(place, images=np.stack(images).astype(np.uint8))))[0], IMAGES)


@situation(NPZ, "one image of 32 x 32 x 3", "one line: like one image, write [1, 32, 32, 3]")
def one_image(place: Place) -> None:
    line = place.error("preview", f"--dataset={npz(place, images=np.zeros((32, 32, 3), np.uint8))}")
    assert "like one image of 32 x 32 with 3 channels: write [1, 32, 32, 3]" in line


@situation(
    NPZ, "one image with its channels first, [3, 32, 32]", "one line that says so, and how to write 3 grey images"
)
def one_image_channels_first(place: Place) -> None:
    line = refused(npz(place, images=np.zeros((3, 32, 32), np.uint8)))
    assert "like one image with its channels first" in line and "[3, 32, 32, 1]" in line


@situation(NPZ, "images with channels first, [N, 3, H, W]", "used as they are meant, with a note")
def channels_first(place: Place) -> None:
    source = opened(npz(place, images=np.moveaxis(IMAGES, 3, 1)))
    assert np.array_equal(shown(source)[0], IMAGES) and "channels first" in source.notes[0]


@situation(NPZ, "images with opacity, [N, H, W, 4]", "shown on white, with a note")
def with_opacity(place: Place) -> None:
    images = np.concatenate([IMAGES, np.full((6, 8, 8, 1), 255, np.uint8)], 3)
    images[0, ..., 3] = 0
    source = opened(npz(place, images=images))
    assert np.array_equal(shown(source)[0][1:], IMAGES[1:]) and (shown(source)[0][0] == 255).all()
    assert "opacity" in source.notes[0]


@situation(
    NPZ, "images of two channels; flat images [N, 784]; images last, [H, W, C, N]", "one line: what it looks like"
)
def other_shapes(place: Place) -> None:
    assert "2 channels" in refused(npz(place, images=IMAGES[..., :2]))
    assert "flat images of 28 x 28: reshape" in refused(npz(place, images=np.zeros((5, 784), np.uint8)))
    assert "number last: use numpy.moveaxis" in refused(npz(place, images=np.moveaxis(IMAGES, 0, 3)))


@situation(
    NPZ, "floats from 0 to 1, from -1 to 1, or whole from 0 to 255", "the levels that are meant; the last two noted"
)
def floats(place: Place) -> None:
    unit = IMAGES / 255
    for array, notes in ((unit, 0), ((unit * 2 - 1).astype(np.float32), 1), (IMAGES.astype(np.float32), 1)):
        source = opened(npz(place, images=array))
        assert np.array_equal(shown(source)[0], IMAGES) and len(source.notes) == notes


@situation(NPZ, "normalized floats, integers beyond 255, negative ones", "one line with the range and `--value_range`")
def unclear_values(place: Place) -> None:
    dataset = npz(place, images=(IMAGES / 255 - 0.5) / 0.25)
    assert "float64 with values from -2 to 2" in refused(dataset) and "--value_range=-2,2" in refused(dataset)
    assert np.array_equal(shown(opened(dataset, value_range="-2,2"))[0], IMAGES)
    assert "from 0 to 25500" in refused(npz(place, images=IMAGES.astype(np.int32) * 100))
    assert "from -128 to 127" in refused(npz(place, images=IMAGES.astype(np.int16) - 128))


@situation(NPZ, "a float that is not finite", "one line that names the image")
def not_finite(place: Place) -> None:
    images = IMAGES / 255
    images[4, 1, 1, 1] = np.nan
    assert "a value in image 4 that is not finite" in refused(npz(place, images=images))


@situation(NPZ, "uint16; int64 from 0 to 255; truth values; the other byte order", "the levels that are meant")
def other_integers(place: Place) -> None:
    wide = IMAGES.astype(np.uint16) * 257
    for array in (wide, wide.astype(">u2"), IMAGES.astype(np.int64), IMAGES.astype(np.uint16)):
        assert np.array_equal(shown(opened(npz(place, images=array)))[0], IMAGES)
    assert np.array_equal(shown(opened(npz(place, images=IMAGES > 99)))[0], np.where(IMAGES > 99, 255, 0))


@situation(NPZ, "12 bits in uint16", "a warning with the range found and the remedy, `--value_range=0,4095`")
def twelve_bits(place: Place) -> None:
    dataset = npz(place, images=np.full((4, 8, 8), 4095, np.uint16))
    assert "--value_range=0,4095" in opened(dataset).doubts[0]
    assert (shown(opened(dataset, value_range="0,4095"))[0] == 255).all()


@situation(NPZ, "labels as whole floats, one-hot rows, a column [N, 1]", "the classes that they mean")
def forms_of_labels(place: Place) -> None:
    for labels in (np.array(LABELS, float), np.eye(3)[LABELS], np.array(LABELS)[:, None]):
        assert shown(opened(npz(place, images=IMAGES, labels=labels)))[1] == LABELS


@situation(NPZ, "labels that are names", "classes of these names, sorted; numbers among them by their value")
def names_as_labels(place: Place) -> None:
    source = opened(npz(place, images=IMAGES, labels=["pear", "fig", "fig", "apple", "fig", "fig"]))
    assert source.class_names == ("apple", "fig", "pear") and shown(source)[1] == [2, 1, 1, 0, 1, 1]
    assert opened(npz(place, images=IMAGES, labels=["10", "9"] * 3)).class_names == ("9", "10")


@situation(NPZ, "labels that are -1", "images without a label, counted in a note")
def unlabelled(place: Place) -> None:
    source = opened(npz(place, images=IMAGES, labels=[-1, 0, 1, 0, -1, 1]))
    assert source.notes == ("2 of 6 images have no label (-1)",) and source.class_names == ("0", "1")


@situation(NPZ, "several labels for an image; halves; below -1", "one line that says what is wrong")
def wrong_labels(place: Place) -> None:
    for labels, words in (
        (np.ones((6, 3)), "not one 1 among zeros"),
        ([0.5] * 6, "not whole"),
        ([-2] * 6, "from -2 to -2"),
    ):
        assert words in refused(npz(place, images=IMAGES, labels=labels))


@situation(NPZ, "labels 0, 5 and 9 alone", "ten classes, of which seven are known to have no image")
def classes_without_images(place: Place) -> None:
    source = opened(npz(place, images=IMAGES, labels=[0, 5, 9, 0, 5, 0]))
    assert source.num_classes == 10 and np.bincount(source.labels).tolist() == [3, 0, 0, 0, 0, 2, 0, 0, 0, 1]
    assert [number for number, share in enumerate(shares.of_classes(source)) if share] == [0, 5, 9]


@situation(NPZ, "too few class names, or one of them twice", "one line that names the label or the name")
def wrong_names(place: Place) -> None:
    few = npz(place, images=IMAGES, labels=LABELS, class_names=["a", "b"])
    assert "`labels` has 2 for image 2, and there are 2 class names" in refused(few)
    assert "has 'a' twice" in refused(npz(place, images=IMAGES, labels=LABELS, class_names=["a", "b", "a"]))


@situation(
    NPZ, "Keras' mnist.npz: x_train, y_train, x_test, y_test", "the first two are trained on, the others are for tests"
)
def of_keras(place: Place) -> None:
    found = open_splits(npz(place, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:2], y_test=[2, 1]))
    assert np.array_equal(shown(found.train)[0], IMAGES) and "`x_train`" in found.train.notes[0]
    assert shown(found.test)[1] == [2, 1] and not found.test_is_seen


@situation(NPZ, "MedMNIST's train_images, train_labels [N, 1], test_images", "as Keras' arrays")
def of_medmnist(place: Place) -> None:
    column = np.array(LABELS)[:, None]
    found = open_splits(npz(place, train_images=IMAGES, train_labels=column, test_images=IMAGES[:1], val_images=IMAGES))
    assert shown(found.train)[1] == LABELS and found.test.num_examples == 1


@situation(NPZ, "arrays that savez called arr_0 and arr_1, or one of any name", "used, with a note")
def unnamed_arrays(place: Place) -> None:
    assert shown(opened(npz(place, arr_0=IMAGES, arr_1=LABELS)))[1] == LABELS
    assert opened(npz(place, faces=IMAGES)).notes == ("images are the array `faces`",)


@situation(NPZ, "an .npy file", "its array is the images")
def npy(place: Place) -> None:
    np.save(place.folder / "a.npy", IMAGES)
    assert np.array_equal(shown(opened(f"npz:{place.folder / 'a.npy'}"))[0], IMAGES)


@situation(NPZ, "a pickle, .npz.gz, HDF5, a PNG, a Git LFS pointer, a web page", "one line that calls it what it is")
def other_files(place: Place) -> None:
    file = place.folder / "a.npz"
    for content, words in (
        (b"\x80\x04", "a pickle, which can run programs"),
        (b"\x1f\x8b", "unpack it with gunzip"),
        (b"\x89HDF", "an HDF5 file"),
        (b"\x89PNG", "a single image"),
        (b"version https://git-lfs", "a Git LFS pointer"),
        (b"<!DOCTYPE html>", "a web page"),
    ):
        file.write_bytes(content)
        assert words in refused(f"npz:{file}")


@situation(NPZ, "a folder in the place of a file", "one line that names a file in it")
def folder_of_archives(place: Place) -> None:
    npz(place, images=IMAGES)
    assert "is a folder; give one of its files, such as a.npz" in place.error(
        "preview", f"--dataset=npz:{place.folder}"
    )


def tfds_set(place: Place, labels: list, names: tuple[str, ...] | None = ("a", "b", "c"), key: str = "label") -> Path:
    """A prepared set `toys` of 6 images; without names the labels are plain numbers."""
    import tensorflow_datasets as tfds

    from tests.data.tfds.tfds_sets import write_set

    kinds = tfds.features
    one = kinds.ClassLabel(names=list(names)) if names else kinds.Scalar(np.int64)
    label = kinds.Sequence(one) if isinstance(labels[0], list) else one
    rows = [{"image": image, key: value} for image, value in zip(IMAGES, labels, strict=True)]
    return write_set(place.folder, {"image": kinds.Image(shape=(8, 8, 3)), key: label}, {"train": rows})


@situation(TFDS, "a label beyond the class names", "one line that names the set, the example and the label")
def label_beyond(place: Place) -> None:
    tfds_set(place, [0, 1, 2, 3, 0, 1])
    for command in ("preview", "train"):
        line = place.error(command, "--dataset=tfds:toys", f"--data_dir={place.folder}")
        assert "example 3 of 6" in line and "has the label 3, and toys has 3 class names" in line
    assert not opened("tfds:toys", data_dir=str(place.folder), labels="none").num_classes


@situation(TFDS, "labels in a feature `labels`, or of any other name", "used")
def other_feature(place: Place) -> None:
    tfds_set(place, LABELS, key="labels")
    source = opened("tfds:toys", data_dir=str(place.folder))
    assert source.class_names == ("a", "b", "c") and shown(source)[1] == LABELS


@situation(TFDS, "labels that are numbers without names", "used, with their numbers as names")
def numbers_without_names(place: Place) -> None:
    tfds_set(place, [0, 3, 1, 0, 3, 1], names=None)
    source = opened("tfds:toys", data_dir=str(place.folder))
    assert source.class_names == ("0", "1", "2", "3") and shown(source)[1] == [0, 3, 1, 0, 3, 1]


@situation(TFDS, "several labels for each image; a number that may be anything", "no labels, and a note says why")
def no_labels(place: Place) -> None:
    tfds_set(place, [[0, 1]] * 6)
    assert "several labels for an image" in opened("tfds:toys", data_dir=str(place.folder)).notes[0]
    other = Place(place.folder / "other", place._server)
    tfds_set(other, LABELS, names=None, key="age")
    assert "(age may be anything)" in opened("tfds:toys", data_dir=str(other.folder)).notes[0]


@situation(TFDS, "version 2.0.0 where another one is prepared", "one line with the versions that are there")
def another_version(place: Place) -> None:
    tfds_set(place, LABELS)
    line = place.error("preview", "--dataset=tfds:toys:2.0.0", f"--data_dir={place.folder}")
    assert "has no version 2.0.0 (it has 1.0.0); write tfds:toys:1.0.0" in line


@situation(TFDS, "a version that tfds does not have", "one line with those that it has")
def unknown_version(place: Place) -> None:
    from gan.data.tfds import download

    try:
        download._checked("fashion_mnist:9.9.9", str(place.folder))
    except UserError as error:
        assert str(error) == "tfds has fashion_mnist in version 3.0.1, without configs; name what there is"
    else:
        raise AssertionError("there is no such version")


@situation(TFDS, "`--data_dir` that points inside the data set, at whatever depth", "found")
def inside_of_the_set(place: Place) -> None:
    folder = tfds_set(place, LABELS)
    for inside in (folder, folder.parent, folder.parent.parent):
        assert shown(opened("tfds:toys", data_dir=str(inside)))[1] == LABELS


@situation(TFDS, "`--data_dir` that points inside another data set", "one line that names the folder above")
def inside_of_another_set(place: Place) -> None:
    folder = tfds_set(place, LABELS)
    line = place.error("preview", "--dataset=tfds:mnist", f"--data_dir={folder}")
    assert "mnist is not prepared in" in line and line.endswith(f"--data_dir={place.folder}")


@situation(TFDS, "`--data_dir` that is a file or a broken link", "one line that says so")
def not_a_root(place: Place) -> None:
    (place.folder / "file").touch()
    (place.folder / "link").symlink_to("gone")
    assert "is a file" in refused("fashion_mnist", data_dir=str(place.folder / "file"))
    assert "is a link to gone, which is not there" in refused("auto", data_dir=str(place.folder / "link"))


def parquet(place: Place, names: tuple[str, ...] = ("train-00000-of-00001",), labels: list = LABELS) -> str:
    """The name of a folder of Parquet files as the Hugging Face hub has them, each with the 6 images."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.data.tfds.tfds_sets import png

    described = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["a", "b", "c"]}}
    images = [{"bytes": png(image), "path": None} for image in IMAGES]
    table = pa.table({"image": images, "label": labels})
    table = table.replace_schema_metadata({b"huggingface": json.dumps({"info": {"features": described}}).encode()})
    for name in names:
        file = place.folder / "set" / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file)
    return f"parquet:{place.folder / 'set'}"


@situation(
    PARQUET, "a Hugging Face image set", "images, labels and class names as they are there; tests by the files' names"
)
def hugging_face(place: Place) -> None:
    found = open_splits(parquet(place, ("data/train-00000-of-00001", "data/test-00000-of-00001")))
    assert np.array_equal(shown(found.train)[0], IMAGES) and shown(found.train)[1] == LABELS
    assert found.train.class_names == ("a", "b", "c") and not found.test_is_seen


@situation(PARQUET, "several configs in a folder", "one line that lists them and names the path of one")
def several_configs(place: Place) -> None:
    line = refused(parquet(place, ("small/train", "large/train")))
    assert "several data sets, in large, small" in line and line.endswith("set/large")


@situation(PARQUET, "a file of several is missing", "one line that names its number")
def missing_part(place: Place) -> None:
    assert "number 00001 is missing" in refused(parquet(place, ("train-00000-of-00002",)))


@situation(PARQUET, "a label beyond the class names", "one line that names the file, the image and the label")
def parquet_label_beyond(place: Place) -> None:
    dataset = parquet(place, labels=[0, 1, 2, 7, 0, 1])
    line = place.error("preview", f"--dataset={dataset}")
    assert "train-00000-of-00001.parquet has 7 for image 3, and there are 3 class names" in line
    assert not opened(dataset, labels="none").num_classes


@situation(PARQUET, "a file that is damaged, or a Git LFS pointer", "one line that says so")
def damaged_parquet(place: Place) -> None:
    dataset = parquet(place)
    file = place.folder / "set" / "train-00000-of-00001.parquet"
    content = file.read_bytes()
    file.write_bytes(content[:-9])
    assert "cannot be read as a Parquet file" in refused(dataset)
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "is a Git LFS pointer" in refused(dataset)


@situation(TESTS, "`--labels=none`", "the same images without labels; another data set for runs and records")
def labels_none(place: Place) -> None:
    dataset = npz(place, images=IMAGES, labels=LABELS)
    source = opened(dataset, labels="none")
    assert source.class_names == () and shown(source)[1] == [-1] * 6
    assert np.array_equal(shown(source)[0], IMAGES) and source.fingerprint != opened(dataset).fingerprint


@situation(TESTS, "`--labels=FILE` with what is no folder", "one line that says so")
def labels_of_a_file(place: Place) -> None:
    assert "--labels=a.csv is for --dataset=folder:PATH" in place.error(
        "preview", "--labels=a.csv", "--dataset=garments"
    )


@situation(TESTS, "`--test_dataset` with the same classes in another order", "labels are matched by name")
def tests_from_elsewhere(place: Place) -> None:
    train = npz(place, images=IMAGES, labels=LABELS, class_names=["bag", "coat", "hat"])
    test = npz(place, "b", images=255 - IMAGES, labels=[0, 1, 1, 0, 1, 0], class_names=["hat", "bag"])
    found = open_splits(train, test_dataset=test)
    assert np.array_equal(shown(found.test)[0], 255 - IMAGES) and shown(found.test)[1] == [2, 0, 0, 2, 0, 2]


@situation(TESTS, "`--test_dataset` of another size, of other classes, or the training images", "one line")
def wrong_tests(place: Place) -> None:
    train = npz(place, images=IMAGES.repeat(2, 1).repeat(2, 2), labels=LABELS)
    large = npz(place, "b", images=np.zeros((4, 9, 9), np.uint8))
    other = npz(place, "c", images=255 - IMAGES, labels=["x", "y", "z"] * 2)
    line = place.error("train", f"--dataset={train}", f"--test_dataset={large}", "--networks=dcgan", "--dry_run")
    assert "--test_dataset: the images of" in line and "are 9 x 9 x 1, those of" in line
    for test, words in ((other, "has a class x for tests"), (train, "has the images of training")):
        try:
            open_splits(train, test_dataset=test, resolution=8)
        except UserError as error:
            assert words in str(error)
        else:
            raise AssertionError(f"{test} was taken")
