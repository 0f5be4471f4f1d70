"""What the files of a set say of themselves, read once and kept in the cache: headers, and the identity of the set.

The index of a root holds the name, size and time stamps of each image. At the next start only images of which one of
these is another are looked into again; a set that is as it was is not opened at all. A reading that is broken off, by
a damaged file or by hand, keeps what it has.
"""

import collections
import contextlib
import functools
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
from tqdm import tqdm

from gan.data import fingerprint
from gan.data.decoding.formats import SUFFIXES
from gan.data.decoding.images import Header, read_header
from gan.data.folders.listing import Listing
from gan.data.folders.names import Names
from gan.data.headers import Headers
from gan.data.workers import Workers, auto_count
from gan.errors import UserError
from gan.storage import cache

VERSION = 1  # of what an index holds, and of how headers are read
PARALLEL = 4000  # files to be read for which it pays to start processes
_ARRAYS = ("text", "ends", "sizes", "stamps", "kind", "marks", "about")
_CHUNK, _CHUNK_BYTES = 256, 4 << 20  # files, and bytes of them, that are read at a time
_THREADS = 8  # for few files, which may lie on a slow disk
_IDENTITIES = 8  # fingerprints that are kept of a set: as it is, and as it was wanted with other settings
_PATIENCE = 1.0  # seconds after which a progress line is shown


class Files(Protocol):
    """The content of the files that were listed, by index."""

    names: Names
    sizes: np.ndarray

    def part(self, rows: np.ndarray) -> "Files":
        """The files of these rows."""

    def where(self, index: int) -> str:
        """A file as messages name it."""

    def read(self, index: int) -> bytes:
        """The content of a file."""

    def look(self, index: int, edge: int) -> tuple:
        """What the header can be read from, and the content, of a file of more than 2 `edge` bytes its two ends."""


class Known(NamedTuple):
    """What is known of the files of a set."""

    headers: Headers
    fingerprint: str
    duplicates: int  # files with the content of one before; of large files the size and both ends are compared


class _Index:
    """The columns of the index while they are filled."""

    def __init__(self, key: str, listing: Listing, edge: int):
        self.key, self.listing, self.edge = key, listing, edge
        self.headers: dict[Header, int] = {}
        self.kind = np.full(len(listing.names), -1, np.int32)
        self.marks = np.zeros(len(listing.names), np.uint64)
        self.identities: dict[str, str] = {}
        self.changed = True  # since it was written

    def load(self) -> None:
        """Takes over from the cache what still holds."""
        stored = cache.read(self.key, _ARRAYS)
        if stored is None:
            return
        text, ends, sizes, stamps, kind, marks, about = stored
        facts = json.loads(about.tobytes())
        if facts["edge"] != self.edge:
            return
        self.headers = {Header.of_json(values): number for number, values in enumerate(facts["headers"])}
        names = Names(text, ends)
        rows = np.arange(len(names)) if names.same(self.listing.names) else _rows_in(names, self.listing.names)
        there = np.flatnonzero(rows >= 0)
        old = rows[there]
        same = (sizes[old] == self.listing.sizes[there]) & (stamps[old] == self.listing.stamps[there]).all(axis=1)
        self.kind[there[same]], self.marks[there[same]] = kind[old[same]], marks[old[same]]
        if len(names) == len(self.kind) == same.sum():
            self.identities, self.changed = facts["identities"], False

    def save(self) -> None:
        """Keeps it in the cache."""
        kept = dict(list(self.identities.items())[-_IDENTITIES:])
        headers = sorted(self.headers, key=self.headers.__getitem__)
        about = json.dumps({"edge": self.edge, "headers": headers, "identities": kept}).encode()
        names, listing = self.listing.names, self.listing
        columns = (names.text, names.ends, listing.sizes, listing.stamps, self.kind, self.marks)
        cache.write(self.key, _ARRAYS, (*columns, np.frombuffer(about, np.uint8)))
        self.changed = False


def _rows_in(old: Names, new: Names) -> np.ndarray:
    """Where each of the `new` names is among the `old` ones, int64 [N]; -1 where it is not."""
    places = {name: row for row, name in enumerate(old)}
    return np.fromiter((places.get(name, -1) for name in new), np.int64, len(new))


