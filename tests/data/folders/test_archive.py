"""Zip archives in the place of a folder."""

import functools
import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from PIL import Image

from gan.data.folders import archive
from gan.data.folders.folder import open_folder
from gan.data.sources import open_source, open_test
from gan.errors import UserError


def png(seed):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path, members, method=zipfile.ZIP_DEFLATED):
    """Writes an archive of the members, by name their content or the seed of an image."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members:
            file.writestr(name, png(content) if isinstance(content, int) else content)
    return str(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_is_the_same_set_as_the_folder_in_it(tmp_path, method):
    members = [("set/dog/2.png", 0), ("set/dog/1.png", 1), ("set/cat/deep/3.PNG", 2), ("set/notes.txt", b"x")]
    packed = open_folder(pack(tmp_path / "set.zip", members, method))
    with zipfile.ZipFile(tmp_path / "set.zip") as file:
        file.extractall(tmp_path)
    folder = open_folder(str(tmp_path / "set"))
    assert packed.class_names == folder.class_names == ("cat", "dog")
    assert packed.fingerprint == folder.fingerprint and packed.passed_over == folder.passed_over
    rows = np.array([2, 0, 1])
    for one, other in zip(packed.read(rows), folder.read(rows), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_reader_goes_to_other_processes(tmp_path):
    source = open_folder(pack(tmp_path / "a.zip", [("a/1.png", 0), ("b/2.png", 1)]))
    wanted = source.read(np.array([1, 0]))[0]
    for read in (source.task(np.array([1, 0])), functools.partial(source.read, np.array([1, 0]))):
        images, labels = pickle.loads(pickle.dumps(read))()
        np.testing.assert_array_equal(images, wanted)
        assert labels.tolist() == [1, 0]


def test_splits_and_classes_in_an_archive(tmp_path):
    names = ["d/train/a/1.png", "d/train/b/1.png", "d/test/b/1.png", "d/README"]
    path = pack(tmp_path / "d.zip", [(name, seed if "." in name else b"") for seed, name in enumerate(names)])
    train, test = open_source(f"folder:{path}"), open_test(f"folder:{path}")
    assert train.labels.tolist() == [0, 1] and test.labels.tolist() == [1] and test.class_names == ("a", "b")
    assert train.location == f"{path}/d/train"


def test_what_stylegan_packs_has_its_labels(tmp_path):
    labels = {"labels": [["00000/b.png", 10], ["00000/a.png", 9]]}
    members = [("dataset.json", json.dumps(labels)), ("00000/a.png", 0), ("00000/b.png", 1)]
    source = open_folder(pack(tmp_path / "s.zip", members))
    assert source.class_names == ("9", "10") and source.labels.tolist() == [0, 1] and not source.passed_over
    assert "which StyleGAN's tools write" in source.notes[0]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_are_no_images_of_the_set_are_counted(tmp_path):
    members = [("1.png", 0), ("1.png", 1), ("../2.png", 2), ("/3.png", 3), ("a/../4.png", 4), ("in.zip", b"PK")]
    members += [("__MACOSX/._1.png", b"x"), (".DS_Store", b"x"), ("empty/", b"")]
    path = pack(tmp_path / "a.zip", members)
    with zipfile.ZipFile(path, "a") as file:
        link = zipfile.ZipInfo("link.png")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        file.writestr(link, "1.png")
    source = open_folder(path)
    assert source.num_examples == 1 and dict(source.passed_over) == {
        archive.OUTSIDE: 3,
        archive.LINKS: 1,
        archive.REPLACED: 1,
        "files that end in .zip": 1,
        "files that systems leave (such as Thumbs.db)": 1,
        "folders that systems and programs leave (such as @eaDir)": 1,
    }
    expected = np.asarray(Image.open(io.BytesIO(png(1))))
    np.testing.assert_array_equal(source.read(np.array([0]))[0][0], expected)


def test_names_of_windows_and_of_old_programs_and_large_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for seed, name in enumerate(["a\\1.png", "b\\2.png"]):
            member = zipfile.ZipInfo("x")
            member.filename, member.create_system = name, 0
            with file.open(member, "w", force_zip64=True) as stream:
                stream.write(png(seed))
    source = open_folder(str(tmp_path / "a.zip"))
    assert source.class_names == ("a", "b")
    pack(tmp_path / "old.zip", [("x.png", 0)])
    (tmp_path / "old.zip").write_bytes((tmp_path / "old.zip").read_bytes().replace(b"x.png", b"\x84.png"))
    assert open_folder(str(tmp_path / "old.zip")).read(np.array([0]))[0].shape == (1, 8, 8, 3)
    (tmp_path / "prefixed.zip").write_bytes(b"#!sfx\n" * 50 + (tmp_path / "a.zip").read_bytes())
    assert open_folder(str(tmp_path / "prefixed.zip")).fingerprint == source.fingerprint


def spoil(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 255
    path.write_bytes(content)


def encrypt(path):
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


FAULTS = {
    "crc of stored": ((zipfile.ZIP_STORED, lambda p: spoil(p, 60)), r"1\.png in .*a\.zip is damaged \(its checksum"),
    "crc of deflated": ((zipfile.ZIP_DEFLATED, lambda p: spoil(p, 60)), r"1\.png in .*a\.zip is damaged"),
    "header": ((zipfile.ZIP_STORED, lambda p: spoil(p, 0)), r"damaged \(it is not where the archive's list says\)"),
    "encrypted": ((zipfile.ZIP_STORED, encrypt), r"1\.png in .*a\.zip is encrypted; unpack the archive"),
    "bzip2": ((zipfile.ZIP_BZIP2, lambda p: None), r"1\.png in .*a\.zip is compressed by bzip2; unpack"),
    "cut": (
        (zipfile.ZIP_STORED, lambda p: p.write_bytes(p.read_bytes()[:200])),
        r"is no zip archive, or not the whole",
    ),
    "empty file": ((zipfile.ZIP_STORED, lambda p: p.write_bytes(b"")), r"is no zip archive"),
    "list": ((zipfile.ZIP_STORED, lambda p: spoil(p, p.read_bytes().index(b"PK\x01\x02"))), r"cannot be read as a zip"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_archive_is_one_line(tmp_path, fault):
    (method, damage), words = FAULTS[fault]
    path = pack(tmp_path / "a.zip", [("1.png", 0), ("2.png", 1)], method)
    damage(tmp_path / "a.zip")
    with pytest.raises(UserError, match=words) as caught:
        open_folder(path)
    assert "\n" not in str(caught.value)


def test_an_archive_without_images_and_one_with_a_false_image(tmp_path):
    with pytest.raises(UserError, match="has no images in it or in its sub-folders .1 file that ends in .txt"):
        open_folder(pack(tmp_path / "a.zip", [("a.txt", b"")]))
    with pytest.raises(UserError, match=r"a\.png in .*b\.zip cannot be read as an image"):
        open_folder(pack(tmp_path / "b.zip", [("a.png", b"hello")]))


def test_an_archive_that_is_replaced_is_read_anew(tmp_path):
    path = pack(tmp_path / "a.zip", [("1.png", 0)])
    before = open_folder(path)
    before.read(np.array([0]))
    (tmp_path / "a.zip").unlink()
    after = open_folder(pack(tmp_path / "a.zip", [("1.png", 7)]))
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.read(np.array([0]))[0][0], np.asarray(Image.open(io.BytesIO(png(7)))))


@pytest.mark.parametrize(("place", "value"), [(42, 0xFFFFFF00), (20, 0xFFFFFF00)])
def test_a_list_of_members_that_leads_out_of_the_archive_is_one_line(tmp_path, place, value):
    path = tmp_path / "toys.zip"
    pack(path, [("a/0.png", 0), ("b/1.png", 1)])
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\1\2") + place  # the member's offset, or its size as packed
    data[entry : entry + 4] = value.to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"toys.zip cannot be read as a zip archive \(its list of members leads out of"):
        open_folder(str(path))
