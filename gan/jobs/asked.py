"""What all requests have in common: their paths and settings are read as people give them, and checked."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gan import config as configs
from gan import paths
from gan.errors import UserError
from gan.settings import Config, group
from gan.storage.files import check_writable

LARGEST_SEED = 2**63 - 1
LARGEST_SIDE = 64  # cells of a grid
Settings = Mapping[str, Any]  # some settings of `gan.settings.Config` by name; of the others the job decides

# Settings that jobs on a run, or on data alone, take.
NUMERICS = ("precision", "convolution")
DATA = tuple(group(Config(), "data"))
COMPARED = tuple(name for name in DATA if name != "flip")  # nothing that is measured is mirrored


class Asked:
    """What all requests have: paths are read as people give them (`gan.paths`), and settings are known by name."""

    _READ = ("workdir", "images")  # paths of what is there, or is made in a place that is
    _WRITTEN = ("out", "neighbours", "roofline", "curve")
    _FILES = ()  # those of `_WRITTEN` that are files whatever they are called
    _SETTINGS = {"settings": (), "data": COMPARED, "numerics": NUMERICS}  # with those that it may hold; (): all

    def __post_init__(self):
        paths.check_start_folder()
        for name in (*self._READ, *self._WRITTEN):
            if value := getattr(self, name, ""):
                self._set(name, _given(value))
        for name in self._READ:
            for path in listed(getattr(self, name, "")):
                paths.check_links(f"--{name}", path)
        for name, known in self._SETTINGS.items():
            if given := getattr(self, name, {}):
                self._set(name, _settings(name, given, known))
        self._check()
        for name in self._FILES:
            check_file(name, getattr(self, name))

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # frozen from here on

    def _check(self) -> None:
        """Raises `UserError` for what cannot be."""


def _given(value: Any) -> Any:
    """A path, or several, as they are meant."""
    return paths.given(value) if isinstance(value, (str, os.PathLike)) else tuple(map(paths.given, value))


def listed(value: str | Sequence[str]) -> tuple[str, ...]:
    """One or several as several."""
    return (value,) if isinstance(value, str) else tuple(value)


def _settings(name: str, given: Settings, known: Sequence[str]) -> Settings:
    """The settings given in the field `name`, with the paths in them as they are meant; raises `UserError`.

    The field may hold those that are `known`, or all if none is.
    """
    configs.check_names(given)
    if others := sorted(set(given) - set(known or given)):
        raise UserError(f"--{others[0]} is no setting that can be given here; {name} are {', '.join(known)}")
    read = {**given, **paths.settings(given)}
    for setting, value in read.items():
        paths.check_links(f"--{setting}", paths.in_setting(setting, value))
    return read


def check_file(name: str, path: str) -> None:
    """Raises `UserError` or `StorageError` if a path that is given cannot be a file to write: now, not after hours."""
    if path.endswith("/") or os.path.isdir(path):
        raise UserError(f"--{name}={path} is a folder; name a file in it")
    if path:
        check_writable(Path(path))


def check_seed(seed: int) -> None:
    """Raises `UserError` for a seed of samples that cannot be one."""
    if not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"--seed={seed} must be from 0 to {LARGEST_SEED:,}")


def check_workdir(workdir: str) -> None:
    """Raises `UserError` where the folder of a run is needed and none was given."""
    if not workdir:
        raise UserError("--workdir is missing: name the folder of a run, such as --workdir=runs/modern-fashion_mnist")


def within(least: int, most: int, **values: int | None) -> None:
    """Raises `UserError` naming the first value that is given and not in the range."""
    for name, value in values.items():
        if value is not None and not least <= value <= most:
            raise UserError(f"--{name}={value} must be from {least} to {most:,}")
