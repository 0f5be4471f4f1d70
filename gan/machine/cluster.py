"""Whether this process is one of several workers that train together, as its environment tells.

Either TF_CONFIG names them, which schedulers set or a person by hand, or this is a task of a job step of Slurm.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Literal

from gan.errors import UserError

Kind = Literal["", "TF_CONFIG", "Slurm"]

VARIABLE = "TF_CONFIG"
_JOBS = ("chief", "worker")
_EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'


def kind(environment: Mapping[str, str] = os.environ) -> Kind:
    """What names the workers; empty where this process is alone. Raises `UserError` for a TF_CONFIG that cannot be."""
    if text := environment.get(VARIABLE, "").strip():
        return "TF_CONFIG" if _tasks(text) > 1 else ""
    tasks = environment.get("SLURM_STEP_NUM_TASKS", "")
    return "Slurm" if tasks.isdecimal() and int(tasks) > 1 and "SLURM_PROCID" in environment else ""


def described(addresses: list[str], index: int) -> str:
    """A TF_CONFIG for the worker number `index` of those that listen at these addresses."""
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})


def _tasks(text: str) -> int:
    """How many workers a TF_CONFIG names; raises `UserError` unless this process is one of them."""
    try:
        content = json.loads(text)
        jobs, task = content.get("cluster", {}), content.get("task", {})
        counts = {job: len(_addresses(jobs[job])) for job in jobs}
        own, index = task.get("type", ""), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise _wrong(f"is not of the form {_EXAMPLE}") from None
    if sum(counts.values()) < 2:
        return 1
    if others := sorted(set(jobs) - set(_JOBS)):
        raise _wrong(f"has a job {others[0]!r}; there may be {' and '.join(_JOBS)}, and the chief evaluates")
    if counts.get("chief", 0) > 1:
        raise _wrong("has more than one chief")
    if own not in counts or not 0 <= index < counts[own]:
        raise _wrong(f"says that this is task {own or 'none'} {index}, which its cluster does not have")
    every = [address for job in jobs for address in _addresses(jobs[job])]
    if len(set(every)) < len(every):
        raise _wrong("has an address twice")
    return len(every)


def _addresses(tasks: Any) -> list[str]:
    """The addresses of a job, which may have numbers; raises `ValueError` for what is none."""
    found = list(tasks.values()) if isinstance(tasks, dict) else list(tasks) if isinstance(tasks, list) else [tasks]
    for address in found:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(address)
    return found


def _wrong(how: str) -> UserError:
    return UserError(f"{VARIABLE} {how}; mend it, or unset it to train alone")
