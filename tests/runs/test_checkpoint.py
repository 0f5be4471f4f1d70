import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from gan.errors import StorageError, UserError
from gan.runs import checkpoint, tensors


class Player(NamedTuple):
    params: Any
    slots: Any


class State(NamedTuple):
    step: Any
    generator: Any
    extra: Any


def values_of(step):
    """A state's values, different at every step; NaN, infinity and the sign of zero among them."""
    random = np.random.default_rng(step)
    kernel = random.normal(size=(3, 5)).astype(np.float32)
    kernel[0, :3] = np.nan, -0.0, np.inf
    slots = [(random.normal(size=7).astype(np.float32), np.zeros((0, 2), np.float32)), np.int64(step)]
    return State(np.int64(step), Player({"dense/0": {"a.b": kernel}, "z": tf.cast(kernel, tf.bfloat16)}, slots), ())


def state_of(step):
    return tf.nest.map_structure(tf.Variable, values_of(step))


def holds(state, step):
    pairs = zip(tf.nest.flatten(state), tf.nest.flatten(values_of(step)), strict=True)
    return all(np.asarray(v.numpy()).tobytes() == np.asarray(w).tobytes() for v, w in pairs)


def hashes(folder, step):
    return {name: facts["sha256"] for name, facts in checkpoint.manifest(folder, step)["files"].items()}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template") / "checkpoints"
    for step in (100, 200, 300):
        checkpoint.save(folder, state_of(step), step, {"config": "abc", "wall_seconds": step / 8})
    return folder


@pytest.fixture
def folder(template, tmp_path):
    return shutil.copytree(template, tmp_path / "checkpoints")


def names(folder):
    return sorted(os.listdir(folder))


def test_save_writes_a_described_folder_and_nothing_else(folder):
    assert names(folder) == ["step_0000000100", "step_0000000200", "step_0000000300"]
    assert names(folder / "step_0000000300") == ["manifest.json", "state.data-00000-of-00001", "state.index"]
    content = checkpoint.manifest(folder, 300)
    assert content["step"] == 300 and content["facts"] == {"config": "abc", "wall_seconds": 37.5}
    for name, facts in content["files"].items():
        data = (folder / "step_0000000300" / name).read_bytes()
        assert facts == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_everything_is_on_disk_before_the_name_and_nothing_goes_before(folder, monkeypatch):
    calls = []
    fsync, rename, rmtree = os.fsync, os.rename, shutil.rmtree

    def path_of(descriptor):
        return os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(
        os, "fsync", lambda descriptor: (calls.append(("fsync", path_of(descriptor))), fsync(descriptor))
    )
    monkeypatch.setattr(os, "rename", lambda a, b: (calls.append(("rename", os.path.basename(b))), rename(a, b)))
    monkeypatch.setattr(shutil, "rmtree", lambda p, **k: (calls.append(("rmtree", p.name)), rmtree(p, **k)))
    checkpoint.save(folder, state_of(400), 400, {})
    named = calls.index(("rename", "step_0000000400"))
    synced = {name for kind, name in calls[:named] if kind == "fsync"}
    assert {*names(folder / "step_0000000400"), f"temporary_step_0000000400.{os.getpid()}"} <= synced
    assert calls[named + 1 :] == [("fsync", "checkpoints")]


def test_restores_every_bit_of_the_newest_and_of_a_chosen_one(folder):
    state = state_of(1)
    assert checkpoint.restore(folder, state) == (300, {"config": "abc", "wall_seconds": 37.5}, [])
    assert holds(state, 300)
    assert checkpoint.restore(folder, state, step=100).step == 100
    assert holds(state, 100)
    with pytest.raises(UserError, match=r"no checkpoint of step 150; choose one of 100, 200, 300"):
        checkpoint.restore(folder, state, step=150)


def test_equal_values_give_equal_bytes(folder, tmp_path):
    checkpoint.save(tmp_path / "other", state_of(300), 300, {"wall_seconds": 99.0})
    assert hashes(tmp_path / "other", 300) == hashes(folder, 300)
    assert hashes(folder, 200) != hashes(folder, 300)


