"""The log of a run, read back with TensorBoard's own loader: a continued log equals one that was never interrupted."""

import errno
import json
import os
import shutil
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from gan.errors import StorageError
from gan.runs import metrics_log
from gan.runs.log import FOLDER, Summaries
from gan.runs.metrics_log import read_metrics


def values_at(step: int) -> dict[str, float]:
    return {"images": step * 128, "epoch": step / 469, "d_loss": float(np.cos(step)), "g_loss": step**-0.5}


def train(log: Summaries, first: int, last: int, every: int = 10) -> None:
    """What a loop logs from step `first` (exclusive) to `last`."""
    log.text(first, "config", "| seed | 0 |")
    for step in range(first + every, last + 1, every):
        log.scalars(step, values_at(step))
        if step % (2 * every) == 0:
            log.image(step, "samples", np.full((4, 6, 1), step, np.uint8))


def uninterrupted(workdir, last: int = 100):
    log = Summaries(workdir, 0)
    train(log, 0, last)
    log.close()
    return workdir


def events(workdir) -> list[tuple[str, int, bytes]]:
    """(tag, step, tensor) of all summaries in the order in which TensorBoard reads them."""
    found = []
    for path in sorted((workdir / FOLDER).iterdir()):
        for event in EventFileLoader(str(path)).Load():
            found += [(v.tag, event.step, v.tensor.SerializeToString()) for v in event.summary.value]
    return found


def curves(workdir) -> dict[str, list[tuple[int, float]]]:
    """The scalars as TensorBoard shows them."""
    accumulator = plugin_event_accumulator.EventAccumulator(str(workdir / FOLDER), size_guidance={"tensors": 0})
    accumulator.Reload()
    tags = [
        t for t in accumulator.Tags()["tensors"] if accumulator.SummaryMetadata(t).plugin_data.plugin_name == "scalars"
    ]
    return {tag: [(e.step, tf.make_ndarray(e.tensor_proto).item()) for e in accumulator.Tensors(tag)] for tag in tags}


def files(workdir) -> dict[str, bytes]:
    return {str(path.relative_to(workdir)): path.read_bytes() for path in workdir.rglob("*") if path.is_file()}


def test_tensorboard_and_metrics_show_the_same_numbers_under_the_same_names(tmp_path):
    rows = read_metrics(uninterrupted(tmp_path))
    assert rows == [{"step": step, **values_at(step)} for step in range(10, 101, 10)]
    shown = curves(tmp_path)
    assert sorted(shown) == sorted(values_at(1))
    for name, points in shown.items():
        assert points == [(row["step"], float(np.float32(row[name]))) for row in rows]


def test_images_and_texts_arrive(tmp_path):
    uninterrupted(tmp_path, 40)
    accumulator = event_accumulator.EventAccumulator(str(tmp_path / FOLDER), size_guidance={"tensors": 0})
    accumulator.Reload()
    first, second = accumulator.Tensors("samples")
    width, height, data = tf.make_ndarray(second.tensor_proto)
    assert (first.step, second.step, width, height) == (20, 40, b"6", b"4")
    assert tf.io.decode_png(data).numpy().tolist() == np.full((4, 6, 1), 40).tolist()
    assert accumulator.SummaryMetadata("samples").plugin_data.plugin_name == "images"
    assert accumulator.SummaryMetadata("config").plugin_data.plugin_name == "text"
    assert tf.make_ndarray(accumulator.Tensors("config")[0].tensor_proto) == b"| seed | 0 |"


