"""NumPy archives: mapped and loaded arrays, and every fault named."""

import numpy as np
import pytest

from gan.data.images import Fit
from gan.data.npz import open_npz
from gan.data.sources import open_source
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
