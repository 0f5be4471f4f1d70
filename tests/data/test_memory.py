"""Which sources are held in memory."""

import numpy as np
import pytest

from gan.data import memory
from gan.data.source import Source
from gan.errors import UserError


def source(count=10):
    return Source("toys", count, (2, 2, 1), (), "0", "", lambda rows: (
        np.repeat(rows.astype(np.uint8), 4).reshape(-1, 2, 2, 1), rows.astype(np.int32)))  # fmt: skip


@pytest.mark.parametrize(("free", "mode", "held"), [
    (160, "auto", True), (159, "auto", False), (40, "true", True), (10**9, "false", False),
])  # fmt: skip
def test_auto_takes_at_most_a_quarter_of_what_is_free(monkeypatch, free, mode, held):
    monkeypatch.setattr(memory, "available_bytes", lambda: free)
    placed = memory.placed(source(), mode)
    assert placed.in_memory is held
    images, labels = placed.read(np.array([9, 2]))
    assert images[:, 0, 0, 0].tolist() == [9, 2] == labels.tolist()


def test_what_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 39)
    with pytest.raises(UserError, match="--data_in_memory=true"):
        memory.placed(source(), "true")


def test_all_images_are_read_in_their_order(monkeypatch):
    monkeypatch.setattr(memory, "CHUNK", 3)
    images, labels = memory.loaded(source(10))
    assert images[:, 1, 1, 0].tolist() == labels.tolist() == list(range(10))


def test_the_memory_that_is_available_is_a_sensible_number():
    assert 2**20 < memory.available_bytes() < 2**50
