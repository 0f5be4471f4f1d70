"""Flags in files: what they stand for, in which order, and where each was written."""

import pytest

from gan.cli import flagfiles
from gan.cli.flagfiles import Argument
from gan.errors import UserError


def test_lines_take_the_place_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf--x=1 \r\n\r\n  # no\r\n// no\r\n--flagfile=b.txt\r--y=a b\n")
    (tmp_path / "b.txt").write_text("--z\n")
    inner = [Argument("--x=1", " (line 1 of a.txt)"), Argument("--z", " (line 1 of b.txt)")]
    inner.append(Argument("--y=a b", " (line 6 of a.txt)"))
    for names in (["--flagfile=a.txt"], ["--flagfile", "a.txt"], ["-flagfile=a.txt"]):
        found = flagfiles.expanded(["--x=0", *names, "--x=2"])
        assert found == [Argument("--x=0"), *inner, Argument("--x=2")]
    twice = flagfiles.expanded(["--flagfile=b.txt", "--flagfile=b.txt", "--", "--flagfile=b.txt"])
    assert [text for text, _ in twice] == ["--z", "--z", "--", "--flagfile=b.txt"]


@pytest.mark.parametrize("arguments", [["--flagfile"], ["--flagfile="], ["--x", "-flagfile"]])
def test_a_file_must_be_named(arguments):
    with pytest.raises(UserError, match="--flagfile names no file"):
        flagfiles.expanded(arguments)


def test_files_that_include_each_other_are_told(tmp_path):
    (tmp_path / "a").write_text(f"--flagfile={tmp_path}/b\n")
    (tmp_path / "b").write_text(f"--x\n--flagfile={tmp_path}/./a\n")
    with pytest.raises(UserError, match=r"/\./a \(line 2 of .*/b\) includes itself"):
        flagfiles.expanded([f"--flagfile={tmp_path}/a"])
