"""Rivals: the talk with their processes, and their mistakes as one line."""

import sys

import pytest

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
if sys.argv[1] == "sleeps":
    time.sleep(600)
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


def test_a_start_may_take_as_long_as_a_window(monkeypatch):
    """Who gives a rival more time, because the machine is busy, gives it that for its start too."""
    monkeypatch.setattr(rivals, "_START_SECONDS", 0.0)
    with fake("0", limit_seconds=600.0) as rival:
        assert rival.run(1) == 0.5


def test_a_start_that_takes_too_long_is_one_line(monkeypatch):
    monkeypatch.setattr(rivals, "_START_SECONDS", 0.25)
    with pytest.raises(UserError, match="--against=fake: it did not start within 0.25 s; is the machine too busy"):
        fake("sleeps", limit_seconds=0.1).__enter__()


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


def test_a_python_that_cannot_be_started_is_one_line(tmp_path):
    (tmp_path / "python").write_text("no program")
    (tmp_path / "python").chmod(0o755)
    for line, why in (([tmp_path / "nothing"], "No such file"), ([tmp_path / "python"], "Exec format error")):
        with pytest.raises(UserError, match=f"--against=torch: {line[0]} cannot be started: {why}"):
            rivals.Rival("torch", line, 1.0)
