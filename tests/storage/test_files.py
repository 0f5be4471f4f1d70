import errno
import hashlib
import os
import resource
import stat
import subprocess
import sys

import pytest
import tensorflow as tf

from gan.errors import StorageError
from gan.storage import files, refusals


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_writes_bytes_and_text_and_leaves_nothing_else(tmp_path):
    files.write_atomically(tmp_path / "a", b"\x00\xff")
    files.write_atomically(tmp_path / "b", "größer")
    files.write_atomically(tmp_path / "b", "kürzer")
    assert (tmp_path / "a").read_bytes() == b"\x00\xff"
    assert (tmp_path / "b").read_text(encoding="utf-8") == "kürzer"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~mask


def test_content_is_on_disk_before_its_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def spy_replace(*paths):
        calls.append("rename")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    files.write_atomically(tmp_path / "a", "x")
    assert calls == ["file", "rename", "folder"]


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "a"
    files.write_atomically(path, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(StorageError) as caught:
            files.write_atomically(path, b"x" * (1 << 17))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(path) in str(caught.value) and "ulimit -f" in str(caught.value)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_removes_what_killed_writers_of_the_same_file_left_and_nothing_else(tmp_path):
    dead = dead_pid()
    kept = {f".a.{os.getppid()}.tmp", f".ab.{dead}.tmp", ".a.notes.tmp"}
    for name in kept | {f".a.{dead}.tmp"}:
        (tmp_path / name).write_text("part")
    files.write_atomically(tmp_path / "a", "x")
    assert set(os.listdir(tmp_path)) == kept | {"a"}


def test_full_disk_is_one_line_with_path_and_remedy():
    with pytest.raises(StorageError) as caught, refusals.storage_errors("/dev/full"), open("/dev/full", "wb") as full:
        full.write(b"x")
    assert str(caught.value) == "/dev/full: No space left on device; free some space there and start again"


@pytest.mark.parametrize(
    "number", [errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.ENOTDIR, errno.EIO]
)
def test_operating_system_errors_become_one_line(number):
    with pytest.raises(StorageError) as caught, refusals.storage_errors("/some/file"):
        raise OSError(number, os.strerror(number))
    text = str(caught.value)
    assert text.startswith(f"/some/file: {os.strerror(number)}; ") and "\n" not in text


@pytest.mark.parametrize(
    ("kind", "message", "reason", "remedy"),
    [
        (
            "ResourceExhausted",
            "{{node x}} a; No space left on device\nb [Op:S]",
            "No space left on device",
            "free some",
        ),
        ("ResourceExhausted", "a; Disk quota exceeded", "Disk quota exceeded", "quota is used up"),
        ("OutOfRange", "a; File too large [Op:SaveV2]", "File too large", "ulimit -f"),
        ("PermissionDenied", "a; Read-only file system", "Read-only file system", "permissions"),
        ("Unknown", "{{node x}} broken", "broken", "check the disk"),
    ],
)
def test_tensorflow_storage_errors_become_one_line(kind, message, reason, remedy):
    error = getattr(tf.errors, f"{kind}Error")(None, None, message)
    with pytest.raises(StorageError) as caught, refusals.storage_errors("/some/file"):
        raise error
    text = str(caught.value)
    assert text.startswith(f"/some/file: {reason}; ") and remedy in text and "\n" not in text


@pytest.mark.parametrize(
    "error", [ValueError("x"), tf.errors.InvalidArgumentError(None, None, "x"), KeyboardInterrupt()]
)
def test_other_errors_pass_through(error):
    with pytest.raises(type(error)) as caught, refusals.storage_errors("/some/file"):
        raise error
    assert caught.value is error


def test_missing_parent_folder_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        files.write_atomically(tmp_path / "none" / "a", "x")
    with pytest.raises(StorageError, match="No such file"):
        files.sync_folder(tmp_path / "none")


def test_sha256_equals_that_of_the_whole_content(tmp_path):
    data = os.urandom((1 << 20) + 17)
    (tmp_path / "a").write_bytes(data)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(data).hexdigest()


def test_alive_knows_processes():
    assert files.alive(os.getpid()) and files.alive(1)
    assert not files.alive(dead_pid()) and not files.alive(10**30)
