"""The packages that all commands need: `flags` is absl's. Where some are missing, one line says so."""

import importlib.util
import sys

_NEEDED = ("absl", "numpy", "PIL", "matplotlib", "tqdm")

if _missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
    print(
        f"error: {sys.executable} has no {', '.join(_missing)}; start bin/..., which finds or makes an environment, or "
        "install what requirements.txt lists",
        file=sys.stderr,
    )
    raise SystemExit(2)

from absl import flags  # noqa: E402 (only now it is known to be there)

__all__ = ["flags"]
