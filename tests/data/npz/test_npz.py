"""NumPy archives: mapped and loaded arrays, and every fault named."""

import zipfile

import numpy as np
import pytest

from gan.data.decoding.fit import Fit
from gan.data.npz import files
from gan.data.npz.npz import open_npz
from gan.data.sources import open_source
from gan.data.splits import open_splits
from gan.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
LABELS = np.arange(12) % 4


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images_and_labels_come_back(tmp_path, save):
    file = tmp_path / "set.npz"
    save(file, labels=LABELS, images=IMAGES)
    source = open_npz(str(file))
    images, labels = source.read(np.array([3, 3, 11]))
    assert np.array_equal(images[..., 0], IMAGES[[3, 3, 11]]) and images.shape == (3, 6, 6, 1)
    assert labels.tolist() == [3, 3, 3] and labels.dtype == np.int32
    assert source.class_names == ("0", "1", "2", "3") and source.num_examples == 12


def test_classes_have_their_names_where_the_file_has_them(tmp_path):
    names = ["bag", "coat", "dress", "hat", "shoe"]
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=LABELS, class_names=names, seed=3)
    assert open_npz(str(tmp_path / "set.npz")).class_names == tuple(names)
    np.savez(tmp_path / "set.npz", images=IMAGES, class_names=names)
    assert open_npz(str(tmp_path / "set.npz")).class_names == ()


@pytest.mark.parametrize("order", ["C", "F"])
def test_in_memory_and_mapped_are_the_same_bits(tmp_path, order):
    file = tmp_path / "set.npz"
    np.savez(file, images=np.asarray(np.stack([IMAGES] * 3, -1), order=order))
    held, mapped = (open_source(f"npz:{file}", data_in_memory=mode) for mode in ("true", "false"))
    rows = np.random.default_rng(1).permutation(12)
    assert held.in_memory and not mapped.in_memory and held.fingerprint == mapped.fingerprint
    assert np.array_equal(held.read(rows)[0], mapped.read(rows)[0])
    assert held.read(rows)[1].tolist() == [-1] * 12 and held.class_names == ()


def test_images_are_resized_and_converted(tmp_path):
    np.savez(tmp_path / "set.npz", images=IMAGES)
    source = open_npz(str(tmp_path / "set.npz"), Fit(12, 3))
    assert source.image_shape == (12, 12, 3) and source.read(np.arange(2))[0].shape == (2, 12, 12, 3)


ARRAYS = {
    "no images": ({"pictures": IMAGES, "more": IMAGES}, r"no array `images` \(it has more, pictures\)"),
    "dtype": ({"images": IMAGES * 1j}, r"`images` is complex128, which is no number"),
    "rank": ({"images": IMAGES[0]}, r"shape \[6, 6\]"),
    "channels": ({"images": np.zeros((2, 6, 6, 2), np.uint8)}, r"images with 2 channels; it must be .*1 or 3"),
    "none": ({"images": IMAGES[:0]}, r"is empty"),
    "few labels": ({"images": IMAGES, "labels": LABELS[:5]}, r"`labels` is int64 \[5\].*\[12\]"),
    "real labels": ({"images": IMAGES, "labels": LABELS / 2}, r"`labels` is float64"),
    "negative": ({"images": IMAGES, "labels": LABELS - 2}, r"`labels` go from -2 to 1"),
    "few names": ({"images": IMAGES, "labels": LABELS, "class_names": ["a", "b"]}, r"each label from 0 to 3"),
    "twice": (
        {"images": IMAGES, "labels": LABELS, "class_names": ["a"] * 4},
        r"`class_names` must be .* all different",
    ),
    "numbers": ({"images": IMAGES, "labels": LABELS, "class_names": range(4)}, r"`class_names` must be strings"),
    "pickled": ({"images": np.array([IMAGES[0], None], object)}, r"[Oo]bject"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("fault", ARRAYS)
def test_faulty_arrays_are_one_line_with_the_file(tmp_path, fault, save):
    file = tmp_path / "set.npz"
    arrays, pattern = ARRAYS[fault]
    save(file, **arrays)
    with pytest.raises(UserError, match=pattern) as caught:
        open_npz(str(file))
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)


@pytest.mark.parametrize("keep", [0, 10, 300, -30])
def test_truncated_archives_are_named(tmp_path, keep):
    file = tmp_path / "set.npz"
    np.savez(file, images=IMAGES)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"set\.npz cannot be read"):
        open_npz(str(file))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_flipped_bits_are_found(tmp_path, save):
    file = tmp_path / "set.npz"
    save(file, images=IMAGES)
    content = bytearray(file.read_bytes())
    content[300] ^= 4
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"set\.npz cannot be read"):
        open_npz(str(file))


