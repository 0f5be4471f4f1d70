"""The versions that a run and a measurement were made with: of this program, of Python and of the packages."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SECONDS = 5.0  # that git may take


def program() -> str:
    """The version in the checkout's pyproject.toml or, where there is none, of the installed package."""
    project = _ROOT / "pyproject.toml"
    if project.is_file():
        match = re.search(r'^version = "(.+)"$', project.read_text(encoding="utf-8"), re.MULTILINE)
        if match:
            return match[1]
    try:
        return metadata.version("gan-engine")
    except metadata.PackageNotFoundError:
        return "unknown"


def commit() -> str:
    """The commit of the checkout, with "-dirty" behind it if files were changed since; empty where git has none."""
    if not (_ROOT / ".git").exists():
        return ""
    head, changed = _git("rev-parse", "--short=12", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return head + "-dirty" * bool(head and changed)


def _git(*arguments: str) -> str:
    """What git says of the checkout, whose index it leaves alone; empty where it says nothing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    line = ["git", "-C", str(_ROOT), *arguments]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=_SECONDS, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def everything() -> dict[str, str]:
    """Of Python, TensorFlow, NumPy and this program, with its commit; imports TensorFlow."""
    import numpy as np
    import tensorflow as tf

    own = " ".join(filter(None, [program(), commit()]))
    return {"python": platform.python_version(), "tensorflow": tf.__version__, "numpy": np.__version__, "gan": own}
