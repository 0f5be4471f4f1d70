"""Files that whole records are added to, in a way that can be tried again when the storage refused it."""

import contextlib
import os
from pathlib import Path

from gan.errors import StorageError
from gan.storage.files import sync_descriptor
from gan.storage.refusals import storage_errors


class Appended:
    """The file at `path`, made if it is not there: each record is added once and whole, or with an error not at all.

    What an error leaves of a record is cut off, at the latest before the next one is written; so whoever gets an error
    may do the same again. The file is then opened anew by its name: the descriptor may be what was lost, such as that
    of a network's file system that went away and came back. Every method raises `StorageError`.
    """

    def __init__(self, path: Path):
        self.path = path
        with storage_errors(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            self._length = self._durable = os.fstat(self._descriptor).st_size
        self._is_torn = self._is_unsure = False

    def append(self, record: bytes) -> None:
        """Adds a record; it survives the end of this process."""
        with storage_errors(self.path):
            self._mend()
            try:
                self._write(record, self._length)
            except OSError:
                self._is_torn = True
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self._length)
                raise
            self._length += len(record)

    def sync(self) -> None:
        """Makes everything that was added survive a power cut as well."""
        if self._durable == self._length:
            return
        with storage_errors(self.path):
            self._mend()
            if self._is_unsure:  # the system takes what it could not write for written: it has to be told again
                self._write(os.pread(self._descriptor, self._length - self._durable, self._durable), self._durable)
            self._is_unsure = self._is_torn = True  # unless it is done
            sync_descriptor(self._descriptor)
            self._durable, self._is_unsure, self._is_torn = self._length, False, False

    def close(self) -> None:
        """Closes it; a second call does nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with storage_errors(self.path):
                os.close(descriptor)

    def _write(self, data: bytes, position: int) -> None:
        """Writes all of it: a disk that is nearly full takes a part and fails at the next one."""
        done = 0
        while done < len(data):
            done += os.pwrite(self._descriptor, data[done:], position + done)

    def _mend(self) -> None:
        """After an error: the file by its name, with nothing but whole records in it."""
        if not self._is_torn:
            return
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_size < self._length:
                raise StorageError(f"{self.path} has lost what was written to it; check the disk and start again")
            os.ftruncate(descriptor, self._length)
            os.dup2(descriptor, self._descriptor, inheritable=False)
        finally:
            os.close(descriptor)
        self._is_torn = False
