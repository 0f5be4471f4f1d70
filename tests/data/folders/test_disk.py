"""What lies in a folder: the images in their order, and everything else by reason."""

import os
import socket

import numpy as np
import pytest

from gan.data.folders import unwanted
from gan.data.folders.disk import FolderTree
from gan.data.folders.folder import open_folder
from gan.data.folders.names import Names, readable
from gan.data.sources import open_source
from gan.errors import UserError


def test_links_devices_and_pipes_are_counted_and_none_is_opened(tmp_path, draw):
    draw("set/a.png")
    for number in range(7):
        os.symlink("nowhere", tmp_path / f"set/{number}.png")
    os.symlink("a.png/below", tmp_path / "set/below a file.png")
    os.symlink("loop.png", tmp_path / "set/loop.png")
    os.symlink("a.png", tmp_path / "set/link.png")
    os.symlink("/dev/null", tmp_path / "set/null.png")
    os.mkfifo(tmp_path / "set/pipe.png")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.path.relpath(tmp_path / "set/socket.png"))
    listening.close()
    source = open_folder(str(tmp_path / "set"))
    assert source.num_examples == 2 and source.duplicates == 1
    assert dict(source.passed_over) == {
        unwanted.BROKEN_LINKS: 8,
        unwanted.SPECIAL_FILES: 3,
        unwanted.LINK_LOOPS: 1,
    }


def test_what_systems_and_editors_leave_is_no_class_and_no_image(tmp_path, draw):
    for folder in ("cat", "dog"):
        draw(f"set/{folder}/1.png")
        draw(f"set/{folder}/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg")
    left = ("@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX")
    hidden = (".git", ".thumbnails", ".AppleDouble", ".ipynb_checkpoints", ".Trash-1000")
    for folder in (*left, *hidden):
        draw(f"set/{folder}/1.png")
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._1.png", "ehthumbs.db"):
        (tmp_path / "set/cat" / name).write_bytes(b"x")
    (tmp_path / "set/cat/.hidden.png").write_bytes(b"x")
    source = open_folder(str(tmp_path / "set"))
    assert source.class_names == ("cat", "dog") and source.num_examples == 2
    assert dict(source.passed_over) == {
        unwanted.SYSTEM_FOLDERS: len(left) + 2,
        unwanted.HIDDEN_FOLDERS: len(hidden),
        unwanted.SYSTEM_FILES: 5,
        unwanted.HIDDEN_FILES: 1,
    }


def test_other_endings_are_counted_each_and_of_many_the_most_frequent(tmp_path, draw):
    draw("set/a.png")
    for number, ending in enumerate(["psd", "txt", "csv", "xml", "doc", "zip", "avi", "mov"]):
        for copy in range(20 - number):
            (tmp_path / f"set/{copy}.{ending}").write_bytes(b"")
    (tmp_path / "set/README").write_bytes(b"")
    found = dict(open_folder(str(tmp_path / "set")).passed_over)
    assert list(found.items())[:3] == [
        ("files with other endings", 15 + 14 + 13),
        ("files that end in .psd", 20),
        ("files that end in .txt", 19),
    ]
    assert found["files without an ending"] == 1 and len(found) == 7
    (tmp_path / "set/a.png").unlink()
    with pytest.raises(UserError, match=r"has no images .*20 files that end in \.psd"):
        open_folder(str(tmp_path / "set"))


def test_folders_above_are_never_a_class_and_links_inside_classes_are_not_followed(tmp_path, draw):
    pixels = draw("set/a/1.png")
    draw("other/2.png", seed=2)
    os.symlink("..", tmp_path / "set/back")
    os.symlink("/", tmp_path / "set/all")
    os.symlink(tmp_path / "other", tmp_path / "set/linked")
    os.symlink(tmp_path / "other", tmp_path / "set/a/inside")
    source = open_folder(str(tmp_path / "set"))
    assert source.class_names == ("a", "linked") and source.labels.tolist() == [0, 1]
    assert dict(source.passed_over) == {unwanted.LINKS_UPWARD: 2, unwanted.LINKED_FOLDERS: 1}
    np.testing.assert_array_equal(source.read(np.array([0]))[0][0], pixels)


