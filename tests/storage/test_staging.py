"""Staged files and folders are there whole or not at all."""

import contextlib
import os
import signal
from pathlib import Path

import pytest
import tensorflow as tf

from gan.errors import StorageError
from gan.machine.signals import Ended
from gan.storage.files import staged_file, staged_folder

NO_PROCESS = 2**22 + 1  # above the largest process id of Linux


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def test_a_file_takes_its_place_at_the_end(tmp_path):
    path = tmp_path / "new" / "file"
    for content in (b"first", b"second"):
        with staged_file(path) as file:
            file.write(content)
            assert not path.exists() or path.read_bytes() == b"first"
        assert tree(path.parent) == {"file": content}


def test_a_folder_takes_its_place_at_the_end(tmp_path):
    target = tmp_path / "new" / "folder"
    with staged_folder(target) as folder:
        (folder / "a").write_bytes(b"1")
        assert not target.exists()
    assert tree(tmp_path / "new") == {"folder": None, "folder/a": b"1"}


def test_entries_replace_those_of_their_name_only(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a", "mine", "sub/old"):
        (tmp_path / name).write_bytes(b"0")
    with staged_folder(tmp_path) as folder:
        (folder / "sub").mkdir()
        for name in ("a", "b", "sub/new"):
            (folder / name).write_bytes(b"1")
    assert tree(tmp_path) == {"a": b"1", "b": b"1", "mine": b"0", "sub": None, "sub/new": b"1"}


@pytest.mark.parametrize("existing", [False, True])
def test_a_failure_leaves_what_was_there(tmp_path, existing):
    target = tmp_path / "folder"
    if existing:
        target.mkdir()
        (target / "a").write_bytes(b"0")
    before = tree(tmp_path)
    with pytest.raises(ZeroDivisionError), staged_folder(target) as folder:
        (folder / "a").write_bytes(b"1")
        1 / 0  # noqa: B018
    with pytest.raises(ZeroDivisionError), staged_file(tmp_path / "file") as file:
        file.write(b"1")
        1 / 0  # noqa: B018
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["mkdir", "rename", "fsync", "replace"])
def test_a_signal_right_after_an_instruction_leaves_nothing_half_done(tmp_path, monkeypatch, name):
    done = getattr(os, name)

    def ended(*arguments, **named):
        done(*arguments, **named)
        raise Ended(signal.SIGTERM)

    monkeypatch.setattr(os, name, ended)
    for staged in (staged_file, staged_folder):
        with contextlib.suppress(Ended), staged(tmp_path / staged.__name__):
            pass
    assert set(os.listdir(tmp_path)) <= {"staged_file", "staged_folder"}


def test_what_killed_processes_left_is_removed(tmp_path):
    alive = f".file.{os.getppid()}.tmp"
    for name in (f".file.{NO_PROCESS}.tmp", f".file.{os.getpid()}.tmp", alive, ".file.x.tmp"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / f".folder.{NO_PROCESS}.tmp" / "deep").mkdir(parents=True)
    with staged_file(tmp_path / "file"), staged_folder(tmp_path / "folder"):
        pass
    assert sorted(tree(tmp_path)) == sorted([alive, ".file.x.tmp", "file", "folder"])


def test_only_the_storage_is_reported_as_storage(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for staged in (staged_file, staged_folder):
        with (
            pytest.raises(StorageError, match="a file stands where a folder is needed"),
            staged(tmp_path / "file" / "x"),
        ):
            pass
        with pytest.raises(tf.errors.ResourceExhaustedError), staged(tmp_path / "x"):
            raise tf.errors.ResourceExhaustedError(None, None, "out of device memory")
