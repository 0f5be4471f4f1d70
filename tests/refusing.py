"""Storage that refuses."""

import os
import re
from functools import partial


class Refusing:
    """Storage that refuses what changes a file the first time, and again after every four times that it took it.

    Of a write a part is done.
    """

    def __init__(self, patch, number):
        self.number, self.taken = number, {}
        for name in ("pwrite", "rename", "replace", "fsync"):
            patch.setattr(os, name, partial(self.one, name, getattr(os, name)))

    def one(self, name, function, first, *others):
        path = os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else str(first)
        key = name, re.sub("[0-9]", "", path)  # an event file that could not be begun has another number
        self.taken[key] = (self.taken.get(key, -1) + 1) % 5
        if self.taken[key]:
            return function(first, *others)
        if name == "pwrite":
            function(first, others[0][:5], others[1])
        raise OSError(self.number, os.strerror(self.number))
