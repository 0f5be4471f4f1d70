"""Records what a process does to a folder, so that a power cut at any moment can be played afterwards.

`record` is called in the process before the command begins. Before and after each call that changes names or makes
something durable (rename, unlink, mkdir, fsync, ...) the whole folder is looked at: the names in each of its folders
and the content of each file, whoever wrote it; TensorFlow's writes are seen without its knowing. What lies between two
looks are writes to files, which a power cut may lose or tear in any case.
"""

import hashlib
import os
import pickle
import stat
from pathlib import Path
from typing import NamedTuple

CALLS = ("fsync", "rename", "replace", "link", "symlink", "unlink", "remove", "mkdir", "rmdir", "truncate", "ftruncate")

Node = tuple[int, int]  # an inode's number, and how often that number was given away before


class Look(NamedTuple):
    """A folder at a moment: names in each of its folders, contents of its files as keys of `Record.contents`."""

    call: str
    folders: dict[Node, dict[str, Node]]
    files: dict[Node, str]
    synced: Node | None  # what the call made durable
    promised: int  # the last step whose checkpoint was said to be saved; -1: none yet


class Record(NamedTuple):
    """All looks at a folder in their order; `root` is its own node."""

    root: Node
    looks: list[Look]
    contents: dict[str, bytes]


def read(path: Path) -> Record:
    """The record that a process has left."""
    return pickle.loads(path.read_bytes())  # our own


def record(asked: dict) -> None:
    """Lets this process record what it does to the folder `asked["folder"]`; the record is left in `asked["path"]`."""
    from gan.jobs import train
    from gan.runs import checkpoint

    os.makedirs(asked["folder"], exist_ok=True)
    watcher = _Watcher(asked["folder"])
    for name in CALLS:
        setattr(os, name, watcher.around(name, getattr(os, name)))
    checkpoint.save = watcher.promising(checkpoint.save)
    train.run = watcher.leaving(train.run, asked["path"])


class _Watcher:
    """Looks at a folder again and again."""

    def __init__(self, folder: str):
        self._folder = folder
        self._alive: dict[int, int] = {}  # inodes there at the last look, with how often they were given away
        self._gone: dict[int, int] = {}
        self._looks: list[Look] = []
        self._contents: dict[str, bytes] = {}
        self._promised = -1
        self._root = self._look("begin", None)

    def around(self, name: str, function):
        """The function with a look before and after it."""

        def call(*arguments, **options):
            self._look(f"before {name}", None)
            result = function(*arguments, **options)
            self._look(name, arguments[0] if name == "fsync" else None)
            return result

        return call

    def promising(self, save):
        """A save of checkpoints after whose return the step is promised."""

        def call(folder, variables, step, facts):
            path = save(folder, variables, step, facts)
            self._promised = step
            self._look("saved", None)
            return path

        return call

    def leaving(self, run, path: str):
        """A training after which the record is written."""

        def call(*arguments):
            result = run(*arguments)
            self._look("end", None)
            with open(path, "wb") as file:
                pickle.dump(Record(self._root, self._looks, self._contents), file)
            return result

        return call

    def _look(self, call: str, synced: int | None) -> Node:
        """Adds a look; `synced` is the descriptor that was made durable. Returns the folder's own node."""
        folders: dict[int, dict[str, int]] = {}
        files: dict[int, str] = {}
        root = os.stat(self._folder).st_ino
        waiting = [(self._folder, root)]
        while waiting:
            path, number = waiting.pop()
            names = folders[number] = {}
            with os.scandir(path) as entries:
                for entry in entries:
                    inode = names[entry.name] = entry.inode()
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, inode))
                    elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                        files[inode] = self._kept(entry.path)
        node = self._nodes({*folders, *files})
        made = os.fstat(synced).st_ino if synced is not None else None
        self._looks.append(
            Look(
                call,
                {node[i]: {name: node[n] for name, n in names.items()} for i, names in folders.items()},
                {node[i]: key for i, key in files.items()},
                node.get(made) if made is not None else None,
                self._promised,
            )
        )
        return node[root]

    def _nodes(self, there: set[int]) -> dict[int, Node]:
        """The nodes of inodes: one that was gone and is there again is another."""
        for inode in self._alive.keys() - there:
            self._gone[inode] = self._alive[inode] + 1
        self._alive = {inode: self._alive.get(inode, self._gone.get(inode, 0)) for inode in there}
        return {inode: (inode, times) for inode, times in self._alive.items()}

    def _kept(self, path: str) -> str:
        with open(path, "rb") as file:
            data = file.read()
        key = hashlib.sha256(data).hexdigest()
        self._contents.setdefault(key, data)
        return key
