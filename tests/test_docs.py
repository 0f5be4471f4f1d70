"""The documentation against the code: what it names is there, and its example runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import objectives, step
from gan.data import sources
from tests.situations import table as situations
from tests.test_imports import LAYERS

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]}
GUIDES = ("README.md", "BUILD.md", "data.md", "design.md", "reference.md")  # the others also tell of what was
COMMANDS = sorted(path.stem for path in (ROOT / "gan/cli").glob("*.py") if "command.execute(main)" in path.read_text())
ALWAYS = {"flagfile", "help", "version"}
DENIED = {"nocas": "cas", "noopen": "open"}


def place(page: str) -> Path:
    return ROOT if (ROOT / page).exists() else ROOT / "docs"


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings make."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!http)([^)\s]+)\)", PAGES[page]):
        path, _, anchor = target.partition("#")
        assert not path or (place(page) / path).exists(), target
        assert not anchor or anchor in anchors(PAGES[Path(path).name if path else page]), target


@pytest.mark.parametrize("page", GUIDES)
def test_files_that_are_named_are_there(page):
    text = PAGES[page].replace(situations.table(), "")  # whose files are a person's
    text = re.sub(r"\]\([^)]*\)|^(---|\+\+\+) [ab]/", "", text, flags=re.MULTILINE)  # no links, no a/ and b/
    names = re.findall(r"`?((?:[\w.]+/)*[\w.]+\.(?:py|toml|cfg|txt|md))`?", text)
    modules = {path.name for path in (ROOT / "gan").rglob("*.py")}
    for name in set(names):
        if Path(name).name not in ("flags.txt", "NAME.py"):  # of a run; of a module to be written
            there = [(base / name).exists() for base in (ROOT, ROOT / "gan", ROOT / "docs")]
            assert any(there) or name in modules, name


def test_the_worked_example_is_a_change_of_what_is_there():
    changes = re.findall(r"^--- a/(\S+)\n.*?\n(.+?)^```", PAGES["BUILD.md"], re.DOTALL | re.MULTILINE)
    assert len(changes) == 2
    for path, change in changes:
        there = (ROOT / path).read_text(encoding="utf-8").splitlines()
        kept = [line[1:] for line in change.splitlines() if line.startswith(" ")]
        assert kept and all(line in there for line in kept), path
    added = "\n".join(line[1:] for line in changes[0][1].splitlines() if line.startswith("+") and line[1:2] != "+")
    names = dict(vars(objectives))
    exec(added.partition('    "relativistic_hinge"')[0], names)
    made = names["relativistic_hinge"]()
    assert made.discriminator(tf.constant([2.5]), tf.constant([1.0]), None).numpy() == [0.0]
    assert made.generator(tf.constant([2.5]), tf.constant([1.0])).numpy() == [2.5]


@pytest.fixture(scope="module")
def flags_of() -> dict[str, set[str]]:
    """The flags of each command, by its help."""
    pages = {}
    for name in COMMANDS:
        line = [sys.executable, "-m", f"gan.cli.{name}", "--help"]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
        pages[name] = {flag.removeprefix("[no]") for flag in re.findall(r"^  --([\[\]\w]+)", done.stdout, re.MULTILINE)}
    return pages


@pytest.mark.parametrize("page", PAGES)
def test_flags_of_commands_exist(page, flags_of):
    text = PAGES[page].replace("\\\n", " ")
    lines = re.findall(r"bin/(\w+)((?:[ \t]+[^#`|\n]*)?)", text)
    for name, rest in lines:
        if name in COMMANDS:
            given = {DENIED.get(flag, flag) for flag in re.findall(r"--(\w+)", rest)}
            assert given - ALWAYS <= flags_of[name], f"bin/{name} {rest}"


@pytest.mark.parametrize("page", PAGES)
def test_data_sets_of_commands_are_of_a_kind_that_there_is(page):
    named = re.findall(r"--(?:test_)?dataset=([\w:]+)", PAGES[page])
    assert all(name.partition(":")[0] in {*sources.KINDS, "SET"} for name in named), named


@pytest.mark.parametrize("page", GUIDES)
def test_flags_by_themselves_exist(page, flags_of):
    named = {DENIED.get(flag, flag) for flag in re.findall(r"`--(\w+)[^`]*`", PAGES[page])}
    assert named <= set.union(*flags_of.values()) | {"minutes"} | ALWAYS


def test_every_folder_of_the_house_is_on_the_page_in_the_order_of_its_line():
    rows = re.findall(r"^\| (`[^|]+) \|", PAGES["design.md"].partition("## Contracts")[0], re.MULTILINE)
    lines = [[name.removesuffix(".py") for name in re.findall(r"`([\w.]+)`", row)] for row in rows]
    assert [sorted(line) for line in lines] == [sorted(name.removeprefix("gan.") for name in line) for line in LAYERS]


def test_the_tests_that_hold_the_laws_are_there():
    laws = PAGES["design.md"].partition("## Laws")[2]
    rows = [row for row in laws.splitlines() if row.startswith("| ") and "tests/" in row]
    assert len(rows) >= 11
    for row in rows:
        file = ""
        for name in re.findall(r"`([^`]+)`", row.rpartition(" | ")[2]):
            if name.startswith("tests/"):
                file = (ROOT / name).read_text(encoding="utf-8")
            else:
                assert f"def {name}(" in file, name


def test_every_logged_scalar_is_in_the_manual_and_no_other():
    recipes = [
        config.make("article", augmentation="adaptive", g_width=4, d_width=2),
        config.make("modern_conditional", g_width=8, d_width=4),
    ]
    numerics = [build.PLAIN, build.PLAIN._replace(precision="mixed_float16")]
    games = [build.game(recipe, (28, 28, 1), one, 10) for recipe in recipes for one in numerics]
    logged = {name.partition("/")[0] for game in games for name in step.metric_names(game)}
    logged |= {"images", "epoch", "images_per_second", "wall_seconds"}
    table = PAGES["reference.md"].partition("## Logged scalars")[2].partition("## Exit codes")[0]
    told = [name for cell in re.findall(r"^\| (`[^|]+)\|", table, re.MULTILINE) for name in re.findall("`(.+?)`", cell)]
    assert sorted(told) == sorted(logged)


def test_the_example_in_python_runs(tmp_path):
    (code,) = re.findall(r"```python\n(.+?)```", PAGES["README.md"], re.DOTALL)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (120, 28, 28), np.uint8)
    np.savez(tmp_path / "data.npz", images=images, labels=np.arange(120) % 3)
    smaller = [  # the same calls, on few images and for a few steps
        ('{"preset": "modern", "minutes": 30}', '{"dataset": "npz:data.npz", "steps": 2, "width": 0.1}'),
        ('evaluate.Request(workdir="runs/notebook")', 'evaluate.Request("runs/notebook", features="random", k=2)'),
    ]
    for whole, small in smaller:
        assert whole in code
        code = code.replace(whole, small)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    trained, distance = done.stdout.splitlines()[-1].split()
    assert int(trained) == 2 and float(distance) > 0
    assert (tmp_path / "runs/notebook/grid.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_of_situations_is_that_of_the_tests():
    assert situations.table() in PAGES["data.md"], "print it anew: python -m tests.situations"
