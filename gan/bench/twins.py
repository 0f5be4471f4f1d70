"""Which program of `gan.bench.programs` computes which preset's mathematics, and how it is started. No TensorFlow here.

A pair of networks has one twin: a program for each framework, with the objective of the preset by which the pair is
known. It takes many settings as a run has them; in all others it trains by that preset, which is to be told.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gan import config as configs
from gan import paths
from gan.errors import UserError
from gan.settings import Config, fields

TORCH_PYTHON = "GAN_TORCH_PYTHON"  # the variable that names a Python with PyTorch, if this one has none

_FLAGS: dict[str, tuple[str, ...]] = {
    "keras": (),
    "keras_jit": ("--jit_compile=true",),
    "torch": (),
    "torch_bfloat16": ("--precision=bfloat16",),
    "torch_compile": ("--compile",),
    "torch_compile_bfloat16": ("--compile", "--precision=bfloat16"),
}
NAMES = tuple(_FLAGS)

# What every program takes as the run has it; of a seed any is as good.
_TAKEN = {"seed", "batch_size", "width", "g_width", "d_width", "latent_size", "g_output_scale", "epsilon"}
_TAKEN |= {f"{player}_{name}" for player in "gd" for name in ("learning_rate", "beta1", "beta2")}
_TAKEN |= {"schedule", "schedule_images", "learning_rate_end_factor", "ema_half_life_images", "ema_ramp"}
_TAKEN |= {"resolution", "channels", "value_range"}  # they are in the images
_PENALTY = {"gamma", "gamma_end_factor", "penalty_every_steps"}


class Program(NamedTuple):
    """A module of `gan.bench.programs`, and which settings it takes besides those that all take."""

    module: str
    takes: frozenset[str] = frozenset()


class Twin(NamedTuple):
    """The preset whose mathematics the programs compute, and the program by framework."""

    preset: str
    programs: dict[str, Program]


_IN_TORCH = {"d_steps", "g_output", "d_pixel_range"}
_RESIDUAL = frozenset({*_PENALTY, "depth", "conditional", "mismatch_weight"})
_TWINS = {
    "article": Twin(
        "article_corrected",
        {
            "keras": Program("keras_article", frozenset({*_PENALTY, "d_pixel_range", "d_dropout", "label_noise"})),
            "torch": Program("torch_article", frozenset({*_IN_TORCH, *_PENALTY, "d_dropout", "label_noise"})),
        },
    ),
    "dcgan": Twin("dcgan", {"torch": Program("torch_dcgan", frozenset({*_IN_TORCH, "d_dropout"}))}),
    "residual": Twin(
        "modern",
        {"keras": Program("keras_modern", _RESIDUAL), "torch": Program("torch_modern", _RESIDUAL | _IN_TORCH)},
    ),
    "sngan": Twin("sngan", {"torch": Program("torch_sngan", frozenset({*_IN_TORCH, "d_dropout"}))}),
}


def check(name: str, config: Config) -> None:
    """Raises `UserError` if the rival has no program for the config's networks, or none to run it."""
    twin = _TWINS.get(config.networks)
    others = [other for other in NAMES if twin and _framework(other) in twin.programs]
    if name not in others:
        instead = f"there is one of {', '.join(others)}" if others else "no rival has"
        raise UserError(f"--against={name} has no step with --networks={config.networks}; {instead}")
    python(name)


def settings(name: str, config: Config) -> dict[str, object]:
    """What the rival trains by: the settings of its preset, changed where it takes those of the config."""
    twin, takes = _TWINS[config.networks], _takes(name, config)
    theirs = configs.assembled(twin.preset)
    taken = {key: getattr(config, key) for key in fields() if key in takes}
    return {"preset": twin.preset} | {key: value for key, value in taken.items() if value != getattr(theirs, key)}


def command(name: str, config: Config, images: Path, labels: Path, num_classes: int) -> list[str]:
    """How to start a rival for a config, on images [N, H, W, C] and labels [N] in .npy files."""
    program = _TWINS[config.networks].programs[_framework(name)]
    return [
        python(name),
        "-m",
        f"gan.bench.programs.{program.module}",
        f"--settings={json.dumps(settings(name, config))}",
        f"--threads={_threads(name, config)}",
        f"--images={images}",
        f"--labels={labels}",
        f"--num_classes={num_classes}",
        *_FLAGS[name],
    ]


def other_mathematics(name: str, config: Config) -> list[str]:
    """In what the settings are not those that the rival computes: `name=value, theirs ...` for each difference."""
    twin, takes = _TWINS[config.networks], _takes(name, config)
    theirs = configs.assembled(twin.preset)
    return [
        f"{key}={getattr(config, key)}, theirs {getattr(theirs, key)}"
        for key, field in fields().items()
        if field.metadata["change"] in ("tunable", "fixed") and key not in takes
        if getattr(config, key) != getattr(theirs, key)
    ]


def notes(names: Sequence[str], config: Config) -> list[str]:
    """What a reader must know of a comparison with these rivals: a line for those that differ in the same settings."""
    preset, found = _TWINS[config.networks].preset, {}
    for name in names:
        if differences := other_mathematics(name, config):
            found.setdefault("; ".join(differences), []).append(name)
    return [
        f"{', '.join(alike)}: the mathematics of --preset={preset}, not that of these settings ({differences})"
        for differences, alike in found.items()
    ]


def _threads(name: str, config: Config) -> int:
    """Threads within an operation: as it is asked for; otherwise all cores, and 0 for Keras, whose program chooses.

    It computes operations side by side, as the engine does, and where these are small one thread each is faster.
    """
    return config.threads or (0 if _framework(name) == "keras" else len(os.sched_getaffinity(0)))


def _framework(name: str) -> str:
    return name.partition("_")[0]


def _takes(name: str, config: Config) -> set[str]:
    parts = set() if config.crop == "random" else {"crop"}  # a rival has one part of each image
    return _TAKEN | parts | _TWINS[config.networks].programs[_framework(name)].takes


def python(name: str) -> str:
    """The Python that runs a rival; raises `UserError` if the one that is named is none."""
    named = os.environ.get(TORCH_PYTHON, "") if _framework(name) == "torch" else ""
    found = shutil.which(paths.given(named)) if named else sys.executable
    if not found:
        raise UserError(f"--against={name}: {TORCH_PYTHON} is {named!r}, and there is no such program")
    return os.path.abspath(found)  # not what a link leads to: that may be a Python without its environment's packages
