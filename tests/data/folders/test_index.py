"""The index of many files: made once, by processes where they pay, verified, and never in the way."""

import dataclasses
import hashlib
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from gan.data import fingerprint
from gan.data.decoding.fit import Fit
from gan.data.folders import index
from gan.data.folders.folder import open_folder
from gan.errors import UserError
from gan.storage import cache


@pytest.fixture
def looks(monkeypatch):
    """The names of the files whose headers were read since the list was cleared."""
    seen = []
    read_header = index.read_header

    def counting(file, where=""):
        seen.append(os.path.basename(where))
        return read_header(file, where)

    monkeypatch.setattr(index, "read_header", counting)
    return seen


def formula(root, classes=(), *fit):
    """The fingerprint of earlier versions, written out."""
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    digest = hashlib.sha256(repr(("folder", classes, *(fit or (0, 0)))).encode())
    total = sum((root / name).stat().st_size for name in files)
    for name in files:
        content = (root / name).read_bytes()
        digest.update(f"\n{name} {len(content)}\n".encode())
        ends = total <= 256 << 20 or len(content) <= 128 << 10
        digest.update(content if ends else content[: 64 << 10] + content[-(64 << 10) :])
    return digest.hexdigest()


def test_a_set_that_is_as_it_was_is_not_opened_again(tmp_path, draw, looks, monkeypatch):
    for seed in range(5):
        draw(f"set/{'ab'[seed % 2]}/{seed}.png", seed)
    first = open_folder(str(tmp_path / "set"))
    assert len(looks) == 5 and first.fingerprint == formula(tmp_path / "set", ("a", "b"))
    looks.clear()
    monkeypatch.setattr(fingerprint, "content", None)  # would be needed to read any file
    again = open_folder(str(tmp_path / "set"))
    assert looks == []
    for field in dataclasses.fields(first):
        one, other = getattr(first, field.name), getattr(again, field.name)
        assert np.array_equal(one, other) if field.name == "labels" else callable(one) or one == other, field.name


def test_only_what_changed_is_looked_at(tmp_path, draw, looks):
    for seed in range(6):
        draw(f"set/{seed}.png", seed)
    before = open_folder(str(tmp_path / "set"))
    looks.clear()
    draw("set/2.png", 22)
    draw("set/7.png", 7)
    (tmp_path / "set/0.png").unlink()
    os.rename(tmp_path / "set/5.png", tmp_path / "set/6.png")
    after = open_folder(str(tmp_path / "set"))
    assert sorted(looks) == ["2.png", "6.png", "7.png"]
    assert after.fingerprint == formula(tmp_path / "set") != before.fingerprint


def test_a_file_of_the_same_size_and_date_is_looked_at(tmp_path, draw, looks):
    draw("set/0.png", 0)
    path = tmp_path / "set/0.png"
    before, stat = open_folder(str(tmp_path / "set")), path.stat()
    content = bytearray(path.read_bytes())
    content[24] = 8  # the same: only the times differ
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    looks.clear()
    assert open_folder(str(tmp_path / "set")).fingerprint == before.fingerprint and looks == ["0.png"]


def test_other_settings_have_fingerprints_of_their_own_and_read_no_header_again(tmp_path, draw, looks):
    for seed in range(3):
        draw(f"set/{seed}.png", seed)
    open_folder(str(tmp_path / "set"))
    looks.clear()
    for _ in range(2):
        assert open_folder(str(tmp_path / "set"), Fit(4, 1)).fingerprint == formula(tmp_path / "set", (), 4, 1)
    assert open_folder(str(tmp_path / "set")).fingerprint == formula(tmp_path / "set") and looks == []


def test_a_damaged_index_is_made_anew(tmp_path, draw, looks):
    draw("set/0.png")
    first = open_folder(str(tmp_path / "set"))
    (entry,) = cache.folder().iterdir()
    for damage in (
        lambda: (entry / "kind.npy").write_bytes(b"x"),
        lambda: (entry / "about.npy").unlink(),
        lambda: shutil.rmtree(entry),
    ):
        damage()
        looks.clear()
        assert open_folder(str(tmp_path / "set")).fingerprint == first.fingerprint and looks == ["0.png"]


