"""How files are broken: bytes changed, JSON changed within, texts that are no texts."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

# Numbers and words at the edges of what programs take.
ODD_NUMBERS = st.sampled_from([0, -1, 1, 2**31, 2**63, 10**12, -(10**20), 1e300, 0.5, float("nan"), float("inf")])
ODD_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "\0",
        "../../etc/passwd",
        "/",
        "~",
        "%s%n",
        "{}",
        "nan",
        "1e999",
        "\u202e",
        "a" * 300,
        "é\n\x1b[31m",
        "None",
    ]
)
JSON = st.one_of(
    st.none(), st.booleans(), ODD_NUMBERS, ODD_TEXTS, st.just([]), st.just({}), st.just([[[]]]), st.just({"a": [None]})
)
BYTES = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "zero", "insert", "repeat"]), st.floats(0, 1), st.binary(max_size=8)),
    min_size=1,
    max_size=3,
)
WITHIN = st.lists(st.tuples(st.lists(st.integers(0, 60), max_size=6), JSON, st.booleans()), min_size=1, max_size=3)


def bytes_broken(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    """The bytes after each edit (what, where as a share of their length, new bytes)."""
    for what, share, new in edits:
        at = int(share * len(data))
        if what == "flip" and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ (1 + len(new))]) + data[at + 1 :]
        elif what == "cut":
            data = data[:at]
        elif what == "zero":
            data = data[:at] + bytes(len(data[at : at + 64])) + data[at + 64 :]
        elif what == "insert":
            data = data[:at] + new + data[at:]
        else:
            data = data + data[at:]
    return data


def json_broken(value: Any, edits: list[tuple[list[int], Any, bool]]) -> Any:
    """The JSON value with what lies at each path (numbers of entries, in turn) replaced, or removed."""
    value = copy.deepcopy(value)
    for path, new, removes in edits:
        parent, key, here = None, None, value
        for number in path:
            keys = list(here) if isinstance(here, dict) else list(range(len(here))) if isinstance(here, list) else []
            if not keys:
                break
            parent, key = here, keys[number % len(keys)]
            here = parent[key]
        if parent is None:
            value = copy.deepcopy(new)
        elif removes:
            del parent[key]
        else:
            parent[key] = copy.deepcopy(new)
    return value


def as_text(value: Any) -> str:
    """JSON as Python writes it, with the NaN that strict readers refuse."""
    return json.dumps(value)
