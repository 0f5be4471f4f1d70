"""Whether a run has the bits of an undisturbed one of its config, seed and data, and if not since which step and why.

Each checkpoint keeps the answer for its own step, so that a run that falls back to an older one has that one's answer.
config.json repeats it for people. What a start changes is told by the facts of the checkpoint that it goes on from:
other numerics by their fingerprints, other settings by those that the checkpoint was computed with.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan.config import RENAMED, differences
from gan.errors import UserError
from gan.runs import workdir
from gan.settings import Config, fields

FACT = "inexact"  # among the facts of a checkpoint and in config.json: a list, empty for a run that is exact
FINGERPRINT = "fingerprint"  # among the facts: what the bits depend on beside config, seed and data
SETTINGS = "settings"  # among the facts: those that the mathematics depends on
DETERMINISTIC = "deterministic"  # in a fingerprint, and there only where it is false
MATHEMATICS = ("tunable", "fixed")  # how settings that change it are marked
_NOT_DETERMINISTIC = "--deterministic=false"


class Breach(NamedTuple):
    """Since which step a run is not exact, and why; one that is not `certain` may have been harmless."""

    step: int
    why: str
    certain: bool = True


def mathematics(config: Config) -> dict[str, Any]:
    """The settings that the mathematics of a run depends on, by name."""
    return {name: getattr(config, name) for name, field in fields().items() if field.metadata["change"] in MATHEMATICS}


def found(
    folder: Path, config: Config, fingerprint: Mapping[str, Any], step: int = 0, facts: Mapping[str, Any] | None = None
) -> list[Breach]:
    """What keeps a start of the run in `folder` from being exact, of before and new; empty where nothing does.

    It goes on from `step`, whose checkpoint has these `facts`; a run that begins has none. To be called before the
    start has written to config.json. Raises `UserError` if that is damaged.
    """
    deterministic = fingerprint.get(DETERMINISTIC, True)
    if facts is None:
        return [] if deterministic else [Breach(0, _NOT_DETERMINISTIC)]
    content = workdir.described(folder)
    known = noted(facts, step, content)
    changed = other_numerics(facts, fingerprint) + _other_settings(facts, content, config)
    if changed:
        known.append(Breach(step, ", ".join(changed)))
    elif not deterministic and not any(_NOT_DETERMINISTIC in breach.why for breach in known):
        known.append(Breach(step, _NOT_DETERMINISTIC))
    return known


def noted(facts: Mapping[str, Any], step: int, content: Mapping[str, Any]) -> list[Breach]:
    """What the facts of the checkpoint of `step` say of its past.

    Versions before this one kept nothing but a history in config.json, whose `content` this is, without steps.
    """
    if FACT in facts:
        try:
            return [Breach(int(each["step"]), str(each["why"]), each.get("certain", True)) for each in facts[FACT]]
        except (KeyError, TypeError, ValueError, AttributeError):
            return [Breach(step, "what was noted of it cannot be read", certain=False)]
    lines = workdir.changes_without_step(content)
    counted = [line for line in lines if _counts(line.partition(":")[0])]
    return [Breach(step, f"an earlier version went on with {', '.join(counted)}", certain=False)] if counted else []


def other_numerics(facts: Mapping[str, Any], fingerprint: Mapping[str, Any]) -> list[str]:
    """What the numerics of now differ in from those of a checkpoint, as `name: old -> new`."""
    return workdir.changes(_mapping(facts, FINGERPRINT), fingerprint)


def warning(facts: Mapping[str, Any], fingerprint: Mapping[str, Any]) -> str:
    """A line about numerics that will keep the bits from being those of an undisturbed run; empty if none will."""
    changed = other_numerics(facts, fingerprint)
    if changed:
        return f"other numerics than at the last save, the result will not be the same to the bit: {'; '.join(changed)}"
    if fingerprint.get(DETERMINISTIC, True):
        return ""
    return f"with {_NOT_DETERMINISTIC} the result will not be the same to the bit as that of a run that never ended"


def check(folder: Path, breaches: Sequence[Breach]) -> None:
    """Raises `UserError` if a run would not be exact."""
    if breaches:
        raise UserError(
            f"--exact: {folder} would not end with the bits of an undisturbed run: {_listed(breaches)}; "
            "start it where and as it was begun, leave --exact out, or use another --workdir"
        )


def words(breaches: Sequence[Breach], step: int) -> str:
    """Whether a run that is at `step` has the bits of an undisturbed one, as a part of a sentence."""
    passed = [breach for breach in breaches if breach.step < step or not breach.certain]
    if not passed:
        return "the bits are those of an undisturbed run"
    sure = any(breach.certain for breach in passed)
    return f"the bits are {'not' if sure else 'perhaps not'} those of an undisturbed run: {_listed(passed)}"


def as_json(breaches: Sequence[Breach]) -> list[dict[str, Any]]:
    """The list for a checkpoint's facts and for config.json."""
    return [
        {"step": breach.step, "why": breach.why} | ({} if breach.certain else {"certain": False}) for breach in breaches
    ]


def _listed(breaches: Sequence[Breach]) -> str:
    parts = (f"{'since' if each.certain else 'before'} step {each.step} ({each.why})" for each in breaches)
    return ", ".join(parts)


def _other_settings(facts: Mapping[str, Any], content: Mapping[str, Any], config: Config) -> list[str]:
    """The settings of the mathematics that a checkpoint was not computed with.

    config.json may be ahead of it: a start that changed them may have been killed before it saved.
    """
    known = _mapping(facts, SETTINGS) or content[SETTINGS]
    before = {RENAMED.get(name, name): value for name, value in known.items()}
    changed = differences(before, config)
    return [workdir.change(*each) for kind in MATHEMATICS for each in changed[kind]]


def _mapping(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What the facts have by this name, if that is what it should be."""
    found = facts.get(name)
    return found if isinstance(found, dict) else {}


def _counts(name: str) -> bool:
    """Whether another value of what has this name in config.json's history may change the bits."""
    return name == "tensorflow" or (name in fields() and fields()[name].metadata["change"] in ("numerics", "tunable"))
