"""Files that say which image is of which class: what is in them, as rows of (name, class), whatever form they have.

CSV with commas, semicolons or tabs, or words with blanks between; JSON Lines, an object a line, as Hugging Face image
folders have them; and the dataset.json of StyleGAN, {"labels": [["00000/img00000000.png", 6], ...]} or null.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from gan.data.decoding.formats import SUFFIXES
from gan.errors import UserError

STYLEGAN = "dataset.json"
NAMES = ("file_name", "filename", "file", "path", "filepath", "file_path", "image", "image_name", "image_path")
NAMES += ("image_id", "imageid", "img", "img_name", "image_file", "name", "fname", "id")
CLASSES = ("label", "labels", "class", "classes", "class_name", "classname", "class_id", "category", "category_name")
CLASSES += ("category_id", "target", "y", "label_name", "label_id", "class_label")
_CAPTIONS = ("text", "caption", "captions", "prompt", "description", "objects", "bbox")
_DELIMITERS = "\t;, "
_BEGINNING = 1024  # bytes of a dataset.json in which StyleGAN's says what it is
_TRIED = 50  # lines that a delimiter must divide into as many parts each


class Row(NamedTuple):
    """What a file says of one image."""

    line: int
    name: str
    category: str  # its class; empty where it has none


def stylegan(data: bytes, where: str) -> list[Row] | None:
    """The rows of a dataset.json as StyleGAN writes it; None if this is another file of that name.

    Raises `UserError` naming `where` if it is damaged.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        if b'"labels"' not in data[:_BEGINNING]:
            return None
        raise UserError(f"{where} is damaged ({error}); write it again, or give --labels=folders or none") from None
    if not isinstance(content, dict) or "labels" not in content:
        return None
    return _stylegan_rows(content["labels"], where)


def rows(data: bytes, where: str) -> list[Row]:
    """The rows of a file of any of these forms; raises `UserError` naming `where` and the line if it has none."""
    text = _text(data, where)
    if not text.strip():
        raise UserError(f"{where} is empty; write a name and a class in each line")
    if text.lstrip()[0] in "[{":
        return _of_json(text, where)
    return _of_table(text, where)


def _text(data: bytes, where: str) -> str:
    """The file as text; bytes that are no UTF-8 as file names have them."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise UserError(f"{where} is damaged: it begins as UTF-16 and is none; write it as UTF-8") from None
    if b"\0" in data:
        raise UserError(f"{where} is no text; give a CSV file of names and classes, JSON Lines or a dataset.json")
    return data.decode("utf-8-sig", "surrogateescape")


def _of_json(text: str, where: str) -> list[Row]:
    """The rows of a dataset.json, or of an object in each line."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise UserError(f"{where} is no list of labels: it is nested too deeply") from None
    except ValueError as error:
        if text.lstrip()[0] == "{" and "}\n" in text.replace("\r", "").rstrip().partition("\n")[0] + "\n":
            return _of_lines(text, where)
        raise UserError(f"{where} is damaged ({error}); write it again") from None
    if isinstance(content, dict) and "labels" in content:
        return _stylegan_rows(content["labels"], where)
    if isinstance(content, dict) and _column(list(content), NAMES) is not None:
        return _of_lines(text, where)  # a single line
    raise UserError(f'{where} has no "labels": [["name.png", 0], ...]; give a dataset.json of this form, or a CSV file')


def _stylegan_rows(labels: Any, where: str) -> list[Row]:
    found = []
    pairs = labels.items() if isinstance(labels, dict) else labels or []
    if not isinstance(labels, list | dict | None):
        raise UserError(f'"labels" of {where} must be a list of [name, class], or null')
    for number, pair in enumerate(pairs, 1):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise UserError(f'entry {number} of "labels" of {where} must be [name, class]')
        found.append(Row(number, pair[0], _category(pair[1], f'entry {number} of "labels" of {where}')))
    return found


