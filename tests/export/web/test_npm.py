"""The runtime by the npm client: fetched once, checked, and nothing left of what failed or was interrupted."""

import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest

from gan.errors import UserError
from gan.export.web import npm, packages
from gan.storage import cache
from tests.export.web import stand_ins


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """A cache and a folder of temporary files that are this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    assert not list(scratch.iterdir())


@pytest.fixture
def known(monkeypatch, tmp_path):
    """The archives by name, which lie in the folder `registry`."""
    archives = stand_ins.make_known(monkeypatch)
    (tmp_path / "registry").mkdir()
    for name, content in archives.items():
        (tmp_path / "registry" / name).write_bytes(content)
    return archives


def kept() -> list[Path]:
    return sorted(path for path in cache.folder().rglob("*") if path.is_file()) if cache.folder().exists() else []


def fetched() -> tuple[list[bytes], list[str]]:
    told = []
    return npm.archives(told.append), told


def refusal() -> str:
    with pytest.raises(UserError) as caught:
        fetched()
    line = str(caught.value)
    assert "\n" not in line
    assert "--runtime" in line
    assert not kept()
    return line


def test_npm_is_asked_for_the_known_versions_and_only_once(monkeypatch, tmp_path, known):
    stand_ins.put_npm(monkeypatch, tmp_path / "bin", f'echo "$@" >> {tmp_path}/asked; cp {tmp_path}/registry/* .')
    archives, told = fetched()
    assert archives == list(known.values())
    assert len(told) == 1
    again, told = fetched()
    assert (again, told) == (archives, [])
    (line,) = (tmp_path / "asked").read_text().splitlines()
    assert line.startswith("pack @litertjs/core@2.5.3 @litertjs/wasm-utils@2.5.3 ")
    assert "--ignore-scripts" in line


def test_what_is_damaged_in_the_cache_is_fetched_again(monkeypatch, tmp_path, known):
    stand_ins.put_npm(monkeypatch, tmp_path / "bin", f"cp {tmp_path}/registry/* .")
    archives, _ = fetched()
    kept()[0].write_bytes(b"damaged")
    again, told = fetched()
    assert again == archives
    assert len(told) == 1
    assert {path.name: path.read_bytes() for path in kept()} == known


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch, tmp_path, known):
    stand_ins.put_npm(monkeypatch, tmp_path / "bin", f"cp {tmp_path}/registry/* .")
    (tmp_path / "cache").write_text("a file")
    archives, _ = fetched()
    assert archives == list(known.values())


def test_what_npm_has_under_a_known_name_must_be_what_is_known(monkeypatch, tmp_path, known):
    stand_ins.put_npm(monkeypatch, tmp_path / "bin", f"cp {tmp_path}/registry/* .")
    (tmp_path / "registry" / next(iter(known))).write_bytes(b"something else")
    assert "sha512" in refusal()


def test_without_npm_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    line = refusal()
    assert "npm, which fetches it, is not installed" in line
    assert packages.BY_HAND in line


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'npm error code ENOTFOUND'; echo 'npm error network no such host' >&2; exit 1", "network no such host"),
        ("exit 3", "it said nothing"),
        ("echo all is well", "all is well"),  # but there is no archive
        ("head -c 5000 /dev/zero | tr '\\0' x; exit 1", "xxx ..."),
    ],
)
def test_a_failure_of_npm_is_one_line_in_its_words(monkeypatch, tmp_path, script, words):
    stand_ins.put_npm(monkeypatch, tmp_path / "bin", script)
    line = refusal()
    assert words in line
    assert len(line) < 600


def test_npm_that_does_not_end_is_ended_with_what_it_has_started(monkeypatch, tmp_path):
    stand_ins.put_npm(monkeypatch, tmp_path / "bin", f"sleep 1000 & echo $! > {tmp_path}/child; wait")
    monkeypatch.setattr(npm, "_SECONDS", 1)
    assert "1 seconds" in refusal()
    assert_ended(int((tmp_path / "child").read_text()))


def test_an_interruption_ends_npm_and_leaves_nothing(monkeypatch, tmp_path):
    child = tmp_path / "child"
    stand_ins.put_npm(
        monkeypatch, tmp_path / "bin", f"sleep 1000 & echo $! > {child}.new; mv {child}.new {child}; wait"
    )

    def interrupt():
        while not child.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        fetched()
    assert not kept()
    assert_ended(int(child.read_text()))


def assert_ended(pid: int) -> None:
    """A process that was killed is gone soon, or waits to be reaped by whoever has inherited it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state in "ZX":
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} goes on, in state {state}")