def test_a_continued_log_equals_an_uninterrupted_one(tmp_path):
    whole = uninterrupted(tmp_path / "whole")
    parts = tmp_path / "parts"
    # Killed beyond its checkpoint three times: (restored step, step at which it dies).
    for restored, died in ((0, 50), (30, 60), (30, 70), (60, 80)):
        log = Summaries(parts, restored)
        train(log, restored, died)  # never closed
    log = Summaries(parts, 80)
    train(log, 80, 100)
    log.close()
    assert read_metrics(parts) == read_metrics(whole)
    assert (parts / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    assert curves(parts) == curves(whole)
    numbers = [event for event in events(parts) if event[0] != "config"]
    assert numbers == [event for event in events(whole) if event[0] != "config"]
    assert [step for tag, step, _ in events(parts) if tag == "config"] == [0, 30, 60, 80]


def test_a_torn_end_at_any_byte_loses_nothing_up_to_the_checkpoint(tmp_path):
    log = Summaries(tmp_path / "run", 0)
    train(log, 0, 40)
    log.flush()  # the checkpoint of step 40
    safe = files(tmp_path / "run")
    for step in (50, 60):
        log.scalars(step, values_at(step))
    later = files(tmp_path / "run")
    log.close()
    assert later.keys() == safe.keys()
    for share in np.linspace(0, 1, 12):
        shutil.rmtree(tmp_path / "torn", ignore_errors=True)
        for name, data in later.items():
            path = tmp_path / "torn" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data[: round(len(safe[name]) + share * (len(data) - len(safe[name])))])
        resumed = Summaries(tmp_path / "torn", 40)
        found = files(tmp_path / "torn")
        assert {name: found[name] for name in safe} == safe
        resumed.close()


def test_a_power_cut_may_leave_zeros_or_noise_behind(tmp_path):
    uninterrupted(tmp_path, 40)
    path = next((tmp_path / FOLDER).iterdir())
    safe = path.read_bytes()
    record = safe[-200:-100]
    for tail in (bytes(500), b"\xff" * 500, b"\x20" + bytes(7) + record, record):
        path.write_bytes(safe + tail)
        Summaries(tmp_path, 40).close()
        assert path.read_bytes() == safe


def test_only_files_with_something_to_remove_are_touched(tmp_path):
    for restored, last in ((0, 40), (40, 80)):
        log = Summaries(tmp_path, restored)
        train(log, restored, last)
        log.close()
    old, new = sorted((tmp_path / FOLDER).iterdir())
    inodes = old.stat().st_ino, new.stat().st_ino, (tmp_path / "metrics.jsonl").stat().st_ino
    Summaries(tmp_path, 80).close()
    assert (old.stat().st_ino, new.stat().st_ino, (tmp_path / "metrics.jsonl").stat().st_ino) == inodes
    Summaries(tmp_path, 60).close()
    assert old.stat().st_ino == inodes[0]
    assert new.stat().st_ino != inodes[1]
    Summaries(tmp_path, 20).close()
    assert not new.exists()  # nothing was left in it
    assert [row["step"] for row in read_metrics(tmp_path)] == [10, 20]


def test_a_start_that_logs_nothing_leaves_no_files_behind(tmp_path):
    uninterrupted(tmp_path)
    for _ in range(3):
        Summaries(tmp_path, 100).close()
    assert len(list((tmp_path / FOLDER).iterdir())) == 2
    (tmp_path / FOLDER / ".events.out.tfevents.1.host.7.0.7.tmp").write_bytes(b"left by a kill")
    assert curves(tmp_path)["epoch"][-1][0] == 100
    Summaries(tmp_path, 100).close()
    assert not list((tmp_path / FOLDER).glob(".*"))


def test_a_run_without_a_checkpoint_begins_an_empty_log(tmp_path):
    uninterrupted(tmp_path)
    Summaries(tmp_path, 0).close()
    assert events(tmp_path) == []
    assert read_metrics(tmp_path) == []


