"""The launcher with a Python that only pretends to make environments, so that nothing large is installed.

The pretended `python3.13` makes an environment by writing its `bin/python`, whose `-m pip` only takes notes and, where
the file `hold` exists, waits for it to go. What is not pretended is the launcher, its locks, its files and signals.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHONS = ["python3.13", "python3.12", "python3.11", "python3.10", "python3", "python"]
PACKAGES = ["tensorflow", "tensorflow_datasets", "absl", "matplotlib", "numpy", "tqdm"]

# -S: without the packages of the environment that runs these tests.
RUN = f'exec "{sys.executable}" -S "$@"\n'
IN_ENVIRONMENT = f"""#!/bin/sh
if [ "${{1:-}} ${{2:-}}" = "-m pip" ]; then
    echo pip >>"$NOTES"
    while [ -e "$NOTES.hold" ]; do sleep 0.02; done
    [ ! -e "$NOTES.fail" ]
    exit
fi
{RUN}"""
BASE = f"""#!/bin/sh
if [ "${{1:-}} ${{2:-}}" = "-m venv" ]; then
    echo venv >>"$NOTES"
    mkdir -p "$3/bin"
    cp "$ENVIRONMENT_PYTHON" "$3/bin/python"
    exit
fi
{RUN}"""
HELLO = """import json, os, sys, gan
print(json.dumps({"arguments": sys.argv[1:], "python": os.environ["STARTED_AS"], "gan": gan.__file__,
                  "tunables": os.environ.get("GLIBC_TUNABLES"), "folder": os.getcwd()}))
"""


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Which of the pretended Pythons is running is otherwise lost: they all become the same real one.
    path.write_text(text.replace(RUN, f"export STARTED_AS='{path}'\n" + RUN) if path.parent.name == "search" else text)
    path.chmod(0o755)
    return path


class Checkout:
    """A copy of bin/ with a tiny package, and the search path of a machine with nothing but the pretended Python."""

    def __init__(self, tmp_path: Path):
        self.root = tmp_path / "a check out"
        shutil.copytree(ROOT / "bin", self.root / "bin")
        (self.root / "requirements.txt").write_text("something==1.0\n")
        for name, text in {"__init__": "", "cli/__init__": "", "cli/train": HELLO}.items():
            module = self.root / "gan" / f"{name}.py"
            module.parent.mkdir(parents=True, exist_ok=True)
            module.write_text(text)
        self.notes = tmp_path / "notes"
        self.search = tmp_path / "search"
        for name in PYTHONS:
            write_program(self.search / name, BASE)
        inner = IN_ENVIRONMENT.replace(RUN, 'export STARTED_AS="$0"\n' + RUN)
        self.environment = {
            "PATH": f"{self.search}:/usr/bin:/bin",
            "NOTES": str(self.notes),
            "ENVIRONMENT_PYTHON": str(write_program(tmp_path / "environment_python", inner)),
        }
        self.venv_python = str(self.root / ".venv/bin/python")

    def start(self, *arguments, program=None, cwd="/", **environment) -> subprocess.Popen:
        return subprocess.Popen(
            [program or self.root / "bin/train", *arguments],
            cwd=cwd,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, **options) -> tuple[int, str, str]:
        process = self.start(*arguments, **options)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def hello(self, *arguments, **options) -> dict:
        code, output, errors = self.run(*arguments, **options)
        assert code == 0, errors
        return json.loads(output)

    def noted(self) -> list[str]:
        return self.notes.read_text().split() if self.notes.exists() else []

    def wait_until(self, condition) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    @contextlib.contextmanager
    def held(self):
        """While it lasts, pip does not come to its end."""
        hold = self.notes.with_name("notes.hold")
        hold.touch()
        try:
            yield
        finally:
            hold.unlink()

    def furnish(self, folder: Path) -> Path:
        """An environment that looks as if it had the package's dependencies."""
        for name in PACKAGES:
            (folder / "lib/python3.11/site-packages" / name).mkdir(parents=True)
        (folder / "bin").mkdir()
        shutil.copy(self.environment["ENVIRONMENT_PYTHON"], folder / "bin/python")
        return folder


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


