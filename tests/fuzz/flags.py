"""Flags of bin/train as people type them, and files of them."""

from pathlib import Path

from absl import flags as absl
from hypothesis import strategies as st

from gan import config as configs
from gan.cli import command, settings
from gan.jobs.requests import Train
from gan.settings import fields
from tests.fuzz import Kind
from tests.fuzz.damage import BYTES, ODD_NUMBERS, ODD_TEXTS, bytes_broken

_SETTINGS = st.sampled_from(sorted(fields()))
_NAMES = _SETTINGS | _SETTINGS | st.sampled_from(["workdir", "seeds", "", "no", "flagfile", "-x"])
_VALUES = st.one_of(
    ODD_NUMBERS.map(str),
    ODD_TEXTS,
    st.text(max_size=8),
    st.sampled_from(
        ["true", "false", "article", "dcgan", "hinge", "1", "64", "0.5", "folder:", "npz:/x", "1,2", "0,1"]
    ),
)
_FORMS = st.just("--{0}={1}") | st.sampled_from(
    ["-{0}={1}", "--no{0}", "--{0}", "{0}={1}", "--{0}=={1}", "--{0} {1}", "{1}"]
)
LINES = st.lists(st.builds(lambda form, *parts: form.format(*parts), _FORMS, _NAMES, _VALUES), max_size=3)
_ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])


def parse(arguments: list[str]) -> None:
    """What bin/train does with its arguments before it looks at anything else."""
    values = absl.FlagValues()
    settings.define(values=values)
    command.parse(["train", *arguments], values)
    request = Train(settings.explicit(values=values))
    configs.make(**request.settings)


def write(folder: Path, case: tuple[list[str], str, list, bool]) -> None:
    """A file of flags in some encoding, broken or not; it may name itself."""
    lines, encoding, edits, itself = case
    lines = [*lines, f"--flagfile={folder / 'flags'}"] if itself else lines
    data = "\r\n".join(lines).encode(encoding, errors="replace")
    (folder / "flags").write_bytes(bytes_broken(data, edits))


FLAGS = Kind("flags", LINES, lambda folder, case: None, lambda folder, case: parse(case), share=3)
FILES = Kind(
    "flag files",
    st.tuples(LINES, _ENCODINGS, st.one_of(st.just([]), BYTES), st.booleans()),
    write,
    lambda folder, case: parse([f"--flagfile={folder / 'flags'}"]),
    share=3,
)
