"""Rivals: the talk with their processes, their mistakes as one line, and which mathematics they stand for."""

import importlib.util
import sys

import pytest

from gan import config
from gan.bench import rivals
from gan.errors import UserError

# A rival without a framework; each step takes the seconds that it is told.
FAKE = """
import sys, time
from gan.bench.programs import serving
conversation = serving.Conversation()
print("noise of a library")
if sys.argv[1] == "refuses":
    conversation.error("PyTorch is not installed; install it")
    sys.exit(2)
if sys.argv[1] == "dies":
    sys.exit("no such device")
conversation.ready(versions={"fake": "1.0"}, parameters=[1, 2])
while steps := conversation.next_steps():
    if steps == 13:
        sys.exit("out of memory")
    time.sleep(float(sys.argv[1]))
    conversation.seconds(0.5 * steps)
"""


def fake(behaviour, limit_seconds=60.0):
    return rivals.Rival("fake", [sys.executable, "-c", FAKE, behaviour], limit_seconds)


def test_windows_are_answered_one_after_the_other():
    with fake("0") as rival:
        assert rival.facts == {"versions": {"fake": "1.0"}, "parameters": [1, 2]}
        assert [rival.run(1), rival.run(4)] == [0.5, 0.5]
        assert rival.peak_bytes > 1e6
    assert rival._process.returncode is not None


def test_a_window_beyond_the_limit_ends_the_rival():
    with fake("30", limit_seconds=0.2) as rival:
        assert rival.run(1) is None
        assert rival._process.returncode is not None
        assert rival.run(1) is None


def test_a_rival_that_ends_by_itself_is_one_line():
    with fake("0") as rival, pytest.raises(UserError, match="ended with code 1: out of memory"):
        rival.run(13)


def test_a_rival_that_was_killed_between_windows_is_one_line():
    with fake("0") as rival:
        rival._process.kill()
        rival._process.wait()
        with pytest.raises(UserError, match="--against=fake: the rival ended with code -9"):
            rival.run(1)


@pytest.mark.parametrize(
    ("behaviour", "line"),
    [
        ("refuses", "--against=fake: PyTorch is not installed; install it"),
        ("dies", "--against=fake: the rival ended with code 1: no such device"),
    ],
)
def test_a_rival_that_cannot_run_is_one_line(behaviour, line):
    with pytest.raises(UserError) as error, fake(behaviour):
        pass
    assert str(error.value) == line


def test_the_programs_come_with_the_package(tmp_path):
    """All but their frameworks: they are found from any folder by what the commands name."""
    modules = {rivals.command(name, config.make("article"), tmp_path)[2] for name in rivals.PROGRAMS}
    assert modules == {"gan.bench.programs.keras_article", "gan.bench.programs.torch_article"}
    assert all(importlib.util.find_spec(module) for module in modules)


def test_rivals_need_the_articles_images():
    rivals.check("keras", (28, 28, 1))
    with pytest.raises(UserError, match="28 x 28 x 1, not 32 x 32 x 3"):
        rivals.check("keras", (32, 32, 3))


def test_other_mathematics_is_named():
    assert rivals.other_mathematics(config.make("article_corrected", batch_size=64, seed=3)) == []
    assert "gamma=10.0, theirs 0.0" in rivals.other_mathematics(config.make("article"))
    assert rivals.other_mathematics(config.make("article_corrected", d_dropout=0.1)) == ["d_dropout=0.1, theirs 0.4"]


def test_the_command_names_batch_threads_and_images(tmp_path):
    words = rivals.command("torch_bfloat16", config.make("article", batch_size=8, threads=3), tmp_path / "images.npy")
    assert words[1:] == [
        "-m",
        "gan.bench.programs.torch_article",
        "--batch_size=8",
        "--threads=3",
        f"--images={tmp_path}/images.npy",
        "--precision=bfloat16",
    ]
