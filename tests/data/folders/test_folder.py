"""Folders of images: classes, order, and every fault named with its file and remedy."""

import os

import numpy as np
import pytest
from PIL import Image

from gan.data.decoding.fit import Fit
from gan.data.folders.folder import open_folder
from gan.data.sources import open_source
from gan.errors import UserError


def write(path, size=(8, 8), mode="RGB", seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0]) + ((len(mode),) if mode in ("RGB", "RGBA", "LA") else ())
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(array).save(path)
    return array


def test_sub_folders_are_classes_in_the_order_of_their_names(tmp_path):
    dog = write(tmp_path / "dog" / "1.png", seed=1)
    cat = write(tmp_path / "cat" / "deep" / "2.PNG", seed=2)
    (tmp_path / "dog" / ".DS_Store").write_bytes(b"x")
    write(tmp_path / "dog" / ".ipynb_checkpoints" / "1-checkpoint.png", seed=1)
    write(tmp_path / "cat" / "__MACOSX" / "2.png", seed=2)
    (tmp_path / "empty").mkdir()
    source = open_folder(str(tmp_path))
    images, labels = source.read(np.array([1, 0]))
    assert source.class_names == ("cat", "dog") and source.num_classes == 2
    assert labels.tolist() == [1, 0] and labels.dtype == np.int32
    assert np.array_equal(images, np.stack([dog, cat]))
    assert any("empty" in note for note in source.notes)


def test_photographs_of_other_proportions_do_not_become_one_size_uncropped(tmp_path):
    for name, size in (("a", (20, 10)), ("b", (40, 20)), ("c", (22, 10))):
        write(tmp_path / f"{name}.png", size)
    with pytest.raises(UserError, match="c.png is 22x10 .* with --crop=none 18 x 8 and 16 x 8, not one size"):
        open_folder(str(tmp_path), Fit(8, crop="none"))


def test_without_sub_folders_there_are_no_labels(tmp_path):
    grey = [write(tmp_path / f"{name}.png", mode="L", seed=seed) for seed, name in enumerate("ba")]
    source = open_folder(str(tmp_path))
    images, labels = source.read(np.arange(2))
    assert source.class_names == () and labels.tolist() == [-1, -1] and source.image_shape == (8, 8, 1)
    assert np.array_equal(images[..., 0], np.stack(grey[::-1]))


def test_the_fingerprint_follows_the_content_and_not_the_place_or_the_dates(tmp_path):
    for place in ("one", "two"):
        write(tmp_path / place / "a.png")
    first, second = (open_folder(str(tmp_path / place)).fingerprint for place in ("one", "two"))
    assert first == second and len(first) == 64
    write(tmp_path / "two" / "a.png", seed=5)
    assert open_folder(str(tmp_path / "two")).fingerprint != first
    assert open_folder(str(tmp_path / "one"), Fit(4)).fingerprint != first


def test_in_memory_and_read_by_index_are_the_same_bits(tmp_path):
    for seed in range(20):
        write(tmp_path / f"c{seed % 3}" / f"{seed}.{'png' if seed % 2 else 'jpg'}", (8 + seed % 2, 8), seed=seed)
    held, streamed = (
        open_source(f"folder:{tmp_path}", resolution=6, channels=1, data_in_memory=mode) for mode in ("true", "false")
    )
    rows = np.random.default_rng(0).permutation(20)
    assert held.in_memory and not streamed.in_memory and held.fingerprint == streamed.fingerprint
    for one, other in zip(held.read(rows), streamed.read(rows), strict=True):
        assert np.array_equal(one, other) and one.dtype == other.dtype
    assert any("not square" in note for note in held.notes)


def truncate(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


FAULTS = {
    "missing": (lambda root: root.rmdir(), r"not a folder"),
    "empty": (lambda root: None, r"has no images in it"),
    "text": (lambda root: (root / "b.txt").write_text("x"), r"has no images in it"),
    "sizes": (lambda root: (write(root / "a.png"), write(root / "b.png", (9, 9))), r"b\.png is 9x9.*--resolution"),
    "modes": (lambda root: (write(root / "a.png"), write(root / "b.png", mode="L")), r"b\.png is grey.*--channels"),
    "no image": (lambda root: (root / "a.png").write_bytes(b"hello"), r"a\.png cannot be read.*of no image format"),
    "void": (lambda root: (root / "a.jpg").write_bytes(b""), r"a\.jpg cannot be read"),
    "cut png": (
        lambda root: (write(root / "a.png", (64, 64)), truncate(root / "a.png", 5000)),
        r"a\.png cannot be read",
    ),
    "cut jpeg": (
        lambda root: (write(root / "a.jpg", (64, 64)), truncate(root / "a.jpg", 900)),
        r"a\.jpg cannot be read",
    ),
    "stray": (lambda root: (write(root / "a.png"), write(root / "c" / "b.png")), r"a\.png lies beside class folders"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_one_line_with_the_file_and_the_remedy(tmp_path, fault):
    root = tmp_path / "set"
    root.mkdir()
    make, pattern = FAULTS[fault]
    make(root)
    with pytest.raises(UserError, match=pattern) as caught:
        open_folder(str(root))
    assert "\n" not in str(caught.value) and str(root) in str(caught.value)


def test_mixed_modes_and_sizes_are_converted_when_wanted(tmp_path):
    write(tmp_path / "a.png", (8, 8))
    write(tmp_path / "b.png", (20, 10), mode="L")
    write(tmp_path / "c.png", (8, 8), mode="RGBA")
    source = open_folder(str(tmp_path), Fit(8, 3))
    assert source.read(np.arange(3))[0].shape == (3, 8, 8, 3)
    assert any("transparent" in note for note in source.notes)


def test_a_file_that_is_damaged_later_is_named_when_it_is_read(tmp_path):
    write(tmp_path / "a.png", (64, 64))
    source = open_folder(str(tmp_path))
    truncate(tmp_path / "a.png", 5000)
    with pytest.raises(UserError, match=r"a\.png cannot be read"):
        source.read(np.array([0]))


def test_names_that_are_not_utf8_are_read_and_can_be_printed(tmp_path):
    written = write(tmp_path / os.fsdecode(b"gr\xfcn") / os.fsdecode(b"\xe4.png"))
    write(tmp_path / "rot" / "a.png", seed=1)
    source = open_folder(str(tmp_path))
    assert source.class_names == (r"gr\xfcn", "rot") and len(source.fingerprint) == 64
    assert "".join(source.class_names).encode()
    np.testing.assert_array_equal(source.read(np.array([0]))[0][0], written)


def test_hidden_places_above_the_folder_do_not_hide_it(tmp_path):
    write(tmp_path / ".cache" / "set" / "a.png")
    assert open_folder(str(tmp_path / ".cache" / "set")).num_examples == 1
