"""The versions that a run names: the commit of this checkout and of no other one."""

import shutil
import subprocess

import pytest

from gan.machine import versions

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """The folder of a repository with one commit, in the place of this one."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "file").write_text("first")
    for line in ("init -q", "add file", "-c user.name=x -c user.email=x@x commit -q -m first"):
        subprocess.run(["git", *line.split()], cwd=folder, check=True)
    monkeypatch.setattr(versions, "_ROOT", folder)
    return folder


@needs_git
def test_the_commit_and_whether_files_were_changed_since(checkout, tmp_path, monkeypatch):
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True)
    assert versions.commit() == done.stdout[:12]
    (checkout / "another").write_text("not of the repository")
    assert versions.commit() == done.stdout[:12]
    (checkout / "file").write_text("second")
    assert versions.commit() == f"{done.stdout[:12]}-dirty"
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another repository"))  # as in a hook
    assert versions.commit() == f"{done.stdout[:12]}-dirty"


def test_none_where_there_is_no_repository_or_no_git(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "_ROOT", tmp_path)
    assert versions.commit() == ""
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert versions.commit() == ""


def test_everything_names_this_program(monkeypatch):
    monkeypatch.setattr(versions, "commit", lambda: "0123456789ab")
    found = versions.everything()
    assert found["gan"] == f"{versions.program()} 0123456789ab" and set(found) == {
        "python",
        "tensorflow",
        "numpy",
        "gan",
    }
