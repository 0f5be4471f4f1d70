"""The cache of decoded images: whole or absent, verified, and never in the way."""

import pwd

import numpy as np
import pytest

from gan.storage import cache

ARRAYS = np.arange(60, dtype=np.uint8).reshape(5, 2, 3, 2), np.arange(5, dtype=np.int32)


@pytest.fixture
def builds(tmp_path, monkeypatch):
    """Counts how often the arrays were built."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []

    def build():
        calls.append(1)
        return ARRAYS

    build.calls = calls
    return build


def check(found):
    for one, other in zip(found, ARRAYS, strict=True):
        assert np.array_equal(one, other) and one.dtype == other.dtype


def test_the_second_time_comes_from_the_disk(builds):
    for _ in range(3):
        check(cache.get("toys", builds))
    assert len(builds.calls) == 1
    check(cache.get("others", builds))
    assert len(builds.calls) == 2


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: flip(entry / "images.npy"),
        lambda entry: flip(entry / "labels.npy"),
        lambda entry: (entry / "images.npy").unlink(),
        lambda entry: (entry / "facts.json").write_text("{"),
        lambda entry: (entry / "facts.json").write_text("[]"),
        lambda entry: (entry / "labels.npy").write_bytes(b""),
    ],
)
def test_a_damaged_entry_is_made_again(builds, damage):
    cache.get("toys", builds)
    damage(cache.folder() / "toys")
    check(cache.get("toys", builds))
    check(cache.get("toys", builds))
    assert len(builds.calls) == 2
    assert [entry.name for entry in cache.folder().iterdir()] == ["toys"]


def test_a_cache_that_cannot_be_written_is_no_error(builds, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    check(cache.get("toys", builds))
    check(cache.get("toys", builds))
    assert len(builds.calls) == 2


def test_nothing_is_kept_without_a_key(builds):
    cache.get("", builds)
    assert not cache.folder().exists()


@pytest.mark.parametrize("named", ["relative", ""])
def test_without_a_place_from_the_root_there_is_no_cache(builds, tmp_path, monkeypatch, named):
    def nobody(number):
        raise KeyError(number)

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert cache.folder() is None
    check(cache.get("toys", builds))
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("HOME", "/h")
    assert str(cache.folder()) == "/h/.cache/gan-engine"


def test_what_is_broken_off_or_killed_leaves_nothing(builds, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache.np, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.get("toys", builds)
    assert list(cache.folder().iterdir()) == []
    (cache.folder() / ".toys.999999999.tmp").mkdir()  # of a process that is no more
    cache.get("toys", builds)
    assert [entry.name for entry in cache.folder().iterdir()] == ["toys"]


def test_a_file_in_the_place_of_an_entry_is_replaced(builds):
    cache.folder().mkdir(parents=True)
    (cache.folder() / "toys").write_text("x")
    check(cache.get("toys", builds))
    check(cache.get("toys", builds))
    assert len(builds.calls) == 1
