"""Which columns of a Parquet file are the images and the labels, and what the classes are called."""

import json
from typing import Any, NamedTuple

from gan.data.labels import NAMES
from gan.errors import UserError

_IMAGES = ("image", "img", "images", "picture", "jpg", "jpeg", "png", "webp", "pixel_values")


class Columns(NamedTuple):
    """The columns of a data set."""

    image: str
    label: str  # empty where there is none
    class_names: tuple[str, ...] | None  # in the order of their numbers, None where they are not told
    notes: tuple[str, ...] = ()


def columns(schema: Any, where: str) -> Columns:
    """The columns in a schema of pyarrow.

    The images are those that the data set's own description says, or a column of binary values, or of such with paths;
    of several the one that is called as images are. Raises `UserError` if there is none, or several.
    """
    described = _described(schema)
    image = _image(schema, described, where)
    typed = [name for name, kind in described.items() if kind.get("_type") == "ClassLabel" and name in schema.names]
    plain = [field.name for field in schema if field.name.lower() in NAMES and field.name not in (image, *typed)]
    single = [name for name in plain if _is_single(schema.field(name).type)]
    label = _first(typed) or (_first(single) if not typed else None) or ""
    names = described.get(label, {}).get("names")
    notes = tuple(f"labels are the column `{label}`, not `{other}`" for other in (*typed, *single) if label != other)
    if not label:
        several = typed or single
        notes = tuple(f"no labels: `{name}` is {schema.field(name).type}, not one label" for name in plain)
        notes = (f"no labels: several columns may be ({', '.join(several)})",) if several else notes
    return Columns(image, label, tuple(map(str, names)) if names else None, notes)


def _described(schema: Any) -> dict[str, dict]:
    """What Hugging Face's `datasets` wrote of the columns, by their names; nothing where it did not."""
    try:
        found = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {name: kind for name, kind in found.items() if isinstance(kind, dict)} if isinstance(found, dict) else {}


def _image(schema: Any, described: dict[str, dict], where: str) -> str:
    told = [name for name, kind in described.items() if kind.get("_type") == "Image" and name in schema.names]
    fitting = [field.name for field in schema if _may_be_image(field.type)]
    candidates = [name for name in told if name in fitting] or fitting
    by_name = {name.lower(): name for name in reversed(candidates)}
    usual = next((by_name[name] for name in _IMAGES if name in by_name), None)
    if not usual and len(candidates) != 1:
        there = ", ".join(f"{field.name} {field.type}"[:60] for field in schema)
        what = f"several columns of images ({', '.join(candidates)})" if candidates else "no column of encoded images"
        raise UserError(f"{where} has {what} (all columns: {there}); call the one of the images `image`")
    return usual or candidates[0]


def _first(names: list[str]) -> str | None:
    """The one with the likeliest name, or the only one."""
    by_name = {name.lower(): name for name in reversed(names)}
    usual = next((by_name[name] for name in NAMES if name in by_name), None)
    return usual or (names[0] if len(names) == 1 else None)


def _may_be_image(kind: Any) -> bool:
    """Whether values are bytes, or a struct with bytes."""
    import pyarrow.types as types

    if types.is_struct(kind):
        found = kind.get_field_index("bytes")
        return found >= 0 and _may_be_image(kind.field(found).type)
    return types.is_binary(kind) or types.is_large_binary(kind)


def _is_single(kind: Any) -> bool:
    """Whether values are single numbers or words."""
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    return any(test(kind) for test in tests)
