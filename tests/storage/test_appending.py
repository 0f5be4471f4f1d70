"""A file that records are added to, on a disk that takes a part of a record, or loses what it took."""

import errno
import os

import pytest

from gan.errors import StorageError
from gan.storage.appending import Appended


@pytest.fixture
def full(monkeypatch):
    """`full.append(n)`: the next write but n takes three bytes and then no more, once."""
    faults, as_it_was = [], os.pwrite

    def pwrite(descriptor, data, position):
        if faults and faults[0] <= 0:
            if faults[0] < 0:
                faults.clear()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            faults[0] = -1
            return as_it_was(descriptor, data[:3], position)
        faults[:1] = [faults[0] - 1] if faults else []
        return as_it_was(descriptor, data, position)

    monkeypatch.setattr(os, "pwrite", pwrite)
    return faults


def test_what_is_added_is_there_and_what_was_there_stays(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"before ")
    file = Appended(path)
    file.append(b"one ")
    file.append(b"two")
    assert path.read_bytes() == b"before one two"
    file.sync()
    file.close()
    file.close()
    assert path.read_bytes() == b"before one two"


@pytest.mark.parametrize("cut", [True, False], ids=["cut at once", "cut at the next write"])
def test_a_record_that_was_refused_leaves_nothing_and_can_be_added_again(tmp_path, full, monkeypatch, cut):
    file = Appended(tmp_path / "log")
    file.append(b"whole ")
    full.append(0)
    with monkeypatch.context() as patch:
        if not cut:
            patch.setattr(os, "ftruncate", lambda *_: os.stat("/nowhere"))
        with pytest.raises(StorageError, match="log: No space left on device; free some space"):
            file.append(b"a long record")
    assert (tmp_path / "log").read_bytes() == (b"whole " if cut else b"whole a l")
    file.append(b"b")
    file.sync()
    assert (tmp_path / "log").read_bytes() == b"whole b"


def test_a_file_system_that_went_away_and_came_back_is_opened_anew(tmp_path, monkeypatch):
    file = Appended(tmp_path / "log")
    file.append(b"one ")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda *_: os.close(-1))
        with pytest.raises(StorageError):
            file.append(b"two")
    os.rename(tmp_path / "log", tmp_path / "moved")
    with pytest.raises(StorageError, match="log: No such file"):
        file.append(b"two")  # never a new file
    assert not (tmp_path / "log").exists()
    (tmp_path / "log").write_bytes(b"one twi")  # it is another file now
    file.append(b"two")
    file.close()
    assert (tmp_path / "log").read_bytes() == b"one two" and (tmp_path / "moved").read_bytes() == b"one "


def test_a_file_that_lost_what_was_in_it_is_told_of(tmp_path, full):
    file = Appended(tmp_path / "log")
    file.append(b"one ")
    full.append(0)
    with pytest.raises(StorageError):
        file.append(b"second")
    (tmp_path / "log").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(StorageError, match="log has lost what was written to it; check the disk"):
            file.append(b"second")


def test_what_could_not_be_made_durable_is_written_again_before_it_is_tried_again(tmp_path, monkeypatch):
    """After an error the system takes what it has in memory for written."""
    file, written, as_it_was = Appended(tmp_path / "log"), [], os.pwrite
    file.append(b"safe ")
    file.sync()
    file.append(b"unsure")

    def pwrite(descriptor, data, position):
        written.append((bytes(data), position))
        return as_it_was(descriptor, data, position)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
        with pytest.raises(StorageError, match="Input/output error"):
            file.sync()
    monkeypatch.setattr(os, "pwrite", pwrite)
    file.sync()
    file.sync()
    assert written == [(b"unsure", 5)] and (tmp_path / "log").read_bytes() == b"safe unsure"
