"""Whether this process is one of several workers that train together, as its environment tells.

Either TF_CONFIG names them, which schedulers set or a person by hand, or this is a task of a job step of Slurm.
"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from gan.errors import LostPeerError, UserError
from gan.machine import processes

Kind = Literal["", "TF_CONFIG", "Slurm"]

VARIABLE = "TF_CONFIG"
MOST_ON_A_NODE = 64  # workers
_LOOK_SECONDS = 0.2  # between two looks at who listens
_PROBE_SECONDS = 2.0  # for the answer of a port
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


@contextlib.contextmanager
def assembled(addresses: Mapping[str, str], own: str, minutes: float) -> Iterator[None]:
    """Waits until all workers listen at their addresses, by name; in the block TensorFlow is to listen at `own`.

    It waits for ever for one that does not come, and lets nothing else run meanwhile. So who comes is seen before, and
    if one is lost after that another process ends this one. Raises `LostPeerError` naming those that did not come in
    time, and `UserError` if something else listens at the own address.
    """
    deadline, missing = time.monotonic() + 60 * minutes, [name for name in addresses if name != own]
    with _listening(addresses[own]):
        while missing := [name for name in missing if not _listens(addresses[name])]:
            if time.monotonic() > deadline:
                names = ", ".join(f"{name} ({addresses[name]})" for name in missing)
                raise LostPeerError(
                    f"{names} did not come within {minutes:g} minutes; start all workers, or give more --start_minutes"
                )
            time.sleep(_LOOK_SECONDS)
    line = f"error: a worker was lost while all began, or has not begun within {minutes:g} minutes; start all again"
    with processes.ended_after(60 * minutes, line):
        yield


@contextlib.contextmanager
def _listening(address: str) -> Iterator[None]:
    """Takes connections at the port of an address, and does nothing with them."""
    host, _, port = address.rpartition(":")
    both = socket.has_dualstack_ipv6() and not host.startswith("127.")
    place = (host if host.startswith("127.") else "", int(port))
    try:
        family = socket.AF_INET6 if both else socket.AF_INET
        taking = socket.create_server(place, family=family, dualstack_ipv6=both, backlog=4096)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise UserError(f"this worker cannot listen at {address}: {reason}; end what does, or change it") from None
    with taking:
        yield


def _listens(address: str) -> bool:
    """Whether anything takes connections there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PROBE_SECONDS).close()
    except OSError:
        return False
    return True


def _tasks(text: str) -> int:
    """How many workers a TF_CONFIG names; raises `UserError` unless this process is one of them."""
    try:
        content = json.loads(text)
        jobs, task = content.get("cluster", {}), content.get("task", {})
        counts = {job: len(_addresses(jobs[job])) for job in jobs}
        own, index = str(task.get("type", "")), int(str(task.get("index", 0)))
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
    """The addresses of a job, which may have numbers from 0 on; raises `ValueError` and the like for what is none."""
    if isinstance(tasks, dict):
        if {str(key) for key in tasks} != {str(i) for i in range(len(tasks))}:
            raise ValueError(tasks)
        tasks = [address for _, address in sorted(tasks.items(), key=lambda item: int(item[0]))]
    found = list(tasks) if isinstance(tasks, list) else [tasks]
    for address in found:
        host, _, port = address.rpartition(":")
        host.encode("idna")  # as a look for it does
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(address)
    return found


def _wrong(how: str) -> UserError:
    return UserError(f"{VARIABLE} {how}; mend it, or unset it to train alone")
