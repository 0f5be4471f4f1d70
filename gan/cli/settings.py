"""The flags of a run's settings, one for each field of `gan.settings.Config`.

All default to None: only what was given on the command line or in a --flagfile changes what the preset says.
"""

import re
from collections.abc import Iterable
from typing import Any

from gan import config as config_lib
from gan.cli.packages import flags
from gan.settings import GROUPS, fields

_DEFINERS = {
    bool: flags.DEFINE_boolean,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define(names: Iterable[str] = (), values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines the flags of the named settings, of all if none is named; raises KeyError for an unknown name."""
    known = fields()
    for name in tuple(names) or known:
        field = known[name]
        _DEFINERS[field.type](name, None, _help(field), flag_values=values)


def explicit(names: Iterable[str] = (), values: flags.FlagValues = flags.FLAGS) -> dict[str, Any]:
    """Those of the named settings, of all if none is named, that were given, by name."""
    wanted = tuple(names) or fields()
    return {name: values[name].value for name in wanted if name in values and values[name].present}


def describe(values: flags.FlagValues = flags.FLAGS) -> dict[str, list[str]]:
    """The names of the defined settings by the title of their group, in the order of `Config`."""
    groups: dict[str, list[str]] = {title: [] for title in GROUPS.values()}
    for name, field in fields().items():
        if name in values:
            groups[GROUPS[field.metadata["group"]]].append(name)
    return {title: names for title, names in groups.items() if names}


def _help(field) -> str:
    """The text of a setting: what it means, its choices, its default and the presets that have another."""
    if field.name == "preset":
        return f"{field.metadata['help']}: {_words(config_lib.PRESETS, 'or')} (default: {config_lib.DEFAULT_PRESET})"
    text = field.metadata["help"]
    told = all(choice in re.findall(r"\w+", text) for choice in field.metadata["choices"])
    if field.type is str and not told:
        text += f": {_words(field.metadata['choices'], 'or')}"
    default = _value_of(field, config_lib.DEFAULT_PRESET)
    notes = [f"default: {shown(default)}"]
    for preset in config_lib.PRESETS:
        if _value_of(field, preset) != default:
            notes.append(f"{preset}: {shown(_value_of(field, preset))}")
    return f"{text} ({'; '.join(notes)})"


def _value_of(field, preset: str) -> Any:
    """The value that a preset gives to a setting."""
    return config_lib.PRESETS[preset].get(field.name, field.default)


def shown(value: Any) -> str:
    """A value as it would be written on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value) or "empty"


def _words(choices: Iterable[Any], conjunction: str) -> str:
    """`a, b or c`."""
    *first, last = map(str, choices)
    return f"{', '.join(first)} {conjunction} {last}" if first else last
