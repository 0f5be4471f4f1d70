"""The help page of a command: grouped, wrapped to the terminal, without TensorFlow."""

import shutil
import sys
import textwrap
from pathlib import Path

from gan.cli import settings
from gan.cli.packages import flags

_COLUMN = 30
_METAVARS = {"int": "N", "float": "X", "bool": ""}
_ALWAYS = [
    ("--flagfile=FILE", "read flags from a file, one a line; later flags override earlier ones"),
    ("--help, -h", "show this page"),
    ("--version", "show the version"),
]


def program(path: str) -> str:
    """The name of the command as it is typed, from the path of its module."""
    return f"bin/{Path(path).stem}"


def shown_flags(values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """The names of all flags but those that absl and other libraries define for themselves."""
    modules = values.flags_by_module_dict()
    return [
        flag.name
        for module, defined in sorted(modules.items(), key=lambda item: item[0] != sys.argv[0])  # the command's first
        if not module.startswith("absl.") and module != "absl"
        for flag in defined
    ]


def page(docstring: str, name: str, values: flags.FlagValues = flags.FLAGS) -> str:
    """The whole help page of the command `name` whose module has this docstring."""
    width = max(50, min(110, shutil.get_terminal_size().columns))
    summary, _, details = docstring.strip().partition("\n\n")
    parts = [textwrap.fill(" ".join(summary.split()), width), f"usage: {name} [--flag=value ...]"]
    if details:
        parts.append(textwrap.dedent(details).rstrip())
    groups = settings.describe(values)
    grouped = {flag for names in groups.values() for flag in names}
    own = [flag for flag in shown_flags(values) if flag not in grouped]
    for title, names in {"Command": own, **groups}.items():
        if names:
            rows = [(_head(values[flag]), _text(values[flag])) for flag in names]
            parts.append(_section(title, rows, width))
    parts.append(_section("Always", _ALWAYS, width))
    return "\n\n".join(parts)


def _head(flag: flags.Flag) -> str:
    """How a flag is written: --name=N."""
    kind = flag.flag_type()
    if kind == "bool":
        return f"--[no]{flag.name}"
    return f"--{flag.name}={_METAVARS.get(kind, 'TEXT')}"


def _text(flag: flags.Flag) -> str:
    """What a flag means, with its default if it has one that the text does not already say."""
    said = "default" in flag.help or flag.default in (None, False, "", [])
    return flag.help if said else f"{flag.help} (default: {settings.shown(flag.default)})"


def _section(title: str, rows: list[tuple[str, str]], width: int) -> str:
    """A titled list of flags: the flag on the left, its text wrapped on the right."""
    lines = [f"{title}:"]
    indent = " " * _COLUMN
    for head, text in rows:
        first = f"  {head}".ljust(_COLUMN)
        if len(first) > _COLUMN:
            lines.append(first)
            first = indent
        filled = textwrap.fill(" ".join(text.split()), width, initial_indent=first, subsequent_indent=indent)
        lines.append(filled if text else first.rstrip())
    return "\n".join(lines)
