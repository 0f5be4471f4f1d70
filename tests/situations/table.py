"""All situations, and the Markdown table of them."""

import importlib
from pathlib import Path

from tests.situations import SITUATIONS, Situation

_NOT_SITUATIONS = {"__init__", "__main__", "table", "test_situations"}


def everything() -> list[Situation]:
    """The situations of all modules of this folder, by the modules' names."""
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if file.stem not in _NOT_SITUATIONS:
            importlib.import_module(f"tests.situations.{file.stem}")
    return sorted(SITUATIONS, key=lambda each: each.check.__module__)  # whatever was imported first


def table() -> str:
    """A Markdown table of what was done and what happens, with a heading for each area."""
    lines, area = [], ""
    for each in everything():
        if each.area != area:
            area = each.area
            lines += ["", f"### {area[0].upper()}{area[1:]}", "", "| done | what happens |", "|---|---|"]
        lines.append(f"| {each.done} | {each.happens} |")
    return "\n".join(lines).strip()
