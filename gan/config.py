"""Configs: of a preset, changed, validated, and of a run that is started again."""

import dataclasses
import re
from collections.abc import Collection, Mapping
from typing import Any

from gan.effects import adapts, without_effect
from gan.errors import UserError
from gan.presets import DEFAULT_PRESET, PRESETS
from gan.settings import COMMANDS, MOST_REPLICAS, Change, Config, fields

LARGEST_ADAPTIVE = 0.8  # the strength that an adaptive augmentation stays within: `gan.core.augment` says why

# Settings of earlier versions whose meaning is that of another one now.
RENAMED = {"r1_gamma": "gamma", "adam_epsilon": "epsilon"}


def make(preset: str = DEFAULT_PRESET, **settings: Any) -> Config:
    """The config of a preset with the given settings changed, validated; raises `UserError`.

    That a setting has no effect is a mistake of those who gave it; what the preset has may be left over.
    """
    return _effective(assembled(preset, **settings), settings)


def assembled(preset: str = DEFAULT_PRESET, **settings: Any) -> Config:
    """The same, whether or not the settings have an effect.

    Whoever gives steps means as many, and not the epochs that nobody gave: of a small set these are few.
    """
    check_names({"preset": preset, **settings})
    if settings.get("steps") and "epochs" not in settings:
        settings["epochs"] = 0.0
    return validated(Config(**{"preset": preset, **PRESETS[preset], **settings}))


def check_names(settings: Mapping[str, Any]) -> None:
    """Raises `UserError` for a setting that does not exist and a preset that does not."""
    if settings.get("preset", DEFAULT_PRESET) not in PRESETS:
        raise UserError(f"--preset={settings['preset']} is unknown; it must be one of {', '.join(PRESETS)}")
    unknown = sorted(set(settings) - set(fields()))
    if unknown:
        raise UserError(f"unknown setting {', '.join(unknown)}; see --help for the settings there are")


def validated(config: Config) -> Config:
    """`config` itself if every value is within its choices and range; raises `UserError` naming the flag."""
    for name, field in fields().items():
        _check(name, getattr(config, name), field)
    if config.schedule != "constant" and not config.schedule_images:
        raise UserError(f"--schedule={config.schedule} needs its length: give --schedule_images")
    if config.augmentation.startswith("adaptive") and not (config.augmentation_strength or config.augmentation_target):
        raise UserError(f"--augmentation={config.augmentation} would do nothing: give --augmentation_strength")
    if config.objective == "wasserstein" and not (config.gamma or config.weight_clip):
        raise UserError("--objective=wasserstein needs a bound on the slope: give --gamma or --weight_clip")
    _check_replicas(config)
    if not (config.steps or config.epochs or config.minutes):
        raise UserError("the run would never end: give --steps, --epochs or --minutes a value above 0")
    return config


def changed(config: Config, **settings: Any) -> Config:
    """`config` with the given settings changed, validated; raises `UserError`."""
    check_names({"preset": config.preset, **settings})
    return _effective(validated(dataclasses.replace(config, **settings)), settings)


def of_preset(name: str, config: Config) -> Any:
    """The value that a setting has in the config's preset."""
    return PRESETS[config.preset].get(name, fields()[name].default)


def _effective(config: Config, given: Collection[str]) -> Config:
    """`config` itself if each setting of `given` has its effect, or is as in the preset; raises `UserError`.

    One that is as in the preset may come from the flags of another run.
    """
    strength = config.augmentation_strength
    if "augmentation_strength" in given and adapts(config) and strength > LARGEST_ADAPTIVE:
        raise UserError(
            f"--augmentation_strength={strength} must be at most {LARGEST_ADAPTIVE} where it adapts, since beyond it "
            "changes may leak into samples; give less, or --augmentation_target=0"
        )
    for name, needs in without_effect(config).items():
        if name in given and getattr(config, name) != of_preset(name, config):
            raise UserError(f"--{name}={getattr(config, name)} has no effect without {needs}")
    return config