def test_a_missing_file_and_a_compressed_one_to_be_mapped_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.npz is not a file"):
        open_npz(str(tmp_path / "nothing.npz"))
    np.savez_compressed(tmp_path / "set.npz", images=IMAGES)
    with pytest.raises(UserError, match=r"set\.npz is compressed"):
        open_npz(str(tmp_path / "set.npz"), in_memory="false")


def opened(tmp_path, **arrays):
    np.savez(tmp_path / "set.npz", **arrays)
    return open_source(f"npz:{tmp_path / 'set.npz'}", data_in_memory="false")


COLOURED = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
COLOURED[0, 0, 0], COLOURED[0, 0, 1] = 0, 255  # the whole range
ORDERS = {
    "channels first": (np.moveaxis(COLOURED, 3, 1), COLOURED),
    "one channel first": (COLOURED[:, None, :, :, 0], COLOURED[..., :1]),
    "opaque": (np.concatenate([COLOURED, np.full((5, 8, 8, 1), 255, np.uint8)], 3), COLOURED),
    "transparent": (np.concatenate([COLOURED, np.zeros((5, 8, 8, 1), np.uint8)], 3), np.full_like(COLOURED, 255)),
}


@pytest.mark.parametrize("form", ORDERS)
def test_other_orders_of_channels_are_understood_and_said(tmp_path, form):
    array, expected = ORDERS[form]
    source = opened(tmp_path, images=array)
    assert np.array_equal(source.read(np.array([4, 0]))[0], expected[[4, 0]])
    assert len(source.notes) == 1 and "channel" in source.notes[0]


UNIT = COLOURED / 255
VALUES = {
    "floats to 1": (UNIT, 0),
    "half floats": (UNIT.astype(np.float16), 0),
    "floats from -1": ((UNIT * 2 - 1).astype(np.float32), 1),
    "floats to 255": (COLOURED.astype(np.float32), 1),
    "int64": (COLOURED.astype(np.int64), 1),
    "uint16 to 255": (COLOURED.astype(np.uint16), 1),
    "uint16": (COLOURED.astype(np.uint16) * 257, 0),
    "other byte order": (COLOURED.astype(">u2") * np.array(257, ">u2"), 0),
}


@pytest.mark.parametrize("values", VALUES)
def test_values_of_any_type_become_the_levels_that_are_meant(tmp_path, values):
    array, notes = VALUES[values]
    source = opened(tmp_path, images=array)
    images, _ = source.read(np.arange(5))
    assert images.dtype == np.uint8 and np.array_equal(images, COLOURED) and len(source.notes) == notes


def test_truth_values_are_black_and_white(tmp_path):
    array = COLOURED[..., 0] > 99
    assert np.array_equal(opened(tmp_path, images=array).read(np.arange(5))[0][..., 0], np.where(array, 255, 0))


def test_values_of_12_bits_are_said_to_be_dark_and_their_range_can_be_given(tmp_path):
    array = np.array([0, 2047, 4094, 4095], np.uint16).repeat(16).reshape(4, 4, 4)
    dark = opened(tmp_path, images=array)
    assert dark.doubts == ("values from 0 to 4095 of 65535 are dark; if 4095 is white, give --value_range=0,4095",)
    assert dark.read(np.arange(4))[0][:, 0, 0, 0].tolist() == [0, 7, 15, 15]
    light = open_npz(str(tmp_path / "set.npz"), Fit(value_range=(0, 4095)))
    assert light.read(np.arange(4))[0][:, 0, 0, 0].tolist() == [0, 127, 255, 255] and not light.doubts
    assert light.fingerprint != dark.fingerprint


UNCLEAR = {
    "normalized": ((UNIT - 0.5) / 0.25, r"float64 with values from -2 to 2, .*--value_range=-2,2"),
    "fractions of 255": (COLOURED * 0.99, r"values from 0 to 252\.45, .*--value_range=0,255"),
    "negative": (COLOURED.astype(np.int64) - 128, r"int64 with values from -128 to 127, .*--value_range=-128,127"),
    "large": (COLOURED.astype(np.int32) * 100, r"int32 with values from 0 to 25500, .*--value_range=0,25500"),
    "two": ((COLOURED > 9).astype(np.int64), r"int64 with values from 0 to 1, .*--value_range=0,1"),
    "not a number": (np.where(np.arange(5)[:, None, None, None] == 3, np.nan, UNIT), r"in image 3 that is not finite"),
    "text": (np.full((3, 8, 8), "a"), r"<U1, which is no number"),
}


@pytest.mark.parametrize("values", UNCLEAR)
def test_values_that_may_mean_several_things_are_one_line_with_range_and_remedy(tmp_path, values):
    array, pattern = UNCLEAR[values]
    with pytest.raises(UserError, match=pattern):
        opened(tmp_path, images=array)


