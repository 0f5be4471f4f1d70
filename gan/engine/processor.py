"""What the processor can do, as Linux tells it."""

from pathlib import Path

_VECTOR_UNITS = ("avx", "amx", "fma", "sve", "asimd", "bf16", "i8mm")


def flags() -> frozenset[str]:
    """All feature flags of the processor; empty where /proc/cpuinfo does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    listed = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(listed.partition(":")[2].split())


def vector_units() -> list[str]:
    """The flags of the vector and matrix units, sorted: what the bits of a result may depend on."""
    return sorted(flag for flag in flags() if flag.startswith(_VECTOR_UNITS))
