"""The rules of every command line, on a small command and on all commands there are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan.machine import versions

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(
    path.stem for path in (ROOT / "gan/cli").glob("*.py") if "\n    command.execute(main)\n" in path.read_text()
)

GREET = '''"""Greet somebody.

Example: bin/greet --name=world
"""

import errno, os, sys
from absl import flags
from gan.cli import command, settings
from gan.errors import BusyError, Preempted

NAME = flags.DEFINE_string("name", "you", "whom to greet")
FORMAT = flags.DEFINE_enum("format", "text", ["text", "json"], "how to greet")
settings.define(["steps", "dataset"])


def main():
    name = NAME.value
    if name == "busy":
        raise BusyError("the folder is in use; wait")
    if name == "stopped":
        raise Preempted("saved at step 3")
    if name == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/there/file")
    if name == "interrupt":
        raise KeyboardInterrupt
    if name == "memory":
        raise MemoryError("Unable to allocate 7.28 TiB")
    if name == "bug":
        raise RuntimeError("a bug")
    if name == "peer":
        raise BrokenPipeError(errno.EPIPE, "the peer of a connection went away")
    if name == "many":
        print("line\\n" * 100_000)
    print("hello", name, settings.explicit())
    return 7 if name == "seven" else None


if __name__ == "__main__":
    command.execute(main)
'''


@pytest.fixture
def greet(tmp_path):
    (tmp_path / "greet.py").write_text(GREET)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}

    def run(*arguments, stdout=subprocess.PIPE):
        command = [sys.executable, str(tmp_path / "greet.py"), *arguments]
        return subprocess.run(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=300)

    return run


def test_main_gets_its_flags_and_its_value_is_the_exit_code(greet):
    done = greet("--name=world", "--steps=3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello world {'steps': 3}\n", "")
    assert greet("--name=seven").returncode == 7


@pytest.mark.parametrize("flag", ["--help", "-h", "--helpshort"])
def test_help_is_grouped_and_wrapped(greet, flag):
    done = greet("--name=bug", flag)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == "Greet somebody." and "usage: bin/greet [--flag=value ...]" in lines
    assert max(map(len, lines)) <= 80
    order = [lines.index(title) for title in ("Command:", "Run:", "Data:", "Always:")]
    assert order == sorted(order)
    assert "(default: you)" in done.stdout
    assert not any(word in done.stdout for word in ("verbosity", "logtostderr", "undefok", "pdb"))


def test_version_is_that_of_the_project(greet):
    text = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{versions.program()}"' in text
    assert greet("--version").stdout == f"bin/greet {versions.program()}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--stepz=3"], "error: unknown flag --stepz; did you mean --steps?"),
        (["--xyzzy"], "error: unknown flag --xyzzy; see --help"),
        (["--steps=many"], "error: --steps=many must be a whole number"),
        (["--format=xml"], "error: --format=xml: value should be one of <text|json>"),
        (["--steps"], "error: missing value for flag --steps"),
        (["--steps=1", "--flagfile=/proc/nowhere"], "error: --flagfile=/proc/nowhere cannot be read: no such"),
        (["--flagfile=/dev"], "error: --flagfile=/dev cannot be read: is a directory; give"),
        ([f"--flagfile={sys.executable}"], f"error: --flagfile={sys.executable} is no "),
        (["--steps=" + "9" * 5000], f"error: --steps={'9' * 60}... must be a whole number"),
        (["--steps=1e3"], "error: --steps=1e3 must be a whole number"),
        (["--nosteps=3"], "error: "),
        (["steps=3"], "error: unexpected argument 'steps=3'"),
        (["--steps=3", "more"], "error: unexpected argument 'more'"),
        (["--name=a\udcff"], r"error: '--name=a\udcff' is not UTF-8; rename the file or folder"),
        (["--name=busy"], "error: the folder is in use; wait"),
        (["--name=memory"], "error: out of memory (Unable to allocate 7.28 TiB); ask for fewer or smaller images"),
        (["--name=full"], "error: /there/file: No space left on device; free some space"),
    ],
)
def test_a_mistake_is_one_line(greet, arguments, line):
    done = greet(*arguments)
    assert done.stdout == ""
    assert done.stderr.startswith(line) and done.stderr.count("\n") == 1
    assert done.returncode == {"busy": 75, "full": 74}.get(arguments[0].removeprefix("--name="), 2)


def test_a_stop_on_request_is_no_error(greet):
    done = greet("--name=stopped")
    assert (done.returncode, done.stderr) == (143, "saved at step 3\n")


def test_an_interrupt_is_quiet(greet):
    done = greet("--name=interrupt")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("name", ["bug", "peer"])
def test_anything_else_shows_its_traceback(greet, name):
    done = greet(f"--name={name}")
    assert done.returncode == 1 and "Traceback" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--name=many"], ["--name=short"]])
def test_a_reader_that_goes_away_is_no_error(greet, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    done = greet(*arguments, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_does_not_fit_is_a_storage_error(greet):
    with open("/dev/full", "w") as full:
        done = greet("--name=world", stdout=full)
    assert done.returncode == 74
    assert done.stderr.startswith("error: No space left on device") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_needs_no_tensorflow(name):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-X", "importtime", "-m", f"gan.cli.{name}", "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0
    assert f"usage: bin/{name} " in done.stdout and "Always:" in done.stdout
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "absl" in modules and not modules & {"tensorflow", "keras", "tensorflow_datasets", "matplotlib"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_launcher(name):
    launcher = ROOT / "bin" / name
    assert os.access(launcher, os.X_OK) and f'/launch" {name} ' in launcher.read_text()