def test_a_folder_is_the_same_by_any_path_to_it(tmp_path, draw, monkeypatch):
    draw("set/a/1.png")
    os.symlink("set", tmp_path / "link")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = {open_folder(path).fingerprint for path in ("set", "set/", "./set/.", "link", "link/", "~/set")}
    assert len(found) == 1


def test_the_order_is_that_of_whole_paths(tmp_path, draw):
    names = [
        "a/1.png",
        "a/2-b.png",
        "a/2.b/c.png",
        "a/2.png",
        "a/2/x.png",
        "a b/1.png",
        "a.b/1.png",
        "A/z.PNG",
        "ä/ö.jpg",
    ]
    for name in names:
        draw(f"set/{name}")
    listing = FolderTree(tmp_path / "set").listing()
    assert list(listing.names) == [names[i] for i in (7, 0, 1, 2, 3, 4, 5, 6, 8)]
    assert [group.name for group in listing.groups] == ["A", "a", "a b", "a.b", "ä"]
    assert [group.count for group in listing.groups] == [1, 5, 1, 1, 1]


def test_very_deep_folders_are_read(tmp_path, draw):
    draw("set/a/" + "b/" * 300 + "1.png")
    source = open_folder(str(tmp_path / "set"))
    assert source.num_examples == 1 and source.class_names == ("a",)


def test_many_empty_class_folders_are_one_note(tmp_path, draw):
    draw("set/full/1.png")
    for number in range(1000):
        (tmp_path / f"set/{number:04}").mkdir()
    source = open_folder(str(tmp_path / "set"))
    assert source.notes == ("sub-folders 0000, 0001, 0002 and 997 more have no images: left out",)
    assert dict(source.passed_over) == {unwanted.EMPTY_FOLDERS: 1000} and source.class_names == ("full",)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, draw, monkeypatch):
    draw("set/a/1.png")
    draw("set/b/1.png")
    scandir = os.scandir

    def refusing(path):
        if path.endswith("/b/"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UserError, match=r"set/b/ cannot be read \(Permission denied\); check the path and its rights"):
        open_source(f"folder:{tmp_path / 'set'}")


def test_names_with_line_breaks_stay_in_one_line(tmp_path, draw):
    pixels = draw("set/a\nb/c\nd.png")
    source = open_folder(str(tmp_path / "set"))
    assert source.class_names == (r"a\nb",)
    np.testing.assert_array_equal(source.read(np.array([0]))[0][0], pixels)
    (tmp_path / "set/a\nb/\x1b[31m.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"a\\nb/\\x1b\[31m\.png cannot be read") as caught:
        open_folder(str(tmp_path / "set"))
    assert "\n" not in str(caught.value)


def test_names_are_kept_as_they_are():
    paths = ["a", "", "ä/\udcff.png", "b" * 300, "\ue000", "😀"]
    names = Names.of(paths)
    assert list(names) == paths == [names[row] for row in range(6)] and len(names) == 6
    assert list(names.part(np.array([5, 2]))) == ["😀", "ä/\udcff.png"]
    assert names.same(Names.of(paths)) and not names.same(Names.of(paths[::-1]))
    assert not Names.of(["ab", "c"]).same(Names.of(["a", "bc"]))
    assert readable("ä\udcff\u2028") == r"ä\xff\u2028"


def test_other_paths_are_one_line_with_the_remedy(tmp_path, draw):
    draw("set/one.png")
    os.symlink("nowhere", tmp_path / "broken")
    for path, words in {
        "set/one.png": r"is one image; give the folder that it lies in, --dataset=folder:.*/set$",
        "broken": "is a link to nothing",
        "nothing": "is not a folder",
        "a.tar.gz": r"unpack it \(tar xf a\.tar\.gz\) and give the folder",
        "a.rar": r"unpack it \(unrar x a\.rar\)",
        "a.parquet": r"give --dataset=parquet:.*a\.parquet",
        "a.npz": r"give --dataset=npz:.*a\.npz",
        "a.doc": "is neither a folder nor a zip archive",
    }.items():
        if path.startswith("a."):
            (tmp_path / path).write_bytes(b"abc")
        with pytest.raises(UserError, match=words):
            open_folder(str(tmp_path / path))