def _check_replicas(config: Config) -> None:
    """Raises `UserError` if the number of replicas is none, or contradicts another setting."""
    text = config.replicas
    if text == "auto":
        return
    digits = text.isascii() and text.isdigit() and text.lstrip("0")
    if not digits or len(digits) > len(str(MOST_REPLICAS)) or int(digits) > MOST_REPLICAS:
        raise UserError(f"--replicas={text} must be auto or a whole number from 1 to {MOST_REPLICAS}")
    if int(digits) > 1 and config.strategy == "one_device":
        raise UserError(
            f"--replicas={text} contradicts --strategy=one_device; give --strategy=auto, or --replicas=auto"
        )
    if config.logical_cpus and config.logical_cpus != int(digits):
        other = f"--logical_cpus={config.logical_cpus}"
        raise UserError(f"--replicas={text} contradicts {other}; give --logical_cpus=0, or --replicas=auto")


def _check(name: str, value: Any, field: dataclasses.Field) -> None:
    """Raises `UserError` if `value` does not fit the field's type, choices or range."""
    rule = field.metadata
    number = field.type in (int, float)
    if type(value) is not field.type and not (field.type is float and type(value) is int):
        raise UserError(f"--{name}={value!r} must be of type {field.type.__name__}")
    if rule["choices"] and value not in rule["choices"]:
        raise UserError(f"--{name}={value} must be one of {', '.join(map(str, rule['choices']))}")
    if number and not _within(value, rule):
        parts = [f"{word} {rule[key]:,}" for key, word in _RANGE_WORDS.items() if rule[key] is not None]
        raise UserError(f"--{name}={value} must be a finite number {' and '.join(parts)}".rstrip())


_RANGE_WORDS = {"low": "of at least", "high": "of at most", "below": "below"}


def _within(value: float, rule) -> bool:
    """Whether `value` is finite and in the rule's range."""
    finite = value - value == 0
    low, high, below = rule["low"], rule["high"], rule["below"]
    return (
        finite
        and (low is None or value >= low)
        and (high is None or value <= high)
        and (below is None or value < below)
    )


def differences(old: dict[str, Any], new: Config) -> dict[Change, list[tuple[str, Any, Any]]]:
    """What changed between a saved config (a dict by field name) and `new`: (name, old, new) by kind of change."""
    changes: dict[Change, list[tuple[str, Any, Any]]] = {"free": [], "numerics": [], "tunable": [], "fixed": []}
    for name, field in fields().items():
        before, after = old.get(name, field.default), getattr(new, name)
        if before != after:
            changes[field.metadata["change"]].append((name, before, after))
    return changes


def continued(saved: Config, given: dict[str, Any]) -> Config:
    """The config of a run that is started again: as saved but for the settings given.

    Another preset changes only what the two presets say. Of the lengths, `minutes` is always that of one start, and
    giving one of `steps` and `epochs` takes the other's limit away. A command is never that of before. Raises
    `UserError`.
    """
    settings = {name: getattr(saved, name) for name in fields()}
    preset = given.get("preset", saved.preset)
    if preset != saved.preset and preset in PRESETS:
        for name in PRESETS[saved.preset].keys() | PRESETS[preset].keys():
            settings[name] = PRESETS[preset].get(name, fields()[name].default)
    if given.keys() & {"steps", "epochs"}:
        settings |= {"steps": 0, "epochs": 0.0}
    settings |= dict.fromkeys(COMMANDS, "")
    if settings["steps"] or settings["epochs"] or given.keys() & {"steps", "epochs"}:
        settings["minutes"] = 0.0
    check_names(given)
    return _effective(validated(Config(**settings | given)), given)


def default_workdir(preset: str, dataset: str) -> str:
    """The folder of a run that was given none: runs/<preset>-<dataset>, of a path its last part."""
    kind, _, rest = dataset.partition(":")
    if kind in ("folder", "npz", "parquet"):
        rest = rest.rstrip("/").rpartition("/")[2].removesuffix(f".{kind}")
    return "runs/" + re.sub(r"[^\w.-]+", "-", f"{preset}-{kind}-{rest}").rstrip("-")
