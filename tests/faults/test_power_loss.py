import os
import random
from pathlib import Path

from gan.storage.files import make_folder
from tests.faults import outcomes, power_loss
from tests.faults.recording import Look, Record


def test_a_power_cut_at_any_moment_costs_no_saved_step(tmp_path, server):
    found = power_loss.cut_power(server, tmp_path, seed=0, mixes=1, limit=60, finished=0)
    assert outcomes.failures(found) == []
    assert len(found) == 60


def test_what_is_not_synced_may_be_missing():
    """A file is written, synced and named; only after its folder is synced, too, is it there in any case."""
    root, file = (1, 0), (2, 0)
    looks = [
        Look("begin", {root: {}}, {}, None, -1),
        Look("before fsync", {root: {".a": file}}, {file: "new"}, None, -1),
        Look("fsync", {root: {".a": file}}, {file: "new"}, file, -1),
        Look("rename", {root: {"a": file}}, {file: "new"}, None, -1),
        Look("fsync", {root: {"a": file}}, {file: "new"}, root, -1),
    ]
    found = list(power_loss.cuts(Record(root, looks, {"new": b"content"}), random.Random(0), mixes=5))
    trees = {number: [cut.tree for cut in found if cut.number == number] for number in range(5)}
    assert trees[0] == [{}]
    assert {".a": b""} in trees[1] and {".a": b"content"} in trees[1] and {".a": bytes(7)} in trees[1]
    assert {"a": b"content"} in trees[3]
    disk = power_loss.Disk(Record(root, looks, {"new": b"content"}))
    for number in range(5):
        disk.advance(number)
    assert disk.tree(lambda versions: versions[0], lambda synced, written: synced) == {"a": b"content"}


def test_a_new_folder_and_those_above_it_have_durable_names(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda number: (synced.append(Path(os.readlink(f"/proc/self/fd/{number}"))), fsync(number))
    )
    make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"] and (tmp_path / "a" / "b").is_dir()
    make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2