def test_first_start_builds_and_second_reuses(checkout, tmp_path):
    code, output, errors = checkout.run("--steps=3", "two words", cwd=tmp_path)
    assert code == 0
    assert json.loads(output) == {
        "arguments": ["--steps=3", "two words"],
        "python": checkout.venv_python,
        "gan": str(checkout.root / "gan/__init__.py"),
        "tunables": "glibc.malloc.hugetlb=1",
        "folder": str(tmp_path),
    }
    assert str(checkout.root / ".venv") in errors and "GAN_PYTHON" in errors
    assert checkout.noted() == ["venv", "pip"]
    code, output, errors = checkout.run("again")
    assert (code, json.loads(output)["arguments"], errors) == (0, ["again"], "")
    assert checkout.noted() == ["venv", "pip"]


def test_second_start_asks_no_python_but_the_one_it_becomes(checkout):
    checkout.hello()
    for name in PYTHONS:
        write_program(checkout.search / name, '#!/bin/sh\necho asked >>"$NOTES"\nexit 1\n')
    checkout.hello()
    assert checkout.noted() == ["venv", "pip"]


@pytest.mark.parametrize("moment", ["venv", "pip"])
def test_interrupted_build_is_repaired(checkout, moment):
    with checkout.held():
        if moment == "venv":
            text = BASE.replace("    cp ", '    while [ -e "$NOTES.hold" ]; do sleep 0.02; done\n    cp ')
            write_program(checkout.search / "python3.13", text)
        process = checkout.start()
        checkout.wait_until(lambda: moment in checkout.noted())
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    before = checkout.noted()
    assert checkout.hello()["python"] == checkout.venv_python
    assert checkout.noted() == [*before, "venv", "pip"]
    checkout.hello()
    assert len(checkout.noted()) == len(before) + 2


def test_failed_installation_is_one_message_and_the_next_start_tries_again(checkout):
    fail = checkout.notes.with_name("notes.fail")
    fail.touch()
    code, output, errors = checkout.run()
    assert (code, output) == (69, "") and errors.splitlines()[-1].startswith(
        "error: the packages could not be installed"
    )
    fail.unlink()
    checkout.hello()
    assert checkout.noted() == ["venv", "pip", "venv", "pip"]


def test_two_starts_at_once_make_one_environment(checkout):
    with checkout.held():
        first = checkout.start("first")
        checkout.wait_until(lambda: "pip" in checkout.noted())
        second = checkout.start("second")
        line = second.stderr.readline()
        assert line.startswith("Another start is preparing")
    answers = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [json.loads(answer)["arguments"] for answer in answers] == [["first"], ["second"]]
    assert checkout.noted() == ["venv", "pip"]


def test_changed_requirements_update_the_environment(checkout):
    checkout.hello()
    (checkout.root / "requirements.txt").write_text("something==2.0\n")
    checkout.hello()
    assert checkout.noted() == ["venv", "pip", "pip"]
    assert (checkout.root / ".venv/requirements.txt").read_text() == "something==2.0\n"


def test_what_is_installed_is_what_was_read_at_the_start(checkout):
    with checkout.held():
        process = checkout.start()
        checkout.wait_until(lambda: "pip" in checkout.noted())
        (checkout.root / "requirements.txt").write_text("something==3.0\n")
    process.communicate(timeout=60)
    checkout.hello()
    assert checkout.noted() == ["venv", "pip", "pip"]


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_activated_environment_with_the_packages_is_used_as_it_is(checkout, tmp_path, variable):
    own = checkout.furnish(tmp_path / "own")
    assert checkout.hello(**{variable: str(own)})["python"] == str(own / "bin/python")
    assert checkout.noted() == []


def test_activated_environment_without_them_is_passed_over(checkout, tmp_path):
    own = checkout.furnish(tmp_path / "own")
    shutil.rmtree(own / "lib/python3.11/site-packages/tensorflow_datasets")
    assert checkout.hello(VIRTUAL_ENV=str(own))["python"] == checkout.venv_python


def test_python_on_the_search_path_with_the_packages_is_used(checkout, tmp_path):
    packages = tmp_path / "packages"
    for name in PACKAGES:
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").touch()
    answer = checkout.hello(PYTHONPATH=str(packages))
    assert answer["python"] == str(checkout.search / "python3")
    assert checkout.noted() == []


def test_gan_python_is_used_before_all_else(checkout, tmp_path):
    own = checkout.furnish(tmp_path / "own")
    chosen = str(checkout.search / "python3.12")
    assert checkout.hello(GAN_PYTHON=chosen, VIRTUAL_ENV=str(own))["python"] == chosen
    code, _, errors = checkout.run(GAN_PYTHON="/no/such/python")
    assert code == 2 and errors.startswith("error: GAN_PYTHON=/no/such/python") and errors.count("\n") == 1