def test_no_checkpoint_is_none(tmp_path):
    state = state_of(1)
    assert checkpoint.restore(tmp_path / "none", state) is None
    (tmp_path / "temporary_step_0000000100.1").mkdir()
    (tmp_path / "checkpoint").write_text("garbage")
    assert checkpoint.restore(tmp_path, state) is None and checkpoint.steps(tmp_path) == []
    with pytest.raises(UserError, match="no checkpoint of step 5; nor any other yet"):
        checkpoint.restore(tmp_path, state, step=5)
    assert holds(state, 1)


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


def flip(fraction):
    def change(data):
        at = int(fraction * len(data))
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return change


def digit(data):
    assert b'"wall_seconds": 37.5' in data
    return data.replace(b'"wall_seconds": 37.5', b'"wall_seconds": 36.5')


DATA, INDEX, MANIFEST = "state.data-00000-of-00001", "state.index", "manifest.json"
FAULTS = {
    "data truncated": lambda path: rewrite(path / DATA, lambda data: data[:-1]),
    "data empty": lambda path: rewrite(path / DATA, lambda data: b""),
    "data longer": lambda path: rewrite(path / DATA, lambda data: data + b"\0"),
    "data bit": lambda path: rewrite(path / DATA, flip(0.98)),
    "data missing": lambda path: (path / DATA).unlink(),
    "data a folder": lambda path: ((path / DATA).unlink(), (path / DATA).mkdir()),
    "index bit": lambda path: rewrite(path / INDEX, flip(0.5)),
    "index truncated": lambda path: rewrite(path / INDEX, lambda data: data[: len(data) // 2]),
    "index empty": lambda path: rewrite(path / INDEX, lambda data: b""),
    "index missing": lambda path: (path / INDEX).unlink(),
    "manifest digit": lambda path: rewrite(path / MANIFEST, digit),
    "manifest bit": lambda path: rewrite(path / MANIFEST, flip(0.4)),
    "manifest truncated": lambda path: rewrite(path / MANIFEST, lambda data: data[:-20]),
    "manifest empty": lambda path: rewrite(path / MANIFEST, lambda data: b""),
    "manifest garbage": lambda path: rewrite(path / MANIFEST, lambda data: b"\xff\x00 garbage"),
    "manifest a list": lambda path: rewrite(path / MANIFEST, lambda data: b"[1, 2]"),
    "manifest missing": lambda path: (path / MANIFEST).unlink(),
    "manifest of another step": lambda path: shutil.copy(path.parent / "step_0000000200" / MANIFEST, path),
    "another step under its name": lambda path: (
        shutil.rmtree(path),
        shutil.copytree(path.parent / "step_0000000200", path),
    ),
    "an empty folder": lambda path: (shutil.rmtree(path), path.mkdir()),
    "a file": lambda path: (shutil.rmtree(path), path.write_text("")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_newest_is_set_aside_and_the_one_before_restored(folder, fault):
    FAULTS[fault](folder / "step_0000000300")
    state = state_of(1)
    with pytest.raises(UserError, match=r"step_0000000300 is damaged"):
        checkpoint.manifest(folder, 300)
    restored = checkpoint.restore(folder, state, set_aside=False)
    assert restored.step == 200 and names(folder)[-1] == "step_0000000300"
    restored = checkpoint.restore(folder, state)
    assert restored.step == 200 and holds(state, 200)
    assert len(restored.skipped) == 1 and "\n" not in restored.skipped[0]
    assert restored.skipped[0].startswith("step_0000000300 is damaged (")
    assert restored.skipped[0].endswith("set aside as damaged_step_0000000300")
    assert names(folder) == ["damaged_step_0000000300", "step_0000000100", "step_0000000200"]
    assert checkpoint.restore(folder, state).skipped == []


def test_every_flipped_bit_of_a_manifest_is_seen_or_without_meaning(folder):
    path = folder / "step_0000000300" / MANIFEST
    good = path.read_bytes()
    meaning = json.loads(good)
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + bytes([good[at] ^ (1 << at % 8)]) + good[at + 1 :])
        try:
            assert checkpoint.manifest(folder, 300) == meaning
        except UserError as error:
            assert "is damaged" in str(error)


def test_tensorflows_own_checkpoint_file_and_other_litter_do_not_matter(folder):
    for litter in (folder / "checkpoint", folder / "step_0000000300" / "checkpoint", folder / "step_x"):
        litter.write_bytes(b"\xff garbage")
    (folder / "step_0000000300" / "state_temp").mkdir()
    (folder / f"temporary_step_0000000400.{os.getpid()}").mkdir()
    state = state_of(1)
    assert checkpoint.restore(folder, state)[::2] == (300, []) and holds(state, 300)


def test_when_all_are_damaged_it_is_an_error_and_stays_one(folder):
    for step in (100, 200, 300):
        FAULTS["data bit"](folder / f"step_{step:010d}")
    state = state_of(1)
    for set_aside in (False, True, True):
        with pytest.raises(UserError) as caught:
            checkpoint.restore(folder, state, set_aside=set_aside)
        text = str(caught.value)
        assert all(f"step_{step:010d}" in text for step in (100, 200, 300)) and str(folder) in text
        assert "another --workdir" in text and "\n" not in text
    assert checkpoint.steps(folder) == [] and holds(state, 1)


def test_a_second_damaged_one_of_the_same_step_gets_a_number(folder):
    for _ in range(2):
        FAULTS["index empty"](folder / "step_0000000300")
        checkpoint.restore(folder, state_of(1))
        checkpoint.save(folder, state_of(300), 300, {})
    assert names(folder)[:2] == ["damaged_step_0000000300", "damaged_step_0000000300.2"]


def test_a_chosen_damaged_step_is_an_error_naming_the_others(folder):
    FAULTS["data truncated"](folder / "step_0000000200")
    state = state_of(1)
    with pytest.raises(UserError, match=r"step_0000000200 is damaged .* choose another step of 100, 300"):
        checkpoint.restore(folder, state, step=200)
    assert holds(state, 1)


def test_another_format_is_not_damage(folder, monkeypatch):
    monkeypatch.setattr(checkpoint.manifests, "FORMAT", 2)
    with pytest.raises(UserError, match="has format 1, not 2"):
        checkpoint.restore(folder, state_of(1))
    assert checkpoint.steps(folder) == [100, 200, 300]


def other_shape(state):
    state.generator.slots[1] = tf.Variable([1, 2], dtype=tf.int64)
    return state, "generator/slots/1 is int64[] there but int64[2] in this run"


def other_type(state):
    return state._replace(step=tf.Variable(1.0)), "tensor step is int64[] there but float32[] in this run"


def one_more(state):
    return state._replace(extra={"ema": tf.Variable(1.0)}), "has no tensor extra/ema"


def one_less(state):
    del state.generator.params["z"]
    return state, "has a tensor generator/params/z that this run has not"


@pytest.mark.parametrize("change", [other_shape, other_type, one_more, one_less])
def test_other_variables_are_refused_and_none_is_assigned(folder, change):
    state, words = change(state_of(1))
    before = [variable.numpy().tobytes() for variable in tf.nest.flatten(state)]
    with pytest.raises(UserError) as caught:
        checkpoint.restore(folder, state)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert [variable.numpy().tobytes() for variable in tf.nest.flatten(state)] == before
    assert checkpoint.steps(folder) == [100, 200, 300]


@pytest.mark.parametrize("fault", ["data empty", "data missing", "index bit", "index truncated", "index empty"])
def test_what_tensorflow_alone_finds_damaged_assigns_nothing(folder, fault, monkeypatch):
    FAULTS[fault](folder / "step_0000000300")
    monkeypatch.setattr(checkpoint.manifests, "verified", lambda path, step: {"facts": {}, "files": {}})
    state = state_of(1)
    restored = checkpoint.restore(folder, state)
    assert restored.step == 200 and holds(state, 200) and "TensorFlow cannot read it" in restored.skipped[0]


def test_saving_the_same_step_again_keeps_equal_and_replaces_other_or_damaged(folder):
    before = (folder / "step_0000000300" / MANIFEST).stat().st_ino
    path = checkpoint.save(folder, state_of(300), 300, {"wall_seconds": 0.0})
    assert path == folder / "step_0000000300" and (path / MANIFEST).stat().st_ino == before
    checkpoint.save(folder, state_of(301), 300, {"new": True})
    state = state_of(1)
    assert checkpoint.restore(folder, state).facts == {"new": True} and holds(state, 301)
    assert names(folder) == ["step_0000000100", "step_0000000200", "step_0000000300"]
    FAULTS["data bit"](folder / "step_0000000300")
    checkpoint.save(folder, state_of(300), 300, {})
    assert checkpoint.restore(folder, state).step == 300 and holds(state, 300)
    assert names(folder)[0] == "damaged_step_0000000300"


def test_values_that_read_back_otherwise_are_never_published(folder, monkeypatch):
    read = tensors.read

    def misread(path):
        found = read(path)
        found["state/generator/slots/0/0"] = -found["state/generator/slots/0/0"]
        return found

    monkeypatch.setattr(tensors, "read", misread)
    with pytest.raises(StorageError, match="reads back other values"):
        checkpoint.save(folder, state_of(400), 400, {})
    assert names(folder) == ["step_0000000100", "step_0000000200", "step_0000000300"]


def test_a_file_limit_is_one_line_and_leaves_the_others_whole(folder):
    large = state_of(400)._replace(extra={"ema": tf.Variable(tf.random.stateless_uniform([100_000], [1, 2]))})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, hard))
    try:
        with pytest.raises(StorageError) as caught:
            checkpoint.save(folder, large, 400, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(folder) in str(caught.value) and "ulimit -f" in str(caught.value) and "\n" not in str(caught.value)
    assert names(folder) == ["step_0000000100", "step_0000000200", "step_0000000300"]
    assert checkpoint.restore(folder, state_of(1))[::2] == (300, [])
    checkpoint.save(folder, large, 400, {})
    assert checkpoint.steps(folder)[-1] == 400


def test_prune_keeps_the_newest_good_ones_and_at_least_two(folder):
    for step in (400, 500):
        checkpoint.save(folder, state_of(step), step, {})
    checkpoint.prune(folder, keep=4)
    assert checkpoint.steps(folder) == [200, 300, 400, 500]
    FAULTS["data bit"](folder / "step_0000000400")
    checkpoint.prune(folder, keep=0)
    assert checkpoint.steps(folder) == [300, 400, 500]
    assert names(folder) == ["step_0000000300", "step_0000000400", "step_0000000500"]


def test_prune_spares_what_it_is_told_to_however_old(folder):
    for step in (400, 500):
        checkpoint.save(folder, state_of(step), step, {})
    checkpoint.prune(folder, 2, {100, 400, 999})
    assert checkpoint.steps(folder) == [100, 400, 500]
    checkpoint.prune(folder, 2)
    assert checkpoint.steps(folder) == [400, 500]


def test_prune_removes_temporary_folders_of_dead_processes_only(folder):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    for pid in (process.pid, os.getpid(), os.getppid()):
        (folder / f"temporary_step_0000000400.{pid}" / "state_temp").mkdir(parents=True)
    checkpoint.prune(folder, keep=3)
    assert [name for name in names(folder) if "temp" in name] == [f"temporary_step_0000000400.{os.getppid()}"]
    assert checkpoint.steps(folder) == [100, 200, 300]


@pytest.mark.parametrize("name", ["a [1] *?", "größe", "back\\slash"])
def test_odd_folder_names_work(tmp_path, name):
    state = state_of(1)
    checkpoint.save(tmp_path / name, state_of(7), 7, {})
    assert checkpoint.restore(tmp_path / name, state).step == 7 and holds(state, 7)


def test_a_file_in_the_folders_place_is_one_line(tmp_path):
    (tmp_path / "checkpoints").write_text("x")
    for attempt in (
        lambda: checkpoint.save(tmp_path / "checkpoints", state_of(1), 1, {}),
        lambda: checkpoint.restore(tmp_path / "checkpoints", state_of(1)),
    ):
        with pytest.raises(StorageError, match="use another path"):
            attempt()
