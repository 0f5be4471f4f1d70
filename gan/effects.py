"""Which settings of a config do nothing beside its others, and what each would need to do something.

Whoever gives such a setting expects something of it: that is a mistake to be told of, not a default to be passed over.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from gan.settings import Config

_WITHOUT_TARGETS = ("hinge", "wasserstein", "relativistic")  # objectives
_ENDS = ("learning_rate_end_factor", "gamma_end_factor", "beta2_end", "ema_end_factor")


def without_effect(config: Config) -> dict[str, str]:
    """The settings of a `Config` that are not at their default and do nothing all the same, each with what it needs."""
    defaults = _defaults(config)
    return {
        name: needs
        for names, works, needs in _RULES
        for name in names
        if getattr(config, name) != defaults[name] and not works(config)
    }


def adapts(config: Config) -> bool:
    """Whether the strength of the augmentation moves."""
    return config.augmentation.startswith("adaptive") and config.augmentation_target > 0


def _defaults(config: Config) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(config)}


def _has_targets(config: Config) -> bool:
    """Whether the discriminator compares with labels of real and fake."""
    return config.objective not in _WITHOUT_TARGETS


def _has_end(config: Config) -> bool:
    """Whether anything is to be another value at the end of a schedule."""
    defaults = _defaults(config)
    return any(getattr(config, name) != defaults[name] for name in _ENDS)


# (settings, whether they work in a config, what they need).
_RULES: list[tuple[tuple[str, ...], Callable[[Config], bool], str]] = [
    (("crop",), lambda config: config.resolution > 0, "--resolution"),
    (("minibatch_deviation",), lambda config: config.minibatch_deviation > 1, "at least 2 examples in a group"),
    (("label_noise",), lambda config: not config.label_noise or _has_targets(config), "an --objective with targets"),
    (("label_smoothing",), _has_targets, "an --objective with targets"),
    (("label_noise_mode",), lambda config: config.label_noise and _has_targets(config), "--label_noise, and targets"),
    (("penalty", "penalty_every_steps", "gamma_end_factor"), lambda config: config.gamma > 0, "a --gamma above 0"),
    (("mismatch_weight",), lambda config: config.conditional, "--conditional"),
    (("weight_decay",), lambda config: config.optimizer == "adamw", "--optimizer=adamw"),
    (
        ("g_beta2", "d_beta2", "beta2_end", "epsilon"),
        lambda config: config.optimizer != "sgd",
        "another --optimizer than sgd",
    ),
    (("ema_ramp", "ema_end_factor"), lambda config: config.ema_half_life_images > 0, "--ema_half_life_images"),
    (("ema_ramp",), lambda config: not config.init_from, "networks that begin at random: no --init_from"),
    ((*_ENDS, "schedule_images"), lambda config: config.schedule != "constant", "--schedule=linear or cosine"),
    (("schedule",), _has_end, f"an end: one of {', '.join(f'--{name}' for name in _ENDS)}"),
    (("augmentation_strength",), lambda config: config.augmentation != "none", "an --augmentation"),
    (
        ("augmentation_target",),
        lambda config: (
            config.augmentation.startswith("adaptive")
            or (config.augmentation != "none" and not config.augmentation_target)
        ),
        "an adaptive --augmentation",
    ),
    (("augmentation_images",), adapts, "an --augmentation that adapts"),
    (("logical_cpus",), lambda config: config.strategy == "mirrored", "--strategy=mirrored"),
    (
        ("evaluate_num", "evaluate_features", "keep_best"),
        lambda config: config.evaluate_every_steps > 0,
        "--evaluate_every_steps",
    ),
]
