"""What the processor can do, as Linux tells it."""

from pathlib import Path

_VECTOR_UNITS = ("avx", "amx", "fma", "sve", "asimd", "bf16", "i8mm")


def flags() -> frozenset[str]:
    """All feature flags of the processor; empty where /proc/cpuinfo does not tell."""
    return frozenset(_entry("flags", "Features").split())


def model() -> str:
    """The name that the processor gives itself; empty where /proc/cpuinfo does not tell."""
    return _entry("model name")


def vector_units() -> list[str]:
    """The flags of the vector and matrix units, sorted: what the bits of a result may depend on."""
    return sorted(flag for flag in flags() if flag.startswith(_VECTOR_UNITS))


def _entry(*names: str) -> str:
    """What the first line of /proc/cpuinfo that begins with one of the names says."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    listed = next((line for line in lines if line.startswith(names)), "")
    return listed.partition(":")[2].strip()
