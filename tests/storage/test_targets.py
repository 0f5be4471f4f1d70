"""What stands where a file is written: replaced, written through, or refused."""

import os
import socket
import stat
import threading

import pytest

from gan.errors import StorageError, UserError
from gan.storage import files, targets


def test_a_fifo_is_written_through(tmp_path):
    path, read = tmp_path / "fifo", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    with files.staged_file(path) as file:
        file.write(b"whole")
    reader.join()
    assert read == [b"whole"] and stat.S_ISFIFO(path.stat().st_mode) and os.listdir(tmp_path) == ["fifo"]


def test_a_fifo_without_a_reader_is_refused_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "READER_SECONDS", 0.05)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(StorageError, match="fifo is a FIFO that nobody reads; start its reader"):
        files.write_atomically(tmp_path / "fifo", "x")


@pytest.mark.parametrize("write", [files.write_atomically, files.write_with_folders])
def test_devices_stay(write):
    before = os.stat("/dev/null").st_rdev
    write("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and os.stat("/dev/null").st_rdev == before
    with pytest.raises(StorageError, match="/dev/full: No space left on device; free some space"):
        write("/dev/full", b"x" * 100_000)
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_a_descriptor_is_written_where_it_is(tmp_path):
    with open(tmp_path / "log", "wb") as log:
        log.write(b"before ")
        log.flush()
        (tmp_path / "link").symlink_to(f"/dev/fd/{log.fileno()}")
        files.write_atomically(f"/proc/self/fd/{log.fileno()}", "one ")
        files.write_atomically(tmp_path / "link", "two")
    assert (tmp_path / "log").read_bytes() == b"before one two" and (tmp_path / "link").is_symlink()
    with pytest.raises(StorageError, match="no such descriptor is open"):
        files.write_atomically("/dev/fd/987", "x")


def test_links_stay_and_what_they_lead_to_is_written_with_its_permissions(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("old")
    (tmp_path / "other" / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("other/file")
    (tmp_path / "twice").symlink_to(tmp_path / "link")
    (tmp_path / "dangling").symlink_to("other/new")
    files.write_atomically(tmp_path / "twice", "new")
    files.write_atomically(tmp_path / "dangling", "made")
    assert (tmp_path / "other" / "file").read_text() == "new" and (tmp_path / "other" / "new").read_text() == "made"
    assert stat.S_IMODE((tmp_path / "other" / "file").stat().st_mode) == 0o640
    assert all((tmp_path / name).is_symlink() for name in ("link", "twice", "dangling"))


def test_what_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to("/not/there")
    (tmp_path / "file").write_text("x")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name, words in {
            "circle": "is a link that leads round in a circle",
            "folder": "a folder stands where a file is needed",
            "socket": "is a socket, which is not written to",
            "broken/x": "broken is a link to /not/there, which is not there",
            "file/x": "a file stands where a folder is needed",
            "n" * 256: "use a shorter path",
        }.items():
            for write in (lambda path: files.write_with_folders(path, "x"), files.check_writable):
                with pytest.raises(StorageError) as caught:
                    write(tmp_path / name)
                assert words in str(caught.value) and "\n" not in str(caught.value)


def test_the_longest_name_can_be_written_again(tmp_path):
    for text in ("one", "two"):
        files.write_atomically(tmp_path / ("n" * 255), text)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("n" * 255, "two")]


def test_only_files_are_read_and_locked(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "precious").write_text("x")
    (tmp_path / "link").symlink_to("precious")
    with pytest.raises(UserError, match="fifo is a FIFO, not a file; remove it"):
        files.read_bytes(tmp_path / "fifo")
    with pytest.raises(UserError, match="/dev/zero is a device, not a file"):
        files.sha256("/dev/zero")
    assert files.read_bytes(tmp_path / "link") == b"x"
    for name in ("fifo", "link"):
        with pytest.raises(UserError, match=f"{name} is a"):
            targets.open_lock(tmp_path / name)
    assert (tmp_path / "precious").read_text() == "x"
