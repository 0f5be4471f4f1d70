"""A run is a folder: who may write to it, what it was started with, and where everything in it lies.

config.json      settings, facts of the data, versions, and a history of what was changed when the run was continued
flags.txt        the same settings, usable as --flagfile
.lock            one trainer a folder; names its process and host
checkpoints/  train/  metrics.jsonl  eval/  evaluations.jsonl  samples/  exports/
"""

import dataclasses
import datetime
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gan.config import RENAMED, differences, validated
from gan.effects import without_effect
from gan.errors import UserError
from gan.machine import versions
from gan.paths import check_links
from gan.settings import COMMANDS, Config, fields
from gan.storage.files import read_bytes, sync_folder, write_atomically
from gan.storage.refusals import storage_errors
from gan.storage.targets import kind

CONFIG = "config.json"
FLAGS = "flags.txt"
CHECKPOINTS = "checkpoints"
SAMPLES = "samples"
EXPORTS = "exports"

DATA_IDENTITY = ("fingerprint", "num_examples", "image_shape", "class_names")
_NOT_FOREIGN = {"lost+found"}  # in the root of a disk that is otherwise empty


def check_run(workdir: Path, config: Config, data_facts: Mapping[str, Any], override: bool) -> list[str]:
    """Lines of warning of what `open_run` would accept, nothing written; raises what it would raise."""
    workdir = Path(workdir)
    check_folder(workdir)
    return _accepted(workdir, described(workdir), config, data_facts, override)[1]


