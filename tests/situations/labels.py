"""Labels from elsewhere than the names of folders."""

import json

from tests.situations import Place, situation
from tests.situations.folders import draw, error, opened

NAMES = ("set/10.png", "set/a/1.png", "set/b/2.png")  # in the order of the set


def with_labels(place: Place, content: str | bytes, name: str = "labels.csv"):
    """The set of three images with labels from a file of this content."""
    draw(place, *NAMES)
    (place.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return opened(place, labels=str(place.folder / name))


@situation(
    "labels",
    "--labels=FILE: CSV with and without titles, tabs, semicolons, quotes, byte order mark, Windows, UTF-16",
    "the class of each image",
)
def csv_files(place: Place) -> None:
    rows = ["a/1.png,cat", "b/2.png,dog", "10.png,cat"]
    plain = "\n".join(rows)
    forms = [plain, "file_name,label\n" + plain, plain.replace(",", "\t"), plain.replace(",", ";"), "\ufeff" + plain]
    forms += ["\r\n".join(rows), plain.replace("cat", '"cat"'), plain.encode("utf-16")]
    for content in forms:
        source = with_labels(place, content)
        assert source.class_names == ("cat", "dog") and source.labels.tolist() == [0, 0, 1]


@situation("labels", "rows with the names alone, without ending, with the folder, from Windows", "found all the same")
def names_in_rows(place: Place) -> None:
    for content in (
        "1,x\n2,y\n10,x",
        "set/a/1.png,x\nset/b/2.png,y\nset/10.png,x",
        "a\\1.png,x\n.\\b\\2.png,y\n10.png,x",
    ):
        assert with_labels(place, content).labels.tolist() == [0, 0, 1]


@situation("labels", "classes that are the numbers 10, 9 and 2", "in the order 2, 9, 10; no class without images")
def numbers(place: Place) -> None:
    assert with_labels(place, "a/1.png,10\nb/2.png,9\n10.png,2").class_names == ("2", "9", "10")


@situation("labels", "metadata.jsonl of a Hugging Face image folder", "file_name and label are used")
def json_lines(place: Place) -> None:
    lines = [{"file_name": name.removeprefix("set/"), "label": number % 2} for number, name in enumerate(NAMES)]
    assert with_labels(place, "\n".join(map(json.dumps, lines)), "metadata.jsonl").labels.tolist() == [0, 1, 0]


@situation("labels", "captions (file_name, text) as --labels", "one line that says which columns are looked for")
def captions(place: Place) -> None:
    draw(place, *NAMES)
    (place.folder / "labels.csv").write_text("file_name,text\na/1.png,a cat\n")
    assert "name that of the files file_name, that of the classes label" in error(
        place, labels=str(place.folder / "labels.csv")
    )


@situation("labels", "metadata.csv among the images, without --labels", "a warning that --labels=FILE takes it")
def metadata_unused(place: Place) -> None:
    draw(place, "set/1.png")
    (place.folder / "set/metadata.csv").write_text("file_name,label\n1.png,a\n")
    assert "metadata.csv lies beside the images and is not used" in opened(place).doubts[0]


@situation("labels", "dataset.json of StyleGAN in the folder", "its classes instead of 00000, 00001, with a note")
def stylegan(place: Place) -> None:
    draw(place, "set/00000/1.png", "set/00001/2.png")
    file = place.folder / "set/dataset.json"
    file.write_text(json.dumps({"labels": [["00000/1.png", 6], ["00001/2.png", 6]]}))
    source = opened(place)
    assert source.class_names == ("6",) and "--labels=folders takes the sub-folders instead" in source.notes[0]
    file.write_text('{"labels": null}')
    assert opened(place).class_names == ()
    file.write_text('{"labels": [["00000/1')
    assert "dataset.json is damaged" in error(place)


@situation(
    "labels", "images without a row, rows without an image, rows twice", "counted, with the first name; no label then"
)
def left_over(place: Place) -> None:
    source = with_labels(place, "a/1.png,x\na/1.png,x\nc.png,y\n")
    assert source.labels.tolist() == [-1, 0, -1]
    assert [note.rpartition(": ")[2] for note in source.notes] == ["1", "2, first 10.png"]
    assert "1 of 2 rows" in source.doubts[0] and "c.png" in source.doubts[0]


@situation("labels", "two rows that disagree; a row that fits two images", "one line with the numbers of the lines")
def contradictions(place: Place) -> None:
    draw(place, *NAMES, "set/b/1.png")
    file = place.folder / "labels.csv"
    file.write_text("a/1.png,x\na/1.png,y\n")
    assert "says of a/1.png that it is x (line 1) and y (line 2)" in error(place, labels=str(file))
    file.write_text("1.png,x\n")
    assert "line 1 of" in error(place, labels=str(file)) and "can be a/1.png or b/1.png" in error(
        place, labels=str(file)
    )


@situation("labels", "a labels file of other images, a cut one, an image as labels", "one line that says what it is")
def bad_files(place: Place) -> None:
    draw(place, *NAMES)
    file = place.folder / "labels.csv"
    for content, words in {
        b"q.png,a\nr.png,b\n": "its first is of q.png, the set's first image is 10.png",
        b'a/1.png,"a\nb/2.png,b\n': "is damaged (unexpected end of data)",
        (place.folder / NAMES[0]).read_bytes(): "is no text",
    }.items():
        file.write_bytes(content)
        assert words in error(place, labels=str(file))