def test_without_a_cache_all_is_read_each_time(tmp_path, draw, looks, monkeypatch):
    draw("set/0.png")
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for _ in range(2):
        open_folder(str(tmp_path / "set"))
    assert looks == ["0.png"] * 2


def test_a_damaged_image_ends_the_reading_and_what_was_read_is_kept(tmp_path, draw, looks, monkeypatch):
    monkeypatch.setattr(index, "_CHUNK", 2)
    for seed in range(10):
        draw(f"set/{seed}.png", seed)
    whole = (tmp_path / "set/5.png").read_bytes()
    (tmp_path / "set/5.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"set/5\.png cannot be read as an image"):
        open_folder(str(tmp_path / "set"))
    looks.clear()
    (tmp_path / "set/5.png").write_bytes(whole)
    assert open_folder(str(tmp_path / "set")).fingerprint == formula(tmp_path / "set")
    assert "5.png" in looks and not {"0.png", "1.png", "2.png", "3.png", "4.png"} & set(looks)


def test_processes_find_what_threads_find(tmp_path, draw, monkeypatch):
    for seed in range(30):
        draw(f"set/{'ab'[seed % 2]}/{seed:02}.png", seed % 25)
    alone = open_folder(str(tmp_path / "set"))
    shutil.rmtree(cache.folder())
    monkeypatch.setattr(index, "PARALLEL", 1)
    monkeypatch.setattr(index, "_CHUNK", 4)
    monkeypatch.setattr(index, "read_header", None)  # of this process
    monkeypatch.setattr(index, "ThreadPoolExecutor", None)
    helped = open_folder(str(tmp_path / "set"), processes=2)
    assert helped.fingerprint == alone.fingerprint == formula(tmp_path / "set", ("a", "b"))
    assert helped.duplicates == alone.duplicates == 5 and helped.sizes == alone.sizes == {(8, 8): 30}
    shutil.rmtree(cache.folder())
    (tmp_path / "set/b/29.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"set/b/29\.png cannot be read as an image"):
        open_folder(str(tmp_path / "set"), processes=2)


def test_large_sets_are_hashed_by_the_ends_of_their_files(tmp_path, draw, monkeypatch):
    for seed in range(3):
        draw(f"set/{seed}.png", seed, side=300)  # 270,000 bytes
    draw("set/small.png", 9)
    shutil.copy(tmp_path / "set/0.png", tmp_path / "set/copy.png")
    whole = open_folder(str(tmp_path / "set"), Fit(8)).fingerprint
    assert whole == formula(tmp_path / "set", (), 8, 0)
    monkeypatch.setattr(fingerprint, "WHOLE_BYTES", 1000)
    found = open_folder(str(tmp_path / "set"), Fit(8))
    files = sorted((tmp_path / "set").iterdir())
    assert found.fingerprint == fingerprint.of_files(tmp_path / "set", files, "folder", (), 8, 0) != whole
    assert found.duplicates == 1


def test_sizes_are_counted_as_they_are_stored(tmp_path):
    for number, size in enumerate([(8, 6), (6, 8), (8, 6), (8, 8)]):
        Image.new("RGB", size).save(tmp_path / f"{number}.png")
    source = open_folder(str(tmp_path), Fit(4))
    assert source.sizes == {(8, 6): 2, (6, 8): 1, (8, 8): 1} and source.duplicates == 1
    assert source.notes == ("3 images are not square and are cropped to their middle",)
    assert not source.has_places and open_folder(str(tmp_path), Fit(4, 0, "random")).has_places


def test_a_part_of_each_image_is_read_at_its_place(tmp_path):
    ramp = np.repeat(np.arange(0, 160, 10, dtype=np.uint8)[None, :], 4, axis=0)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    source = open_folder(str(tmp_path), Fit(4, 0, "random"))
    for read in (source.read, lambda *arguments: source.task(*arguments)()):
        images, _ = read(np.array([0, 0, 0]), np.array([0.0, 0.5, 0.999]))
        assert images[:, 0, 0, 0].tolist() == [0, 60, 120] and images[:, 0, 3, 0].tolist() == [30, 90, 150]
    assert source.read(np.array([0]))[0][0, 0, 0, 0] == 60
    (whole,), labels = source.whole(np.array([0]))()
    assert whole.shape == (4, 16, 1) and whole[0, :, 0].tolist() == ramp[0].tolist() and labels.tolist() == [-1]