def open_run(
    workdir: Path,
    config: Config,
    data_facts: Mapping[str, Any],
    override: bool,
    numerics: Mapping[str, Any] | None = None,
    step: int = 0,
    inexact: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """Begins a run in `workdir`, or continues the one there with `config`; returns lines of warning.

    Settings whose change is free are accepted, numerical ones with a warning, tunable ones only with `override` and a
    warning, fixed ones and other data never. What was accepted is written to config.json and flags.txt, with the `step`
    that the run goes on from. `numerics`, a `fingerprint`, and since when and why the run is `inexact` are kept for
    people to read. Raises `UserError` with the list of differences, and `StorageError`.
    """
    workdir = Path(workdir)
    check_folder(workdir)
    there = described(workdir)
    changed, warnings = _accepted(workdir, there, config, data_facts, override)
    now = versions.everything()
    changed += changes(there.get("versions", now), now)
    if changed:
        there["history"].append({"time": _now(), "step": step, "changes": changed})
    settings = {name: getattr(config, name) for name in fields()}
    there |= {"settings": settings, "data": dict(data_facts), "versions": now, "numerics": dict(numerics or {})}
    there["inexact"] = list(inexact)
    order = ("settings", "data", "versions", "numerics", "inexact", "created", "history")
    with storage_errors(workdir):
        (workdir / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    sync_folder(workdir)  # before the config: a run without this folder has lost it
    write_atomically(workdir / CONFIG, json.dumps({key: there[key] for key in order}, indent=1) + "\n")
    write_atomically(workdir / FLAGS, _flag_lines(config))
    return warnings


def add_to_history(workdir: Path, line: str, step: int, inexact: Sequence[Mapping[str, Any]] = ()) -> None:
    """Notes in config.json what happened to the run, unless it is noted: a run that was killed may come to it again.

    It goes on from `step`; since when and why it is `inexact` is written as well. Raises `StorageError`, and
    `UserError` if the file is damaged.
    """
    content = _read(Path(workdir) / CONFIG)
    if not any(line in entry.get("changes", ()) for entry in content["history"]):
        content["history"].append({"time": _now(), "step": step, "changes": [line]})
        content["inexact"] = list(inexact)
        write_atomically(Path(workdir) / CONFIG, json.dumps(content, indent=1) + "\n")


def load_run(workdir: Path) -> tuple[Config, dict[str, Any]]:
    """The config of the run in `workdir` and the facts of its data (as JSON has them: tuples are lists)."""
    path = Path(workdir) / CONFIG
    check_links("--workdir", path)
    if not path.exists():
        raise UserError(f"{workdir} has no {CONFIG}: there is no run in it; check --workdir")
    content = _read(path)
    try:
        config = validated(
            Config(**{name: content["settings"][name] for name in fields() if name in content["settings"]})
        )
    except UserError as error:
        raise _damaged(path, str(error)) from error
    return config, content["data"]


def flags_fault(workdir: Path) -> str:
    """A line if flags.txt is not what config.json says; a continuation writes it anew. Raises `UserError`."""
    path = Path(workdir) / FLAGS
    with storage_errors(path):
        lines = read_bytes(path).decode(errors="replace").splitlines() if path.exists() else []
    if not lines:
        return f"{FLAGS} is missing"
    there = set(_flag_lines(load_run(workdir)[0]).splitlines())
    other = [line for line in lines if line.startswith("--") and line not in there]
    return f"{FLAGS} says {_short(other[0])}, {CONFIG} does not" if other else ""


def described(workdir: Path) -> dict[str, Any]:
    """What config.json says, or how it begins where there is none; raises `UserError` if it is damaged."""
    path = Path(workdir) / CONFIG
    check_links("--workdir", path)
    return _read(path) if path.exists() else {"created": _now(), "history": []}


def changes_without_step(content: Mapping[str, Any]) -> list[str]:
    """The lines of history that versions wrote which did not note the step, as `name: old -> new`."""
    return _lines([entry for entry in content["history"] if isinstance(entry, dict) and "step" not in entry])


def changes_noted(content: Mapping[str, Any]) -> list[str]:
    """All lines of history, as `name: old -> new`."""
    return _lines([entry for entry in content["history"] if isinstance(entry, dict)])


def _lines(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    changed = (entry.get("changes") for entry in entries)
    return [str(line) for lines in changed if isinstance(lines, list) for line in lines]


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two mappings once both are as JSON has them, as `name: old -> new`."""
    old, new = json.loads(json.dumps([dict(old), dict(new)]))
    return [change(name, old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)]


def check_folder(workdir: Path) -> None:
    """Raises `UserError` if `workdir` is a file or holds something that is not a run; hidden files do not count.

    An empty folder of checkpoints alone is what a start leaves that ended just before it wrote its config.
    """
    check_links("--workdir", workdir)
    if workdir.exists() and not workdir.is_dir():
        raise UserError(f"{workdir} is {kind(workdir.stat().st_mode)}; --workdir must name a folder")
    with storage_errors(workdir):
        names = os.listdir(workdir) if workdir.exists() else []
        saved = workdir / CHECKPOINTS
        ours = _NOT_FOREIGN | ({CHECKPOINTS} if saved.is_dir() and not os.listdir(saved) else set())
    if CONFIG not in names and any(not name.startswith(".") and name not in ours for name in names):
        raise UserError(f"{workdir} holds files but no {CONFIG}, so it is not a run; use a new or empty --workdir")


def _read(path: Path) -> dict[str, Any]:
    """The content of config.json; raises `UserError` if it is damaged, `StorageError` if it may not be read."""
    with storage_errors(path):
        text = read_bytes(path)
    try:
        content = json.loads(text)
        kinds = {"settings": dict, "data": dict, "versions": dict, "created": str, "history": list}
        wrong = [key for key, kind in kinds.items() if not isinstance(content[key], kind)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, "it is cut off or garbage") from error
    if wrong:
        raise _damaged(path, f"{', '.join(wrong)} has another form")
    settings = {RENAMED.get(name, name): value for name, value in content["settings"].items()}
    gone = sorted(settings.keys() - fields().keys())
    if gone:
        raise UserError(
            f"{path} has settings that this version does not know: {', '.join(gone)}; "
            "use the version that began the run, or another --workdir"
        )
    return content | {"settings": settings}


def _damaged(path: Path, how: str) -> UserError:
    return UserError(
        f"{path} is damaged: {how}; put a copy of it back (nothing else was touched) or use another --workdir"
    )


def _accepted(
    workdir: Path, content: Mapping[str, Any], config: Config, data_facts: Mapping[str, Any], override: bool
) -> tuple[list[str], list[str]]:
    """Lines of all that changes and of warning, if the run may be continued so; else raises `UserError`."""
    if "settings" not in content:
        return [], []
    kinds = {
        kind: [change(*difference) for difference in found]
        for kind, found in differences(content["settings"], config).items()
    }
    old, new = ({key: facts.get(key) for key in DATA_IDENTITY} for facts in (content["data"], data_facts))
    fixed = kinds["fixed"] + [f"data {line}" for line in changes(old, new)]
    if fixed:
        raise UserError(f"{workdir} was begun with what cannot change: {', '.join(fixed)}; use another --workdir")
    if kinds["tunable"] and not override:
        listed = ", ".join(kinds["tunable"])
        raise UserError(f"{workdir} was begun with other settings: {listed}; add --override or use another --workdir")
    warnings = []
    if kinds["tunable"]:
        warnings.append(f"continuing with changed settings: {', '.join(kinds['tunable'])}")
    if kinds["numerics"]:
        warnings.append(f"continuing with other settings of the numerics: {', '.join(kinds['numerics'])}")
    return [line for lines in kinds.values() for line in lines], warnings


def change(name: str, old: Any, new: Any) -> str:
    """The line on one change."""
    return f"{name}: {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = "none" if value is None else str(value) if value != "" else "''"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _flag_lines(config: Config) -> str:
    """The settings in absl's --flagfile syntax: a line each, the value as it is; there are no quotes and no escapes."""
    lines, idle = ["# Every setting of this run; use it with --flagfile."], _idle(config)
    for name in fields():
        value = getattr(config, name)
        if name in idle:
            lines.append(f"# --{name}={value} has no effect without {idle[name]}")
            continue
        if name in COMMANDS and value:
            lines.append(f"# --{name}: a command is not kept here, so that nobody runs another's")
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        writable = text.isprintable() and text == text.rstrip()
        lines.append(f"--{name}={text}" if writable else f"# {name} cannot be written in this form: {text!r}")
    return "\n".join(lines) + "\n"


def _idle(config: Config) -> dict[str, str]:
    """The settings without effect and what they need, also of those that others without effect would need."""
    idle: dict[str, str] = {}
    while more := {name: needs for name, needs in without_effect(config).items() if name not in idle}:
        idle |= more
        config = dataclasses.replace(config, **{name: fields()[name].default for name in more})
    return idle


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
