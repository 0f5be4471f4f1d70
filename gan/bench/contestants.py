"""What a benchmark compares: configs with some settings changed, and rivals by name. No TensorFlow here."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan import config as configs
from gan.bench import twins
from gan.errors import UserError
from gan.settings import Config, fields

AS_GIVEN = "as given"
_BOOLEANS = {"true": True, "false": False}
_ONCE_A_PROCESS = ("threads", "logical_cpus", "replicas", "strategy")
_SAME_IMAGES = ("data_in_memory", "data_workers", "flip")  # of the settings of data: how they are read and used


class Contestants(NamedTuple):
    """The configs by the text that asked for them, the given one first, and the names of the rivals."""

    variants: dict[str, Config]
    rivals: list[str]

    @property
    def given(self) -> Config:
        """The config that the others are measured against."""
        return self.variants[AS_GIVEN]


def of(settings: Mapping[str, Any], against: Sequence[str]) -> Contestants:
    """The contestants of the texts `against`: each a list of name=value and rivals, with commas.

    The changed settings of one text make one contestant. Raises `UserError`.
    """
    variants, names = {AS_GIVEN: configs.make(**settings)}, []
    for text in against:
        items = [item.strip() for item in text.split(",")]
        names += [item for item in items if item in twins.NAMES and item not in names]
        changes = [item for item in items if item not in twins.NAMES]
        if changes:
            variants[",".join(changes)] = _variant(settings, text, changes)
    for name in names:
        twins.check(name, variants[AS_GIVEN])
    return Contestants(variants, names)


def _variant(settings: Mapping[str, Any], text: str, items: Sequence[str]) -> Config:
    """The config of the settings with those of `items` changed."""
    changed = {}
    for item in items:
        name, equals, value = item.partition("=")
        field = fields().get(name)
        if not equals or field is None or not _comparable(name, field.metadata["group"]):
            known = ", ".join(twins.NAMES)
            raise UserError(
                f"--against={text}: {item!r} is not a setting=value that one process can compare, nor one of {known}"
            )
        try:
            changed[name] = _BOOLEANS[value.lower()] if field.type is bool else field.type(value)
        except (KeyError, ValueError):
            raise UserError(f"--against={text}: {value!r} is not of type {field.type.__name__}") from None
    if "preset" in changed:
        return configs.make(**settings | changed)
    return configs.changed(configs.make(**settings), **changed)


def _comparable(name: str, group: str) -> bool:
    """Whether contestants of one process, with images of one set, may differ in a setting."""
    return name not in _ONCE_A_PROCESS and (group != "data" or name in _SAME_IMAGES)