def test_environment_made_by_hand_is_left_alone(checkout):
    own = checkout.root / ".venv"
    checkout.furnish(own)
    assert checkout.hello()["python"] == str(own / "bin/python")
    shutil.rmtree(own / "lib")
    code, _, errors = checkout.run()
    assert code == 2 and "made by hand" in errors and errors.count("\n") == 1
    assert own.is_dir() and checkout.noted() == []


def test_moved_checkout_keeps_its_environment(checkout, tmp_path):
    checkout.hello()
    checkout.root = checkout.root.rename(tmp_path / "moved")
    assert checkout.hello()["python"] == str(tmp_path / "moved/.venv/bin/python")
    assert checkout.noted() == ["venv", "pip"]


def test_works_through_symbolic_links(checkout, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links/inner").symlink_to(checkout.root / "bin/train")
    (tmp_path / "learn").symlink_to("links/inner")
    answer = checkout.hello("x", program=tmp_path / "learn")
    assert answer["gan"] == str(checkout.root / "gan/__init__.py")
    assert checkout.hello("x", program="./bin/train", cwd=checkout.root)["arguments"] == ["x"]


def test_modules_in_the_current_folder_do_not_count(checkout, tmp_path):
    if sys.version_info < (3, 11):
        pytest.skip("PYTHONSAFEPATH is known from Python 3.11 on")
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong json')\n")
    assert checkout.hello("x", cwd=tmp_path)["arguments"] == ["x"]


def test_a_value_of_the_environment_is_left_alone(checkout):
    assert checkout.hello(GLIBC_TUNABLES="glibc.malloc.check=0")["tunables"] == "glibc.malloc.check=0"


def test_a_python_that_does_not_run_is_passed_over(checkout):
    for name in PYTHONS[:3]:
        write_program(checkout.search / name, "#!/bin/sh\necho 'not found here' >&2\nexit 127\n")
    checkout.hello()
    assert checkout.noted() == ["venv", "pip"]


def test_no_python_is_one_line(checkout):
    for name in PYTHONS:
        write_program(checkout.search / name, "#!/bin/sh\nexit 127\n")
    code, output, errors = checkout.run()
    assert (code, output) == (2, "")
    assert errors.startswith("error: no Python from 3.10 to 3.13") and errors.count("\n") == 1


def test_checkout_that_cannot_be_written_is_one_line(checkout):
    (checkout.root / ".venv.lock").mkdir()  # refuses to be opened, for every user
    code, output, errors = checkout.run()
    assert (code, output) == (2, "")
    assert "cannot be written" in errors and "GAN_PYTHON" in errors and errors.count("\n") == 1


def test_test_command_runs_lint_then_tests_and_ends_with_the_first_failure(checkout):
    for name in ("ruff", "pytest", "xdist"):
        text = f"import os, sys\nprint('{name}', *sys.argv[1:])\nsys.exit(int(os.environ.get('{name.upper()}', 0)))\n"
        (checkout.root / f"{name}.py").write_text(
            f"if __name__ == '__main__':\n    {text.replace(chr(10), chr(10) + '    ')}\n"
        )
    test = checkout.root / "bin/test"
    code, output, _ = checkout.run("tests/core", "-k", "a b", program=test)
    assert (code, output.splitlines()) == (0, ["ruff check", "ruff format --check", "pytest tests/core -k a b"])
    code, output, _ = checkout.run(program=test, PYTEST="5")
    assert (code, output.splitlines()[-1]) == (5, "pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile")
    code, output, _ = checkout.run(program=test, RUFF="3")
    assert (code, output.splitlines()) == (3, ["ruff check"])


def test_test_command_without_pytest_is_one_line(checkout):
    checkout.hello()
    code, output, errors = checkout.run(program=checkout.root / "bin/test")
    assert (code, output) == (2, "")
    assert "pip install" in errors and errors.count("\n") == 1


def test_a_request_to_save_does_not_end_a_training_that_starts(tmp_path):
    told = write_program(tmp_path / "told", "#!/bin/sh\nsed -n 's/SigIgn:[[:space:]]*//p' /proc/self/status\n")
    for command, ignored in (("train", True), ("sample", False)):
        environment = {**os.environ, "GAN_PYTHON": str(told)}
        done = subprocess.run([ROOT / "bin" / command], env=environment, capture_output=True, text=True)
        assert bool(int(done.stdout, 16) & 1 << (signal.SIGUSR1 - 1)) == ignored
