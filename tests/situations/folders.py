"""Folders of images, and zip archives of them."""

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.data.sources import open_source, open_test
from gan.errors import UserError
from tests.situations import Place, situation


def draw(place: Place, *names: str) -> None:
    """Writes an image of 8 x 8 for each name, all different."""
    for name in names:
        path = place.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = zlib.crc32(os.fsencode(name))
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)).save(path)


def opened(place: Place, name: str = "set", **settings):
    """The set in a folder of the situation, read by index."""
    return open_source(f"folder:{place.folder / name}", data_in_memory="false", **settings)


def error(place: Place, name: str = "set", **settings) -> str:
    """The one line by which the set cannot be opened."""
    with pytest.raises(UserError) as caught:
        opened(place, name, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@situation("folders", "an empty folder", "one line that says so, exit code 2")
def an_empty_folder(place: Place) -> None:
    (place.folder / "empty").mkdir()
    assert "has no" in place.error("preview", "--dataset=folder:empty")


@situation("folders", "images beside folders of images", "one line that names the first image that lies beside")
def images_beside_folders(place: Place) -> None:
    draw(place, "set/a/1.png", "set/2.png")
    assert "set/2.png lies beside class folders" in place.error("preview", "--dataset=folder:set")


@situation(
    "folders", "the same with --labels=none", "both are used, without labels: those in the folder itself come first"
)
def images_beside_folders_without_labels(place: Place) -> None:
    draw(place, "set/a/1.png", "set/2.png")
    assert opened(place, labels="none").labels.tolist() == [-1, -1]


@situation(
    "folders",
    "7 of 10 images are broken symbolic links",
    "the other 3 are used; bin/preview and bin/train count the links as passed over, config.json keeps it",
)
def broken_links(place: Place) -> None:
    draw(place, "set/1.png", "set/2.png", "set/3.png")
    for number in range(7):
        os.symlink("/nowhere/at/all.png", place.folder / f"set/link {number}.png")
    found = place.run("preview", "--dataset=folder:set")
    assert "7 links to nothing" in found.out + found.err
    assert opened(place).num_examples == 3


@situation("folders", "links in a circle, links to a folder above, folder links inside a class", "counted, each reason")
def other_links(place: Place) -> None:
    draw(place, "set/a/1.png", "other/2.png")
    os.symlink("b", place.folder / "set/c")
    os.symlink("c", place.folder / "set/b")
    os.symlink("..", place.folder / "set/up")
    os.symlink("../../other", place.folder / "set/a/inside")
    assert dict(opened(place).passed_over) == {
        "links that lead back to themselves": 2,
        "links to a folder that they lie in": 1,
        "links to folders inside class folders": 1,
    }


@situation("folders", "a class folder that is a link, the data set as a link", "followed")
def folder_links(place: Place) -> None:
    draw(place, "set/a/1.png", "other/2.png")
    os.symlink("../other", place.folder / "set/b")
    os.symlink("set", place.folder / "link")
    assert opened(place, "link").class_names == ("a", "b")


@situation("folders", "FIFOs, sockets and devices among the files", "counted, never opened: nothing hangs")
def special_files(place: Place) -> None:
    draw(place, "set/1.png")
    os.mkfifo(place.folder / "set/2.png")
    os.symlink("/dev/zero", place.folder / "set/3.png")
    assert dict(opened(place).passed_over) == {"devices, pipes and sockets": 2}


@situation("folders", "4 of 7 files are no images by their endings", "counted by ending, in every command")
def other_endings(place: Place) -> None:
    draw(place, "set/1.png", "set/2.png", "set/3.png")
    for name in ("a.txt", "b.psd", "c.psd", "d"):
        (place.folder / "set" / name).write_bytes(b"x")
    assert dict(opened(place).passed_over) == {
        "files that end in .psd": 2,
        "files that end in .txt": 1,
        "files without an ending": 1,
    }


@situation(
    "folders",
    "folders that a NAS, a system or an editor leaves (@eaDir, #recycle, lost+found, .git, __MACOSX and the like)",
    "no classes; counted",
)
def folders_of_systems(place: Place) -> None:
    left = ("@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "lost+found", "__MACOSX", "System Volume Information")
    draw(place, "set/a/1.png", "set/a/@eaDir/1.png", "set/.git/1.png", *(f"set/{name}/1.png" for name in left))
    source = opened(place)
    assert source.class_names == ("a",) and list(source.passed_over.values()) == [len(left) + 1, 1]


@situation("folders", "Thumbs.db, .DS_Store, desktop.ini, ._1.png", "passed over as files that systems leave, counted")
def files_of_systems(place: Place) -> None:
    draw(place, "set/1.png")
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._1.png"):
        (place.folder / "set" / name).write_bytes(b"x")
    assert dict(opened(place).passed_over) == {"files that systems leave (such as Thumbs.db)": 4}


@situation(
    "folders",
    "sub-folders train, test and val, with class folders in them",
    "train is trained on, test is what evaluations take as unseen; said in a note",
)
def splits(place: Place) -> None:
    draw(place, *(f"set/{split}/{name}/1.png" for split in ("train", "test", "val") for name in "ab"))
    source, test = opened(place), open_test(f"folder:{place.folder / 'set'}")
    assert source.class_names == test.class_names == ("a", "b") and source.num_examples == test.num_examples == 2
    assert "train is trained on, test held out for evaluation, val is not used" in source.notes[0]


@situation("folders", "the same with --labels=folders", "three classes of these names, as in earlier versions")
def splits_as_classes(place: Place) -> None:
    draw(place, *(f"set/{split}/1.png" for split in ("train", "test", "val")))
    assert opened(place, labels="folders").class_names == ("test", "train", "val")


@situation("folders", "Training and Validation, or train alone", "also splits, with any capitals")
def other_splits(place: Place) -> None:
    draw(place, "one/Training/1.png", "one/Validation/2.png", "two/train/a/1.png")
    assert open_test(f"folder:{place.folder / 'one'}").num_examples == 1
    assert opened(place, "two").class_names == ("a",)


@situation(
    "folders", "train and test beside another folder of images", "all are classes, with a warning that names the splits"
)
def half_splits(place: Place) -> None:
    draw(place, "set/train/1.png", "set/test/1.png", "set/extra/1.png")
    source = opened(place)
    assert source.class_names == ("extra", "test", "train")
    assert "test look like splits and extra does not" in source.doubts[0]


@situation("folders", "a class train beside bus and car", "a class like the others")
def a_class_called_train(place: Place) -> None:
    draw(place, "set/train/1.png", "set/bus/1.png", "set/car/1.png")
    source = opened(place)
    assert source.class_names == ("bus", "car", "train") and not source.doubts


@situation("folders", "a class in test that train lacks", "one line that names it; one that test lacks is told")
def other_classes_in_test(place: Place) -> None:
    draw(place, "set/train/a/1.png", "set/train/b/1.png", "set/test/a/1.png")
    assert open_test(f"folder:{place.folder / 'set'}").notes[0].endswith("has no images of the class b")
    draw(place, "set/test/z/1.png")
    with pytest.raises(UserError, match="has the class z, which is no class of the images for training"):
        open_test(f"folder:{place.folder / 'set'}")


@situation("folders", "all classes in one more folder", "one class, with a warning that names the folder to give")
def one_folder_too_many(place: Place) -> None:
    draw(place, "set/photos/cat/1.png", "set/photos/dog/1.png")
    assert opened(place).doubts[0].endswith(f"give --dataset=folder:{place.folder}/set/photos")


@situation("folders", "class folders cat and Cat, or one name in two forms of Unicode", "two classes, with a warning")
def classes_that_look_alike(place: Place) -> None:
    draw(place, "set/cat/1.png", "set/Cat/2.png")
    assert opened(place).doubts[0].startswith("the classes 'Cat', 'cat' have nearly the same name")


@situation("folders", "thousands of class folders, most of them empty", "one note with the first names and the count")
def many_empty_folders(place: Place) -> None:
    draw(place, "set/full/1.png")
    for number in range(3000):
        (place.folder / f"set/{number:04}").mkdir()
    source = opened(place)
    assert source.notes == ("sub-folders 0000, 0001, 0002 and 2,997 more have no images: left out",)
    assert dict(source.passed_over) == {"sub-folders without images": 3000}


@situation("folders", "IMG.PNG, names with line breaks, names in Latin-1", "read; printed in one line, by their codes")
def odd_names(place: Place) -> None:
    draw(place, "set/a\nb/IMG.PNG", os.fsdecode(b"set/gr\xfcn/1.png"))
    assert opened(place).class_names == (r"a\nb", r"gr\xfcn")


@situation("folders", "a folder in a class that may not be read", "one line that names it, exit code 2")
def unreadable_folder(place: Place) -> None:
    draw(place, "set/a/1.png")
    (place.folder / "set/b").mkdir()
    scandir = os.scandir

    def refusing(path: str):
        if path.endswith("/b/"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", refusing)
        assert "set/b/ cannot be read (Permission denied); check the path and its rights" in error(place)


@situation("folders", "hard links, links and copies of one image", "all are used; the copies are counted")
def copies(place: Place) -> None:
    draw(place, "set/1.png", "set/2.png")
    os.link(place.folder / "set/1.png", place.folder / "set/3.png")
    os.symlink("1.png", place.folder / "set/4.png")
    source = opened(place)
    assert source.num_examples == 4 and source.duplicates == 2


@situation("folders", "one image file in the place of the folder", "one line with the folder to give")
def one_file(place: Place) -> None:
    draw(place, "set/1.png")
    assert error(place, "set/1.png").endswith(f"give the folder that it lies in, --dataset=folder:{place.folder}/set")


@situation("folders", "a .tar.gz, .rar or .7z in the place of the folder", "one line with the command that unpacks it")
def other_archives(place: Place) -> None:
    for name, command in {"a.tar.gz": "tar xf a.tar.gz", "a.rar": "unrar x a.rar", "a.7z": "7z x a.7z"}.items():
        (place.folder / name).write_bytes(b"x")
        assert f"unpack it ({command}) and give the folder" in error(place, name)


def pack(place: Place, *names: str, name: str = "set.zip", method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Writes the images into an archive as well."""
    draw(place, *names)
    with zipfile.ZipFile(place.folder / name, "w", method) as archive:
        for each in names:
            archive.write(place.folder / each, each)
    return place.folder / name


@situation(
    "folders",
    "a zip file in the place of a folder",
    "the same set as the folder in it, bit for bit, without unpacking; a run continues with either",
)
def a_zip_file(place: Place) -> None:
    pack(place, "set/a/1.png", "set/b/2.png")
    packed, folder = opened(place, "set.zip"), opened(place)
    assert packed.fingerprint == folder.fingerprint and packed.class_names == folder.class_names == ("a", "b")
    np.testing.assert_array_equal(packed.read(np.arange(2))[0], folder.read(np.arange(2))[0])


@situation(
    "folders", "a zip file that is cut, encrypted, or has a wrong checksum", "one line that names it, and the member"
)
def a_bad_zip_file(place: Place) -> None:
    path = pack(place, "1.png", "2.png", method=zipfile.ZIP_STORED)
    whole = path.read_bytes()
    path.write_bytes(whole[:150])
    assert "is no zip archive, or not the whole of one" in error(place, "set.zip")
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 255]) + whole[61:])
    assert error(place, "set.zip").startswith(f"1.png in {path} is damaged (its checksum is wrong)")
    at = whole.index(b"PK\x01\x02") + 8
    path.write_bytes(whole[:at] + b"\x01" + whole[at + 1 :])
    assert f"1.png in {path} is encrypted; unpack" in error(place, "set.zip")


@situation("folders", "members called ../x.png or /x.png, __MACOSX, a zip in the zip", "passed over, counted")
def odd_members(place: Place) -> None:
    path = pack(place, "1.png")
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("../x.png", "/x.png", "__MACOSX/._1.png", "in.zip"):
            archive.writestr(name, b"x")
    assert dict(opened(place, "set.zip").passed_over) == {
        "members whose names lead out of the archive": 2,
        "files that end in .zip": 1,
        "folders that systems and programs leave (such as @eaDir)": 1,
    }


@situation("folders", "a second start with the same folder", "no file is opened; only what changed is looked at again")
def a_second_start(place: Place) -> None:
    draw(place, "set/1.png", "set/2.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place.folder / "cache"))
        first = opened(place)
        patch.setattr("gan.data.fingerprint.content", None)  # by which files are read
        assert opened(place).fingerprint == first.fingerprint
