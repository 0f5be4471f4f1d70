"""What a benchmark compares: configs with some settings changed, and rivals by name. No TensorFlow here."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gan import config as configs
from gan.bench import twins
from gan.errors import UserError
from gan.settings import Config, fields

AS_GIVEN = "as given"
_BOOLEANS = {"true": True, "false": False}
_ONCE_A_PROCESS = ("threads", "logical_cpus", "replicas", "strategy", "deterministic")
_SAME_IMAGES = ("data_in_memory", "data_workers", "flip")  # of the settings of data: how they are read and used
# Settings that trainings to a quality do not leave to anybody, and what to give instead.
DECIDED = {
    "steps": "the line ends a training, or --minutes",
    "epochs": "the line ends a training, or --minutes",
    "evaluate_every_steps": "give --evaluate_every_images",
    "sample_every_steps": "they draw none; bin/sample draws of the run of each",
    "keep_best": "--to names the metric",
}
_OF_ALL = ("seed", "minutes", "evaluate_num", "evaluate_features", *DECIDED)  # what they all have alike


class Contestants(NamedTuple):
    """The configs by the text that asked for them, the given one first, and the names of the rivals."""

    variants: dict[str, Config]
    rivals: list[str]

    @property
    def given(self) -> Config:
        """The config that the others are measured against."""
        return self.variants[AS_GIVEN]


def of(settings: Mapping[str, Any], against: Sequence[str], apart: bool = False) -> Contestants:
    """The contestants of the texts `against`: each a list of name=value and rivals, with commas.

    The changed settings of one text make one contestant. Those that train `apart`, each in a process of its own, may
    differ in what one process can have only once; a rival is not among them. Raises `UserError`.
    """
    known = () if apart else twins.NAMES
    settings = {**settings, **({"evaluate_every_steps": 1} if apart else {})}  # how often is decided later
    variants, names = {AS_GIVEN: configs.make(**settings)}, []
    for text in against:
        items = [item.strip() for item in text.split(",")]
        names += [item for item in items if item in known and item not in names]
        changes = [item for item in items if item not in known]
        if changes:
            variants[",".join(changes)] = _variant(settings, text, changes, apart)
    for name in names:
        twins.check(name, variants[AS_GIVEN])
    return Contestants(variants, names)


def named(asked: Contestants) -> dict[str, Config]:
    """The configs by names that tell them apart: that of the given one has its values of what the others change.

    Raises `UserError` if two of them are the same.
    """
    others = {name: config for name, config in asked.variants.items() if name != AS_GIVEN}
    changed = dict.fromkeys(item.partition("=")[0] for name in others for item in name.split(",")) or ("preset",)
    own = ",".join(f"{name}={_text(getattr(asked.given, name))}" for name in changed)
    found: dict[str, Config] = {}
    for name, config in {own: asked.given, **others}.items():
        if same := next((other for other, known in found.items() if known == config), ""):
            raise UserError(f"--against={name} is the same as {same}; leave it out")
        found[name] = config
    if len(found) < len(asked.variants):
        raise UserError(f"--against={own} is as the settings are given; leave it out")
    return found


def _variant(settings: Mapping[str, Any], text: str, items: Sequence[str], apart: bool) -> Config:
    """The config of the settings with those of `items` changed."""
    changed = {}
    for item in items:
        name, equals, value = item.partition("=")
        field = fields().get(name)
        if not equals or field is None or not _comparable(name, field.metadata["group"], apart):
            known = ", ".join(twins.NAMES)
            wanted = "that trainings with --to can differ in" if apart else "that one process can compare, nor one of "
            raise UserError(f"--against={text}: {item!r} is not a setting=value {wanted}{known * (not apart)}")
        try:
            changed[name] = _BOOLEANS[value.lower()] if field.type is bool else field.type(value)
        except (KeyError, ValueError):
            raise UserError(f"--against={text}: {value!r} is not of type {field.type.__name__}") from None
    if "preset" in changed:
        return configs.make(**settings | changed)
    return configs.changed(configs.make(**settings), **changed)


def _text(value: Any) -> str:
    """A value as it is written in a flag."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _comparable(name: str, group: str, apart: bool) -> bool:
    """Whether contestants with images of one set, of one process or not, may differ in a setting."""
    return name not in (_OF_ALL if apart else _ONCE_A_PROCESS) and (group != "data" or name in _SAME_IMAGES)