LIKE = {
    "one image": (COLOURED[0], r"shape \[8, 8, 3\], like one image of 8 x 8 with 3 channels: write \[1, 8, 8, 3\]"),
    "one, channels first": (np.moveaxis(COLOURED[0], 2, 0), r"like one image with its channels first.*\[3, 8, 8, 1\]"),
    "one grey image": (COLOURED[0, ..., 0], r"like one grey image of 8 x 8: write \[1, 8, 8\]"),
    "flat": (COLOURED[..., 0].reshape(5, 64), r"like 5 flat images of 8 x 8: reshape it to \[5, 8, 8\]"),
    "flat and coloured": (COLOURED.reshape(5, 192), r"like 5 flat images of 8 x 8 in colour"),
    "number last": (np.moveaxis(COLOURED, 0, 3), r"like 5 images with their number last: use numpy\.moveaxis"),
    "two channels": (COLOURED[..., :2], r"images with 2 channels"),
}


@pytest.mark.parametrize("shape", LIKE)
def test_other_shapes_are_refused_with_what_they_look_like(tmp_path, shape):
    array, pattern = LIKE[shape]
    with pytest.raises(UserError, match=pattern):
        opened(tmp_path, images=array)


NAMED = {
    "Keras": (("x_train", "y_train", "x_test", "y_test"), True),
    "MedMNIST": (("train_images", "train_labels", "test_images", "test_labels"), True),
    "ours": (("images", "labels", "test_images", "test_labels"), True),
    "short": (("X", "Y"), False),
    "without names": (("arr_0", "arr_1"), False),
}


@pytest.mark.parametrize("names", NAMED)
def test_arrays_of_other_names_are_used_and_said(tmp_path, names):
    keys, tests = NAMED[names]
    held = (255 - IMAGES[:4], (3 - LABELS[:4])[:, None])
    np.savez(tmp_path / "set.npz", **dict(zip(keys, (IMAGES, LABELS[:, None], *held), strict=False)))
    found = open_splits(f"npz:{tmp_path / 'set.npz'}")
    assert keys[0] in found.train.notes[0] and keys[1] in found.train.notes[0]
    if not tests:
        assert found.test_is_seen and found.seen.labels.tolist() == LABELS.tolist()
        return
    assert not found.test_is_seen and np.array_equal(found.train.read(np.arange(12))[0][..., 0], IMAGES)
    images, labels = found.test.read(np.arange(4))
    assert np.array_equal(images[..., 0], held[0]) and labels.tolist() == [3, 2, 1, 0]
    assert found.test.fingerprint != found.train.fingerprint and found.identity != found.fingerprint


def test_the_array_of_an_npy_file_is_mapped_and_used(tmp_path):
    np.save(tmp_path / "set.npy", IMAGES)
    source = open_source(f"npz:{tmp_path / 'set.npy'}", data_in_memory="false")
    assert np.array_equal(source.read(np.array([5, 2]))[0][..., 0], IMAGES[[5, 2]])


def objects(*values):
    found = np.empty(len(values), object)
    found[:] = values
    return found


def test_objects_are_never_unpickled_and_the_remedy_works(tmp_path):
    names = objects("a", "b", "c", "d")
    with pytest.raises(UserError, match=r"`class_names` holds Python objects.*np\.array\(class_names, dtype=str\)"):
        opened(tmp_path, images=IMAGES, labels=LABELS, class_names=names)
    assert opened(tmp_path, images=IMAGES, labels=LABELS, class_names=np.array(names, dtype=str)).num_classes == 4
    with pytest.raises(UserError, match=r"`images` holds Python objects.*np\.stack\(images\)\.astype\(np\.uint8\)"):
        opened(tmp_path, images=objects(*IMAGES))
    assert opened(tmp_path, images=np.stack(objects(*IMAGES)).astype(np.uint8)).num_examples == 12
    with pytest.raises(UserError, match=r"`labels` holds Python objects.*np\.array\(labels\)\.astype\(int\)"):
        opened(tmp_path, images=IMAGES, labels=objects(*LABELS.tolist()))


