"""TensorBoard event files that can be made durable, and cut back to a step.

The records are made by TensorFlow's own record writer, in memory, and written here without a thread in between: what
was written before `sync` returns is on the disk, a failure is raised where it happens, and can be tried again.
"""

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError

# What `tf.compat.v1` has by the same names: to look there would import all interfaces of version 1.
from tensorflow.core.framework.summary_pb2 import Summary, SummaryMetadata
from tensorflow.core.util.event_pb2 import Event, SessionLog

from gan.storage.aliases import plain
from gan.storage.appending import Appended
from gan.storage.files import read_bytes, sync_folder, write_atomically
from gan.storage.refusals import storage_errors

PREFIX = "events.out.tfevents."
HEADER_BYTES = 12  # of a record: its length (8) and the length's checksum (4)
FOOTER_BYTES = 4  # the content's checksum
FRAME_BYTES = HEADER_BYTES + FOOTER_BYTES
_SCRATCH = "ram://gan/record"  # in TensorFlow's file system in memory

__all__ = ["Event", "EventFile", "Summary", "SummaryMetadata", "truncate"]


class EventFile:
    """A new event file in `folder`, after everything beyond the restored `step` was removed from those there.

    `last_step` holds by tag what is left. Every method raises `StorageError`.
    """

    def __init__(self, folder: Path, step: int):
        self.path = _new_path(folder)  # not the name of a file that is removed next: a TensorBoard may have it open
        self.last_step = truncate(folder, step)
        self._file, self._is_closed = Appended(self.path), False
        try:
            self.write(Event(wall_time=time.time(), file_version="brain.Event:2"))
            # Tells a TensorBoard that is already watching the folder to forget what it has read beyond `step`.
            start = SessionLog(status="START")
            self.write(Event(wall_time=time.time(), step=step + 1 if step else 0, session_log=start))
            self.sync()
            sync_folder(folder)
        except BaseException:
            self._file.close()
            raise

    def write(self, event: Event) -> None:
        """Appends an event, whole or not at all; TensorBoard sees it, and it survives a kill."""
        self._file.append(_record(event))

    def sync(self) -> None:
        """Makes what was written survive a power cut as well."""
        self._file.sync()

    def close(self) -> None:
        """Syncs and closes; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.sync()
        finally:
            self._file.close()


def _record(event: Event) -> bytes:
    """An event as the files have it: its length, its bytes, and a checksum of each."""
    in_memory = f"{_SCRATCH}.{threading.get_ident()}"
    with tf.io.TFRecordWriter(in_memory) as writer:
        writer.write(event.SerializeToString())
    with tf.io.gfile.GFile(in_memory, "rb") as written:
        record = written.read()
    tf.io.gfile.remove(in_memory)  # or the next one would follow it
    return record


class Content(NamedTuple):
    """What is in an event file: its events, the bytes behind the last whole one, whether a checksum is wrong."""

    events: list[Event]
    rest: int
    altered: bool


def read(path: Path) -> Content:
    """The whole events of a file; raises `StorageError` if it may not be read, `UserError` if it is no file."""
    with storage_errors(path):
        data = read_bytes(path)
        records = list(_records(data))
        whole = records[-1][1] if records else 0
        with plain(path.parent) as folder:
            good = _count_intact(str(folder / path.name))
    return Content([event for *_, event in records], len(data) - whole, good < len(records))


def _count_intact(path: str) -> int:
    """The number of records, from the first on, whose checksums are right."""
    count = 0
    try:
        for _ in tf.data.TFRecordDataset(path):
            count += 1
    except tf.errors.DataLossError:
        pass
    return count


def truncate(folder: Path, step: int) -> dict[str, int]:
    """Removes from the event files what a run restored at `step` will write again; the last step of each tag left.

    That is every event beyond `step` (at step 0 every one) and a record that a kill has torn. Files with nothing to
    remove are not touched, others are replaced atomically, those left without a summary are deleted. Raises
    `StorageError`.
    """
    last: dict[str, int] = {}
    with storage_errors(folder):
        for abandoned in folder.glob(f".{PREFIX}*.tmp"):  # by a rewriting that was killed; TensorBoard would read it
            abandoned.unlink()
        for path in sorted(folder.glob(f"{PREFIX}*")):
            _truncate_file(path, step, last)
        sync_folder(folder)
    return last


def _truncate_file(path: Path, step: int, last: dict[str, int]) -> None:
    """Cuts one file back to `step` and enters the tags of what is left into `last`."""
    data = read_bytes(path)
    kept, summaries = [], 0
    for start, end, event in _records(data):
        if not step or event.step > step:
            continue
        kept.append(data[start:end])
        summaries += event.HasField("summary")
        last.update({value.tag: max(event.step, last.get(value.tag, 0)) for value in event.summary.value})
    if not summaries:
        path.unlink()
    elif (rest := b"".join(kept)) != data:
        write_atomically(path, rest)


def _records(data: bytes) -> Iterator[tuple[int, int, Event]]:
    """(start, end, event) of the records of a file, up to the first that a kill or a power cut has torn.

    Checksums are left to TensorBoard: a torn end shows in its length, or as zeros, or does not parse.
    """
    start = 0
    while start + FRAME_BYTES <= len(data):
        (length,) = struct.unpack_from("<Q", data, start)
        end = start + FRAME_BYTES + length
        if not length or end > len(data):
            return
        try:
            yield start, end, Event.FromString(data[start + HEADER_BYTES : end - FOOTER_BYTES])
        except DecodeError:
            return
        start = end


def _new_path(folder: Path) -> Path:
    """A name that sorts after those there: TensorBoard reads the files in the order of their names.

    The names begin with the seconds of their creation, which two quick starts or a clock set back do not order.
    """
    times = [path.name.removeprefix(PREFIX).split(".")[0] for path in folder.glob(f"{PREFIX}*")]
    newest = max((int(text) for text in times if text.isdecimal()), default=0)
    return folder / f"{PREFIX}{max(int(time.time()), newest + 1):010d}.{socket.gethostname()}.{os.getpid()}.0"