def known(location: str, listing: Listing, files: Files, facts: tuple, processes: int = 0) -> Known:
    """What is known of the files at `location`, by the index or by reading them with so many processes (0: as cores).

    The fingerprint is that of `facts` and of all files. Raises `UserError` naming the first file that is no image.
    """
    edge = fingerprint.edge(int(listing.sizes.sum()))
    words = json.dumps([VERSION, location, Header._fields, SUFFIXES]).encode("utf-8", "surrogateescape")
    index = _Index(f"index-{hashlib.sha256(words).hexdigest()[:20]}", listing, edge)
    index.load()
    wanted = repr(facts)
    if wanted not in index.identities or (index.kind < 0).any():
        try:
            _read(index, files, facts, processes)
        finally:
            index.save()
    different = len(np.unique(index.marks))
    headers = sorted(index.headers, key=index.headers.__getitem__)
    return Known(Headers(headers, index.kind), index.identities[wanted], len(index.kind) - different)


def _read(index: _Index, files: Files, facts: tuple, processes: int) -> None:
    """Reads all files, for the fingerprint; the headers only of those that are not known yet."""
    digest = fingerprint.begun(*facts)
    chunks = _chunks(index)
    with (
        _pool(len(index.kind), processes) as (submit, ahead),
        tqdm(total=len(index.kind), unit=" images", desc="Reading", leave=False, disable=None, delay=_PATIENCE) as bar,
    ):
        pending: collections.deque[tuple[np.ndarray, Future]] = collections.deque()
        for rows in chunks:
            task = functools.partial(_looked_at, files.part(rows), index.edge, index.kind[rows] < 0)
            pending.append((rows, submit(task)))
            if len(pending) > ahead:
                bar.update(_taken(index, digest, *pending.popleft()))
        while pending:
            bar.update(_taken(index, digest, *pending.popleft()))
    index.identities[repr(facts)] = digest.hexdigest()


class _Looked(NamedTuple):
    """What a chunk of files holds."""

    entries: bytes  # what the fingerprint takes of them
    headers: list[Header | None]  # None where it was known before
    marks: list[int]
    error: UserError | None  # of the file after those


def _looked_at(files: Files, edge: int, unknown: np.ndarray) -> _Looked:
    """Reads files, and the headers of those that are `unknown`, up to the first that is no image."""
    entries: list[bytes] = []
    headers: list[Header | None] = []
    marks: list[int] = []
    for row, wanted in enumerate(unknown.tolist()):
        try:
            source, content = files.look(row, edge)
            headers.append(read_header(source, files.where(row)) if wanted else None)
        except UserError as error:
            return _Looked(b"".join(entries), headers, marks, error)
        size = int(files.sizes[row])
        entries.append(fingerprint.entry(files.names.encoded(row), size, content))
        mark = hashlib.blake2b(content, digest_size=8, salt=size.to_bytes(8, "little"))
        marks.append(int.from_bytes(mark.digest(), "little"))
    return _Looked(b"".join(entries), headers, marks, None)


def _taken(index: _Index, digest, rows: np.ndarray, future: Future) -> int:
    """Puts what a chunk holds into the index and the hash; returns the number of files. Raises its error."""
    found: _Looked = future.result()
    digest.update(found.entries)
    for row, header, mark in zip(rows.tolist(), found.headers, found.marks, strict=False):
        if header is not None:
            index.kind[row] = index.headers.setdefault(header, len(index.headers))
            index.marks[row] = mark
    if found.error:
        raise found.error
    return len(rows)


def _chunks(index: _Index) -> list[np.ndarray]:
    """The rows of files in their order, as many at a time as are read at once."""
    count = len(index.kind)
    read = np.cumsum(np.minimum(index.listing.sizes, 2 * index.edge))
    part = read // _CHUNK_BYTES + np.arange(count) // _CHUNK
    return np.split(np.arange(count), np.flatnonzero(np.diff(part)) + 1)


@contextlib.contextmanager
def _pool(count: int, processes: int) -> Iterator[tuple]:
    """What tasks are submitted to, and how many may be under way: processes for many files, threads for few."""
    if count < PARALLEL:
        with ThreadPoolExecutor(_THREADS) as threads:
            yield threads.submit, 2 * _THREADS
        return
    workers = Workers(processes or auto_count())
    try:
        yield workers.submit, 2 * workers.count + 2
    finally:
        workers.close()