FILES = {
    "gzip": (b"\x1f\x8b\x08" + bytes(20), r"compressed with gzip; unpack it with gunzip"),
    "pickle": (b"\x80\x04" + bytes(20), r"a pickle, which can run programs"),
    "HDF5": (b"\x89HDF\r\n" + bytes(20), r"an HDF5 file"),
    "image": (b"\x89PNG\r\n" + bytes(20), r"a single image; give --dataset=folder:"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", r"a Git LFS pointer"),
    "page": (b"<!DOCTYPE html>", r"a web page"),
    "text": (b"hello", r"cannot be read as an \.npz archive"),
}


@pytest.mark.parametrize("kind", FILES)
def test_other_files_are_called_what_they_are(tmp_path, kind):
    content, pattern = FILES[kind]
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(UserError, match=pattern):
        open_npz(str(tmp_path / "set.npz"))


def test_a_folder_and_a_zip_of_other_things_are_refused_with_the_way_out(tmp_path):
    (tmp_path / "inner").mkdir()
    np.savez(tmp_path / "inner" / "a.npz", images=IMAGES)
    with pytest.raises(UserError, match=r"is a folder; give one of its files, such as a\.npz"):
        open_npz(str(tmp_path / "inner"))
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("a.png", b"x")
    with pytest.raises(UserError, match=r"a zip file of other things than arrays \(a\.png\)"):
        open_npz(str(tmp_path / "set.npz"))


def test_parts_at_places_are_those_of_the_middle_where_there_are_none(tmp_path):
    wide = np.tile(np.arange(12, dtype=np.uint8) * 20, (2, 6, 1))
    np.savez(tmp_path / "set.npz", images=wide)
    source = open_npz(str(tmp_path / "set.npz"), Fit(6, crop="random"))
    assert source.has_places and source.sizes == {(12, 6): 2}
    left, right = source.read(np.array([0, 1]), np.array([0.0, 0.999]))[0]
    assert left[0, :, 0].tolist() == [0, 20, 40, 60, 80, 100] and right[0, :, 0].tolist() == [
        120,
        140,
        160,
        180,
        200,
        220,
    ]
    assert source.read(np.array([0]))[0][0, 0, :, 0].tolist() == [60, 80, 100, 120, 140, 160]
    whole, _ = source.whole(np.array([1]))()
    assert np.array_equal(whole[0][..., 0], wide[1])


def test_values_for_tests_mean_what_those_for_training_mean(tmp_path):
    rng, file = np.random.default_rng(0), tmp_path / "toys.npz"
    signed, unsigned = (rng.uniform(low, 1, (9, 8, 8)).astype(np.float32) for low in (-1, 0))
    np.savez(file, x_train=signed, x_test=unsigned)
    with pytest.raises(UserError, match=r"`x_test` from 0 to 1 and `x_train` from -1 to 1 .*--value_range=MIN,MAX"):
        open_npz(str(file), test=True)
    found = open_npz(str(file), Fit(value_range=(-1, 1)), test=True)
    assert np.abs(found.read(np.arange(9))[0][..., 0] - 127.5 * (unsigned + 1)).max() <= 0.51
    deep, dark = rng.integers(0, 60_000, (9, 8, 8)).astype(np.uint16), np.full((2, 8, 8), 200, np.uint16)
    np.savez_compressed(file, x_train=deep, x_test=dark)
    with pytest.raises(UserError, match=r"`x_test` from 0 to 255 and `x_train` from 0 to 65535 "):
        open_npz(str(file), test=True)
    levels = np.uint8(rng.integers(0, 256, (9, 8, 8)))
    np.savez(file, x_train=signed, x_test=levels)  # each of its own type is certain
    assert np.array_equal(open_npz(str(file), test=True).read(np.arange(9))[0][..., 0], levels)


@pytest.mark.parametrize("text", ["{'descr': '|u1', 'shape': (", "{'descr': None}", "", "[[", "{'descr': '|u1'"])
def test_a_damaged_header_of_an_array_is_one_line(tmp_path, text):
    header = text.ljust(63) + "\n"
    with zipfile.ZipFile(tmp_path / "toys.npz", "w") as file:
        file.writestr("images.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + bytes(99))
    with pytest.raises(UserError, match=r"toys.npz cannot be read as an .npz archive \(the header of an array is dam"):
        open_npz(str(tmp_path / "toys.npz"))


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((6, -8, 8), r"the header of an array is damaged: a shape of \(6, -8, 8\)"),
        ((65535, 65535, 65535), "cannot be read as an .npz archive"),
    ],
)
def test_a_header_that_lies_is_told_before_anything_is_unpacked(tmp_path, packed, shape, words):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}".encode()
    with zipfile.ZipFile(tmp_path / "set.npz", "w", packed) as archive:
        content = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header + bytes(384)
        archive.writestr("images.npy", content)
    with pytest.raises(UserError, match=words):
        open_npz(str(tmp_path / "set.npz"))


def test_an_archive_that_unpacks_to_more_than_there_is_memory(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "set.npz", images=np.zeros((6, 64, 64), np.uint8))
    monkeypatch.setattr(files, "available_bytes", lambda: 6 * 64 * 64 - 1)
    with pytest.raises(UserError, match="does not fit into memory; write it with numpy.savez, without compression"):
        open_npz(str(tmp_path / "set.npz"))
    monkeypatch.setattr(files, "available_bytes", lambda: 6 * 64 * 64)
    assert open_npz(str(tmp_path / "set.npz")).num_examples == 6