def test_a_tag_has_one_value_a_step(tmp_path):
    log = Summaries(tmp_path, 0)
    log.scalars(10, {"step": 10, "d_loss": 1.0})
    log.scalars(10, {"d_loss": 2.0, "fid": 3.0})  # another source at the same step
    log.scalars(10, {"d_loss": 4.0})
    log.text(10, "config", "a")
    log.close()
    log = Summaries(tmp_path, 10)
    log.scalars(10, {"d_loss": 5.0})
    log.text(10, "config", "a")
    log.close()
    assert [(tag, step) for tag, step, _ in events(tmp_path)] == [("d_loss", 10), ("fid", 10), ("config", 10)]
    assert read_metrics(tmp_path) == [{"step": 10, "d_loss": 1.0}, {"step": 10, "fid": 3.0}]


def test_a_tensorboard_that_is_watching_forgets_what_was_undone(tmp_path):
    log = Summaries(tmp_path, 0)
    train(log, 0, 60)
    log.flush()
    accumulator = plugin_event_accumulator.EventAccumulator(str(tmp_path / FOLDER), size_guidance={"tensors": 0})
    accumulator.Reload()
    log = Summaries(tmp_path, 40)
    log.scalars(50, {"d_loss": 7.0})
    log.close()
    accumulator.Reload()
    assert [event.step for event in accumulator.Tensors("d_loss")] == [10, 20, 30, 40, 50]
    assert tf.make_ndarray(accumulator.Tensors("d_loss")[-1].tensor_proto) == 7.0


def test_files_are_read_in_the_order_they_were_written_even_if_the_clock_goes_back(tmp_path, monkeypatch):
    names = []
    for now in (2e9, 1e9, 1e9):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        log = Summaries(tmp_path, 10 * len(names))
        log.scalars(10 * len(names) + 10, {"d_loss": 1.0})
        log.close()
        names.append(max(path.name for path in (tmp_path / FOLDER).iterdir()))
    assert names == sorted(set(names))
    assert [step for _, step, _ in events(tmp_path)] == [10, 20, 30]


def test_numbers_that_are_not_finite(tmp_path):
    log = Summaries(tmp_path, 0)
    log.scalars(1, {"d_loss": float("nan"), "g_loss": float("inf")})
    log.close()
    line = (tmp_path / metrics_log.FILE_NAME).read_text()
    assert json.loads(line) == {"step": 1, "d_loss": None, "g_loss": None}
    shown = curves(tmp_path)
    assert np.isnan(shown["d_loss"][0][1])
    assert shown["g_loss"] == [(1, np.inf)]


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / FOLDER).write_text("a file")
    with pytest.raises(StorageError, match=FOLDER) as caught:
        Summaries(tmp_path, 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("victim", [metrics_log.FILE_NAME, "events.out"])
def test_a_full_disk_is_one_line_and_what_is_tried_again_is_there_once(tmp_path, monkeypatch, victim):
    log = Summaries(tmp_path / "run", 0)
    train(log, 0, 40)
    before, as_it_was = files(tmp_path / "run"), os.pwrite

    def pwrite(descriptor, data, position):
        if victim in os.readlink(f"/proc/self/fd/{descriptor}"):
            as_it_was(descriptor, data[:10], position)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return as_it_was(descriptor, data, position)

    image, calls = np.zeros((4, 6, 1), np.uint8), []
    for call in (lambda: log.scalars(50, values_at(50)), lambda: log.image(60, "samples", image)):
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", pwrite)
            for _ in range(2):
                try:
                    call()
                except StorageError as error:
                    calls.append(str(error))
        torn = [name for name, data in files(tmp_path / "run").items() if victim in name and data != before[name]]
        assert torn == []
        call()
        before = files(tmp_path / "run")
    log.close()
    assert len(calls) == (2 if victim == metrics_log.FILE_NAME else 4)
    assert all("No space left on device" in line and "\n" not in line for line in calls)
    whole = Summaries(tmp_path / "whole", 0)
    train(whole, 0, 50)
    whole.image(60, "samples", image)
    whole.close()
    assert read_metrics(tmp_path / "run") == read_metrics(tmp_path / "whole")
    assert events(tmp_path / "run") == events(tmp_path / "whole")
