"""Starts commands as processes of their own without importing TensorFlow for each.

It imports what the jobs need and then forks for every start, before TensorFlow's runtime exists. The child has its own
id, signals, limits, devices and flags, and runs the command as the launcher would. One JSON request a line on standard
input, one answer a line on standard output.
"""

import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from gan.cli import command
from gan.machine import signals, startup

_JOBS = ("train", "sample", "evaluate", "export", "preview", "explore")
_SECONDS = 900  # after which a start that hangs is killed by SIGALRM


def prepare(request: dict) -> None:
    """Makes this child what was asked for: folder, streams, limits, changed module attributes, what is called first."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.alarm(_SECONDS)
    for descriptor, (path, flags) in enumerate(
        [(os.devnull, os.O_RDONLY), (request["stdout"], os.O_CREAT | os.O_WRONLY), (request["stderr"], os.O_RDWR)]
    ):
        os.dup2(os.open(path, flags, 0o644), descriptor)
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    if request["largest_file"]:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)  # which a test may raise it to again
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest_file"], most))
    for name, value in request["attributes"].items():
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(module), attribute, value)
    if request["hold"]:
        hold(request["hold"], request["deaf"], Path(request["released"]))
    for name, argument in request["before"].items():
        module, _, function = name.rpartition(".")
        getattr(importlib.import_module(module), function)(argument)


def hold(step: int, deaf: bool, released: Path) -> None:
    """Lets a training take its steps one by one, and wait after `step` for a signal, unless `deaf`, or for `released`.

    So whoever watches it has all the time that it takes to do something to it before it ends.
    """
    from gan.training import pace, watch

    def trained(self: watch.Nobody, at: int) -> None:
        (stop,) = signals._ACTIVE
        while at >= step and not released.exists():
            if not deaf and (stop or stop._save):
                released.touch()  # after a request to save it goes on to its end
            else:
                time.sleep(0.005)

    pace.LONGEST_CHUNK, watch.Nobody.trained = 1, trained


def run(request: dict) -> NoReturn:
    """The command in this child, ended without the second that the interpreter needs to take TensorFlow down."""
    code = 1
    try:
        prepare(request)
        module = importlib.import_module(f"gan.cli.{request['command']}")  # here: flags are those of a process
        code = command.run(module.main, [f"bin/{request['command']}", *request["arguments"]])
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    """Answers requests until the input ends; returns in no child."""
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        elif (answer := os.fork()) == 0:
            run(request)
        print(answer, flush=True)


if __name__ == "__main__":
    startup.import_tensorflow()
    for job in _JOBS:
        importlib.import_module(f"gan.jobs.{job}")
    serve()
