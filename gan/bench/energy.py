"""The energy that the processor has taken, where the machine tells: the counters of RAPL, which Linux keeps in sysfs.

A counter begins anew when it has reached its range, which takes a busy processor the better part of an hour: whoever
measures longer looks in between. Most systems let only their administrator read it; virtual machines have none.
"""

import re
from pathlib import Path

ROOT = Path("/sys/class/powercap")

# A package is the whole of a processor; its memory is counted apart. The other zones are parts of one, or hold several.
_ZONE, _PART = re.compile(r"intel-rapl:\d+"), re.compile(r"intel-rapl:\d+:\d+")


class Meter:
    """The joules since it was made: of all processors and their memory, whatever runs on them."""

    def __init__(self, root: Path = ROOT):
        self._zones = _zones(root)
        self._last = {zone: counted for zone in self._zones if (counted := _microjoules(zone)) is not None}
        self._sum = 0

    def joules(self) -> float | None:
        """What they took so far; None where the machine does not tell."""
        for zone, before in self._last.items():
            now = _microjoules(zone)
            if now is None:
                return None
            self._sum += now - before if now >= before else now - before + self._zones[zone]
            self._last[zone] = now
        return self._sum / 1e6 if self._last else None


def _zones(root: Path) -> dict[Path, int]:
    """The folders of what is counted, each with the range of its counter in microjoules."""
    found = {}
    for folder in sorted(root.glob("intel-rapl:*")):
        try:
            name = (folder / "name").read_text().strip()
            if (_ZONE.fullmatch(folder.name) and name.startswith("package")) or (
                _PART.fullmatch(folder.name) and name == "dram"
            ):
                found[folder] = int((folder / "max_energy_range_uj").read_text()) + 1
        except (OSError, ValueError):
            continue
    return found


def _microjoules(zone: Path) -> int | None:
    try:
        return int((zone / "energy_uj").read_text())
    except (OSError, ValueError):
        return None
