"""Mending what can be mended in a run's folder. What is damaged is renamed; torn ends of logs are cut off."""

import os
from pathlib import Path

from gan.runs import checkpoint, grids, log, metrics_log, workdir
from gan.runs.inspection import leftovers, pictures
from gan.storage import event_files
from gan.storage.files import free_name, read_bytes, remove, sync_folder, write_atomically
from gan.storage.refusals import storage_errors


def mend(folder: Path) -> list[str]:
    """Mends the run in `folder`, whose lock this process holds; a line on each thing done. Raises `StorageError`."""
    lines = checkpoint.set_aside_damaged(folder / workdir.CHECKPOINTS)
    for path in leftovers.unfinished(folder):
        remove(path)
        lines.append(f"{path.relative_to(folder)} was removed")
    lines += _metrics(folder / metrics_log.FILE_NAME)
    for name in (log.FOLDER, "eval"):
        for path in sorted((folder / name).glob(f"{event_files.PREFIX}*")):
            lines += _events(path)
    for path in grids.by_step(folder / workdir.SAMPLES).values():
        if pictures.fault(path):
            lines.append(f"{path.name} cannot be read, set aside as {_set_aside(path).name}")
    return lines


def _metrics(path: Path) -> list[str]:
    """Leaves the lines of the log that are whole; where one within it is not, all of it is kept beside."""
    if not path.exists():
        return []
    with storage_errors(path):
        lines = metrics_log.lines(path)
    good = b"".join(line + b"\n" for line, row in lines if row is not None)
    if good == read_bytes(path):
        return []
    note = ""
    if any(line.strip() and row is None for line, row in lines[:-1]):
        note = f"; as it was it is kept as {_copy(path, read_bytes(path)).name}"
    write_atomically(path, good)
    return [f"{path.name}: what is no line of a log was cut off{note}"]


def _events(path: Path) -> list[str]:
    """Cuts off what follows the last whole record of an event file, and keeps it beside: it may be more than a part."""
    rest = event_files.read(path).rest
    if not rest:
        return []
    data = read_bytes(path)
    name = f"end_of_{path.name.removeprefix(event_files.PREFIX)}"  # not one that TensorBoard would read
    kept = _copy(path.with_name(name), data[len(data) - rest :])
    write_atomically(path, data[: len(data) - rest])
    return [f"{path.parent.name}/{path.name}: {rest} bytes of a torn record were cut off, kept as {kept.name}"]


def _copy(path: Path, data: bytes) -> Path:
    copy = free_name(path)
    write_atomically(copy, data)
    return copy


def _set_aside(path: Path) -> Path:
    aside = free_name(path)
    with storage_errors(path):
        os.rename(path, aside)
        sync_folder(path.parent)
    return aside