def _of_lines(text: str, where: str) -> list[Row]:
    """The rows of JSON Lines."""
    found, keys = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"line {number} of {where} is damaged ({error}); write it again") from None
        if not isinstance(entry, dict):
            raise UserError(f"line {number} of {where} is no object with a name and a class")
        keys = keys or _columns(list(entry), where)
        name, category = (list(entry)[0], None) if keys is None else keys
        if not isinstance(entry.get(name), str):
            raise UserError(f"line {number} of {where} has no {name}")
        found.append(Row(number, entry[name], _category(entry.get(category), f"line {number} of {where}")))
    return found


def _category(value: Any, where: str) -> str:
    """A class as text; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UserError(f"{where} has the class {json.dumps(value)[:60]}; a class is one name or number")
    return str(value).strip()


def _of_table(text: str, where: str) -> list[Row]:
    """The rows of lines with a delimiter between their parts."""
    parts = list(_parts(text, _delimiter(text), where))
    if not parts:
        raise UserError(f"{where} has no rows; write a name and a class in each line")
    first = [word.strip().lstrip("#").strip() for word in parts[0][1]]
    width = len(first)
    if width < 2:
        raise UserError(f"{where} has one column; write a name and a class in each line, with a comma between")
    for line, row in parts:
        if len(row) != width:
            raise UserError(f"line {line} of {where} has {len(row)} columns and the first {width}; write it again")
    if _is_header(first, parts):
        columns, parts = _columns(first, where), parts[1:]
        name, category = (first.index(column) for column in columns)
    elif width == 2:
        name, category = 0, 1
        if not any(_is_image(row[0]) for _, row in parts) and all(_is_image(row[1]) for _, row in parts):
            name, category = 1, 0
    else:
        raise UserError(f"{where} has {width} columns; name them in its first line: file_name and label")
    if not parts:
        raise UserError(f"{where} has a line of titles and no rows; write a name and a class in each line")
    return [Row(line, row[name].strip(), row[category].strip()) for line, row in parts]


def _delimiter(text: str) -> str:
    """What divides each line into the same number of parts, at least two; a comma where nothing does."""
    lines = [line for line in text.splitlines()[: _TRIED + 1] if line.strip()][:_TRIED]
    for delimiter in _DELIMITERS:
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)}
        except csv.Error:
            continue
        if len(widths) == 1 and widths.pop() > 1:
            return delimiter
    return ","


def _parts(text: str, delimiter: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the parts of each line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            if any(part.strip() for part in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise UserError(f"line {reader.line_num} of {where} is damaged ({error}); write it again") from None


def _is_header(first: list[str], parts: list[tuple[int, list[str]]]) -> bool:
    """Whether the first line names the columns."""
    if any(_is_image(word) for word in first):
        return False
    known = _column(first, NAMES) is not None or _column(first, CLASSES) is not None
    return known or (len(parts) > 1 and any(_is_image(word) for word in parts[1][1]))


def _is_image(word: str) -> bool:
    return word.strip().lower().endswith(SUFFIXES)


def _column(columns: Sequence[str], known: Sequence[str]) -> str | None:
    """The first of the `known` names that a column has, with any capitals, as it is written there."""
    plain = {column.strip().casefold().replace(" ", "_"): column for column in reversed(columns)}
    return next((plain[name] for name in known if name in plain), None)


def _columns(columns: list[str], where: str) -> tuple[str, str]:
    """The names of the columns of names and of classes; raises `UserError`."""
    name, category = _column(columns, NAMES), _column(columns, CLASSES)
    if len(columns) == 2 and (name is None) != (category is None):
        (other,) = (column for column in columns if column not in (name, category))
        name, category = name or other, category or other
    elif len(columns) == 2 and name is None:
        name, category = columns
    if name is None or category is None or name == category or category.casefold() in _CAPTIONS:
        there = ", ".join(columns[:12])
        raise UserError(f"{where} has the columns {there}; name that of the files file_name, that of the classes label")
    return name, category
