"""What was injected and what happened, as lines while it goes on and as a Markdown table at the end."""

import statistics
import time
from collections.abc import Iterable
from typing import NamedTuple


class Outcome(NamedTuple):
    """One fault: where it struck, and what is wrong afterwards (empty: survived).

    `seconds` passed from the start after it until the first step that was new; None where nothing was started again.
    """

    configuration: str
    phase: str
    wrong: str = ""
    seconds: float | None = None


_BEGUN = time.monotonic()


def tell(line: str) -> None:
    """A line of progress, with the seconds since the program began."""
    print(f"{time.monotonic() - _BEGUN:7.1f} s  {line}", flush=True)


def table(outcomes: Iterable[Outcome]) -> str:
    """A Markdown table of the outcomes: a line for each configuration and phase, in the order they came first."""
    lines = [
        "| configuration | phase | injected | survived | recovery: median | worst |",
        "|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.configuration, outcome.phase), []).append(outcome)
    for (configuration, phase), group in groups.items():
        seconds = [outcome.seconds for outcome in group if outcome.seconds is not None]
        shown = [f"{statistics.median(seconds):.1f} s", f"{max(seconds):.1f} s"] if seconds else ["", ""]
        survived = sum(not outcome.wrong for outcome in group)
        lines.append(f"| {configuration} | {phase} | {len(group)} | {survived} | {shown[0]} | {shown[1]} |")
    return "\n".join(lines)


def failures(outcomes: Iterable[Outcome]) -> list[str]:
    """A line for each fault that was not survived."""
    return [f"{each.configuration}, {each.phase}: {each.wrong}" for each in outcomes if each.wrong]
