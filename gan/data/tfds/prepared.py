"""Where prepared tfds data sets are: folders ROOT/NAME[/CONFIG]/VERSION with a file dataset_info.json."""

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from gan import paths
from gan.errors import UserError

INFO = "dataset_info.json"
_NAME = re.compile(r"(?P<name>[a-z0-9_]+)(/(?P<config>[\w.+-]+))?(:(?P<version>\d+\.\d+\.\d+))?")
_VERSION = re.compile(r"\d+\.\d+\.\d+")

Version = tuple[int, ...]


class Named(NamedTuple):
    """The parts of NAME[/CONFIG][:VERSION]; config and version are empty where they are not given."""

    name: str
    config: str
    version: str


def parsed(name: str) -> Named:
    """The parts of a name; NAME/VERSION is understood as NAME:VERSION. Raises `UserError`."""
    found = _NAME.fullmatch(name)
    if not found:
        plain = re.sub(r"[^a-z0-9_/:.+]", "_", name.lower())
        meant = f" (did you mean tfds:{plain}?)" if plain != name and _NAME.fullmatch(plain) else ""
        raise UserError(
            f"--dataset=tfds:{name} is not a name{meant}; write tfds:NAME, tfds:NAME/CONFIG or tfds:NAME:VERSION"
        )
    config, version = found["config"] or "", found["version"] or ""
    return Named(found["name"], "", config) if _VERSION.fullmatch(config) else Named(found["name"], config, version)


def prepared_root(data_dir: str = "") -> Path:
    """The folder of prepared data sets: `data_dir`, else $TFDS_DATA_DIR, else ~/tensorflow_datasets.

    It need not exist. Raises `UserError` if something else is in its place, or if it cannot be read.
    """
    place = data_dir or os.environ.get("TFDS_DATA_DIR")
    if not place and not paths.home():
        raise UserError("there is no home folder to look for prepared data sets in; give --data_dir a folder of them")
    root = Path(paths.given(place or "~/tensorflow_datasets"))
    whose = "--data_dir" if data_dir else "the folder of data sets"
    if root.is_symlink() and not root.exists():
        raise UserError(f"{whose} {root} is a link to {os.readlink(root)}, which is not there; give another folder")
    if root.exists() and not root.is_dir():
        raise UserError(f"{whose} {root} is a file; give the folder that holds the prepared data sets")
    if root.is_dir() and not os.access(root, os.R_OK | os.X_OK):
        raise UserError(f"{whose} {root} cannot be read; check its rights, or give another folder")
    return root


def prepared_folder(name: str, root: Path) -> Path | None:
    """The folder of NAME[/CONFIG][:VERSION], of several versions the newest; None if nothing of NAME is prepared.

    `root` may also be inside of the data set. Raises `UserError` for what cannot be a name, and where other configs or
    versions are prepared than the one that is named.
    """
    wanted = parsed(name)
    base = _base(wanted.name, root)
    if base is None:
        return None
    if (base / INFO).is_file():  # a version's folder itself
        return _exactly(base, wanted)
    folder = _config_folder(base, wanted)
    there = versions(folder) if folder else {}
    if not there or not wanted.version:
        return there[max(there)] if there else None
    found = there.get(_numbers(wanted.version))
    if not found:
        listed = [".".join(map(str, version)) for version in sorted(there)]
        raise UserError(
            f"--dataset=tfds:{name}: {folder} has no version {wanted.version} (it has {', '.join(listed)}); write "
            f"tfds:{_plain(wanted)}:{listed[-1]}, or name another --data_dir to download it to"
        )
    return found


def versions(base: Path) -> dict[Version, Path]:
    """The prepared versions below a folder; `incomplete.*` folders of interrupted downloads are none."""
    found = {}
    for info in base.glob(f"*/{INFO}"):
        if _VERSION.fullmatch(info.parent.name):
            found[_numbers(info.parent.name)] = info.parent
    return found


def missing(name: str, root: Path) -> str:
    """That a data set is not prepared in `root`, and what is there instead; for the beginning of a line."""
    text = f"{name} is not prepared in {root}"
    if not root.exists():
        return f"{text}, which does not exist"
    there = sorted(child.name for child in root.iterdir() if child.is_dir() and _has_versions(child))
    return f"{text} (it has {', '.join(there[:8])}{', ...' * (len(there) > 8)})" if there else text


def outer_root(root: Path) -> Path | None:
    """The folder above a data set that `root` is inside of, None if it is not inside of one."""
    top = root
    for _ in range(3):  # a version, its config, the data set
        if not ((top / INFO).is_file() or versions(top) or _has_versions(top) and not _holds_sets(top)):
            break
        top = top.parent
    return top if top != root else None


def _base(name: str, root: Path) -> Path | None:
    """The folder of the data set `name`, or of one of its configs or versions where `root` is that; None if none."""
    if (root / name).is_dir() and ((root / name / INFO).is_file() or _has_versions(root / name)):
        return root / name
    if (root / INFO).is_file():
        return root if _is_of(root, name) else None
    inside = [*versions(root).values(), *(each for child in _folders(root) for each in versions(child).values())]
    return root if any(_is_of(folder, name) for folder in inside) and not _holds_sets(root) else None


def _exactly(folder: Path, wanted: Named) -> Path:
    """A version's folder, if it is what is wanted; raises `UserError`."""
    there = _described(folder)
    if wanted.version not in ("", there.get("version")) or wanted.config not in ("", there.get("configName", "")):
        have = f"{there.get('configName') or 'no config'}, version {there.get('version')}"
        raise UserError(f"{folder} is not tfds:{_plain(wanted)}:{wanted.version or 'any'} (it is {have}); name another")
    return folder


def _config_folder(base: Path, wanted: Named) -> Path | None:
    """The folder whose sub-folders are the versions; raises `UserError` if a config is to be named, or another one."""
    configs = {child.name: child for child in _folders(base) if versions(child)}
    if versions(base) and (not wanted.config or wanted.config == base.name):
        return base
    if wanted.config:
        if (configs or versions(base)) and wanted.config not in configs:
            there = f"it has {', '.join(configs)}" if configs else f"it has none: write tfds:{wanted.name}"
            raise UserError(
                f"--dataset=tfds:{_plain(wanted)}: {base} has no config {wanted.config} ({there}); name one that there "
                "is, or another --data_dir to download it to"
            )
        return configs.get(wanted.config)
    if len(configs) > 1:
        choices = ", ".join(configs)
        raise UserError(f"{base} has several configs; write --dataset=tfds:{wanted.name}/ and one of {choices}")
    return next(iter(configs.values()), None)


def _plain(wanted: Named) -> str:
    return f"{wanted.name}/{wanted.config}" if wanted.config else wanted.name


def _numbers(version: str) -> Version:
    return tuple(map(int, version.split(".")))


def _folders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.glob("*") if child.is_dir())


def _has_versions(folder: Path) -> bool:
    """Whether a folder is that of a data set, with or without configs."""
    return bool(versions(folder)) or any(versions(child) for child in _folders(folder))


def _holds_sets(folder: Path) -> bool:
    """Whether a folder holds data sets, told from one of configs by the names that their descriptions have."""
    return any(_is_of(each, child.name) for child in _folders(folder) for each in versions(child).values())


def _is_of(folder: Path, name: str) -> bool:
    return _described(folder).get("name") == name


def _described(folder: Path) -> dict:
    """What a version's folder says of itself; nothing where that is damaged."""
    try:
        found = json.loads((folder / INFO).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
