"""Classes that files say: which forms are read, which row is of which image, and what is wrong with either."""

import json
import os
import unicodedata

import pytest

from gan.data.folders.folder import open_folder
from gan.data.sources import open_source, open_test
from gan.errors import UserError

NAMES = ("10.png", "a/1.png", "a/2.png", "b/3.png")  # in the order of the set


@pytest.fixture
def labels_of(tmp_path, draw):
    """`labels_of(text)`: what a set of four images is with a file of this content as its labels."""
    for seed, name in enumerate(NAMES):
        draw(f"set/{name}", seed)

    def opened(content, name="labels.csv"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return open_folder(str(tmp_path / "set"), labels=str(tmp_path / name))

    return opened


ROWS = [("a/1.png", "cat"), ("a/2.png", "dog"), ("b/3.png", "cat"), ("10.png", "dog")]


def joined(delimiter, rows=ROWS, end="\n"):
    return end.join(delimiter.join(row) for row in rows)


FORMS = {
    "no header": joined(","),
    "header": "file_name,label\n" + joined(","),
    "header in other words": "Bild;Klasse\n" + joined(";"),
    "header with capitals": "Image ID,Class Name\n" + joined(","),
    "comment": "# name, class\n" + joined(", "),
    "class first": joined(",", [row[::-1] for row in ROWS]),
    "more columns": "label,size,file_name\n" + "\n".join(f"{label},8,{name}" for name, label in ROWS),
    "byte order mark, Windows": "\ufefffile_name,label\r\n" + joined(",", end="\r\n"),
    "old Macintosh": joined(",", end="\r"),
    "UTF-16": joined(",").encode("utf-16"),
    "tabs": joined("\t"),
    "semicolons": joined(";"),
    "blanks": joined(" "),
    "quotes": joined(",", [(f'"{name}"', f'"{label}"') for name, label in ROWS]),
    "empty lines": joined(",", end="\n\n") + "\n\n",
    "without endings": joined(",", [(name[:-4], label) for name, label in ROWS]),
    "names alone": "id,breed\n" + joined(",", [(name.rpartition("/")[2][:-4], label) for name, label in ROWS]),
    "with the folder": joined(",", [(f"set/{name}", label) for name, label in ROWS]),
    "from here": joined(",", [(f"./{name}", label) for name, label in ROWS]),
    "backslashes": joined(",", [(name.replace("/", "\\"), label) for name, label in ROWS]),
    "json lines": "\n".join(json.dumps({"file_name": name, "label": label, "box": []}) for name, label in ROWS),
    "dataset.json": json.dumps({"labels": [list(row) for row in ROWS]}),
    "dataset.json of names": json.dumps({"labels": dict(ROWS)}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(labels_of, form):
    source = labels_of(FORMS[form])
    assert source.class_names == ("cat", "dog") and source.labels.tolist() == [1, 0, 1, 0]
    assert source.notes == () and source.fingerprint == labels_of(joined(",")).fingerprint


def test_absolute_paths(labels_of, tmp_path):
    source = labels_of(joined(",", [(f"{tmp_path}/set/{name}", label) for name, label in ROWS]))
    assert source.labels.tolist() == [1, 0, 1, 0]


def test_a_class_may_hold_the_delimiter_in_quotes(labels_of):
    source = labels_of('a/1.png,"cat, black"\na/2.png,"dog ""Rex"""\nb/3.png,"cat, black"\n10.png,x')
    assert source.class_names == ("cat, black", 'dog "Rex"', "x") and source.labels.tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize(
    ("words", "names", "labels"),
    [
        (["2", "9", "10", "10"], ("2", "9", "10"), [0, 1, 2, 2]),
        (["0", "5", "9", "5"], ("0", "5", "9"), [0, 1, 2, 1]),
        (["1.0", "0.0", "1", "01"], ("0", "1"), [1, 0, 1, 1]),
        (["-1", "1.5", "1", "1"], ("-1", "1", "1.5"), [0, 2, 1, 1]),
        (["2", "10", "x", "x"], ("10", "2", "x"), [1, 0, 2, 2]),
        (["1", "nan", "2", ""], ("1", "2"), [0, -1, 1, -1]),
    ],
)
def test_numbers_are_sorted_as_numbers(labels_of, words, names, labels):
    source = labels_of(joined(",", list(zip(NAMES, words, strict=True))))
    assert source.class_names == names and source.labels.tolist() == labels


def test_what_rows_and_images_leave_over_is_told(labels_of):
    source = labels_of("a/1.png,cat\na/1.png,cat\na/2.png,dog\nx.png,dog\ny.png,cat\nb/3.png,\n")
    assert source.labels.tolist() == [-1, 0, 1, -1]
    where = source.location[:-3] + "labels.csv"
    assert source.notes == (
        f"rows of {where} that say what one before says: 1",
        f"images without a class in {where}: 2, first 10.png",
    )
    assert source.doubts == (
        f"2 of 5 rows of {where} are of no image of the set (the first: x.png); look whether files are missing or "
        "called otherwise",
    )
    nothing = labels_of('{"labels": null}')
    assert nothing.class_names == () and nothing.labels.tolist() == [-1] * 4
    assert nothing.notes == (f"{where} has no classes, so there are no labels",)


FAULTS = {
    "empty": ("", "is empty"),
    "one column": ("a/1.png\na/2.png\n", "has one column"),
    "titles alone": ("file_name,label\n", "a line of titles and no rows"),
    "three columns": ("a/1.png,a,b\na/2.png,a,b\n", "has 3 columns; name them in its first line: file_name and label"),
    "captions": ("file_name,text\na/1.png,a cat\n", "has the columns file_name, text; name"),
    "ragged": ("a/1.png,a\na/2.png\n", "line 2 of .* has 1 columns and the first 2"),
    "open quote": ('a/1.png,"a\na/2.png,b\n', "is damaged .unexpected end of data"),
    "binary": (b"\0\1\2", "is no text"),
    "cut UTF-16": ("a,b".encode("utf-16")[:-1], "begins as UTF-16"),
    "contradiction": ("a/1.png,a\na/1.png,b\n", r"says of a/1.png that it is a \(line 1\) and b \(line 2\)"),
    "other names": ("q.png,a\nr.png,b\n", "no row .* its first is of q.png, the set's first image is 10.png"),
    "no name": ("a/1.png,b\n,a\n", "line 2 of .* names no image"),
    "cut json": ('{"labels": [["a/1.png", 6], ["a', "is damaged"),
    "other json": ('{"images": [], "annotations": []}', 'has no "labels"'),
    "vectors": ('{"labels": [["a/1.png", [0, 1]]]}', r'entry 1 of "labels" .* has the class \[0, 1\]'),
    "triples": ('{"labels": [["a/1.png", 0, 1]]}', r"entry 1 .* must be \[name, class\]"),
    "number": ('{"labels": 5}', "must be a list"),
    "deep": ("[" * 100_000, "nested too deeply"),
    "cut line": ('{"file_name": "a/1.png", "label": 3}\n{"file_name": \n', "line 2 of .* is damaged"),
    "line without name": ('{"file_name": "a/1.png", "label": 3}\n{"label": 1}\n', "line 2 of .* has no file_name"),
    "list in line": ('{"file_name": "a/1.png", "label": [3]}\n', r"line 1 of .* has the class \[3\]"),
    "text in lines": ('{"file_name": "a/1.png", "text": "x"}\n', "has the columns file_name, text"),
    "huge field": ("a/1.png," + "x" * 200_000 + "\n", "field larger than field limit"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_one_line_with_the_file(labels_of, fault):
    content, words = FAULTS[fault]
    with pytest.raises(UserError, match=words) as caught:
        labels_of(content)
    assert "\n" not in str(caught.value) and "labels.csv" in str(caught.value)


def test_classes_with_nearly_the_same_name_are_told(labels_of, tmp_path, draw):
    source = labels_of("a/1.png,T-Shirt\na/2.png,t-shirt \nb/3.png,café\n10.png,cafe\u0301\n")
    assert source.doubts == (
        "the classes 'T-Shirt', 't-shirt' have nearly the same name (and 1 more such); join them if they are one, or "
        "rename them",
    )
    for number, name in enumerate(("cat", "Cat ", "cat_2", "dog")):
        draw(f"other/{name}/1.png", number)
    (doubt,) = open_folder(str(tmp_path / "other")).doubts
    assert doubt.startswith("the classes 'Cat ', 'cat' have nearly the same name; join")


def test_a_row_that_can_be_of_two_images_is_an_error(tmp_path, draw):
    for name in ("x/1.png", "y/1.png", "y/2.jpg", "y/2.png"):
        draw(f"set/{name}")
    file = tmp_path / "labels.csv"
    for row, words in (("1.png", "x/1.png or y/1.png"), ("y/2", "y/2.jpg or y/2.png")):
        file.write_text(f"{row},a\n")
        with pytest.raises(UserError, match=f"line 1 of .*, can be {words}; write its path"):
            open_folder(str(tmp_path / "set"), labels=str(file))


def test_names_in_other_forms_of_unicode_and_in_other_encodings(tmp_path, draw):
    draw("set/" + unicodedata.normalize("NFD", "ä.png"))
    draw("set/" + os.fsdecode(b"\xf6.png"))
    (tmp_path / "labels.csv").write_bytes(unicodedata.normalize("NFC", "ä.png,x\n").encode() + b"\xf6.png,y\n")
    source = open_folder(str(tmp_path / "set"), labels=str(tmp_path / "labels.csv"))
    assert source.class_names == ("x", "y") and source.labels.tolist() == [0, 1] and source.notes == ()


def test_a_file_that_is_none_is_told_with_the_one_that_is_there(tmp_path, draw, monkeypatch):
    draw("set/1.png")
    (tmp_path / "set/labels.csv").write_text("1.png,a\n")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    for given, words in {
        "labels.csv": "is not there; it must be auto, none, folders or a file .*; there is set/labels.csv",
        "set": "is a folder",
        "pipe": "is no regular file",
    }.items():
        with pytest.raises(UserError, match=f"--labels={given} {words}"):
            open_folder("set", labels=given)
    source = open_folder("set", labels="set/labels.csv")
    assert source.class_names == ("a",) and not source.passed_over  # the file is used


def test_a_dataset_json_of_stylegan_is_found_and_another_is_not_taken_for_it(tmp_path, draw):
    for number in range(3):
        draw(f"set/0000{number}/{number}.png", number)
    file, path = tmp_path / "set/dataset.json", str(tmp_path / "set")
    file.write_text(json.dumps({"labels": [[f"0000{number}/{number}.png", 5 - number % 2] for number in range(3)]}))
    source = open_folder(path)
    assert source.class_names == ("4", "5") and source.labels.tolist() == [1, 0, 1] and not source.passed_over
    assert "--labels=folders takes the sub-folders instead" in source.notes[0]
    folders = open_folder(path, labels="folders")
    assert folders.class_names == ("00000", "00001", "00002")
    file.write_text('{"labels": null}')
    assert open_folder(path).class_names == ()
    file.write_text('{"other": 1}')
    assert open_folder(path).fingerprint == folders.fingerprint
    assert dict(open_folder(path).passed_over) == {"files that end in .json": 1}
    file.write_text('{"labels": [["00000/0.png", 5], ["000')
    with pytest.raises(UserError, match=r"set/dataset\.json is damaged"):
        open_folder(path)


@pytest.fixture
def split(tmp_path, draw):
    """A set with two splits of images with the same names."""
    for seed, name in enumerate(("train/0.png", "train/1.png", "test/0.png", "test/1.png")):
        draw(f"set/{name}", seed)

    def opened(labels):
        path = f"folder:{tmp_path / 'set'}"
        train = open_source(path, labels=labels)
        return train, open_test(path, labels=labels)

    return opened


def test_one_file_for_both_splits(tmp_path, split):
    file = tmp_path / "labels.csv"
    file.write_text("train/0.png,a\ntrain/1.png,b\ntest/0.png,b\ntest/1.png,b\n")
    train, test = split(str(file))
    assert train.labels.tolist() == [0, 1] and test.labels.tolist() == [1, 1] and test.class_names == ("a", "b")
    assert len(train.notes) == 1 and test.notes == (f"{tmp_path}/set/test has no images of the class a",)
    file.write_text("train/0.png,a\ntrain/1.png,b\n")
    assert split(str(file))[1].labels.tolist() == [-1, -1]
    file.write_text("0.png,a\n1.png,b\n")
    with pytest.raises(UserError, match=r"0\.png, can be an image for training or of .*/set/test; write its path"):
        split(str(file))


def test_a_file_in_each_split(tmp_path, split):
    (tmp_path / "set/train/metadata.csv").write_text("file_name,label\n0.png,a\n1.png,b\n")
    (tmp_path / "set/test/metadata.csv").write_text("file_name,label\n0.png,b\n1.png,a\n")
    train, test = split("auto")
    assert train.class_names == () and "metadata.csv lies beside the images and is not used" in train.doubts[0]
    train, test = split(str(tmp_path / "set/train/metadata.csv"))
    assert train.labels.tolist() == [0, 1] and test.labels.tolist() == [1, 0]
    (tmp_path / "set/test/metadata.csv").unlink()
    assert split(str(tmp_path / "set/train/metadata.csv"))[1].labels.tolist() == [-1, -1]
