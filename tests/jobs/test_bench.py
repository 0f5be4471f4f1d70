"""What a benchmark tells beside its figures."""

import pytest

from gan.bench import contestants
from gan.jobs import bench
from gan.machine import sharing


@pytest.mark.parametrize(
    ("preset", "against", "told"),
    [
        ("modern", "preset=dcgan", "preset=dcgan: bin/train would share the cores otherwise"),
        ("article", "preset=modern", "preset=modern: bin/train would share the cores otherwise"),
        ("modern", "width=2", "width=2: bin/train would share the cores otherwise"),
        ("modern", "preset=modern_conditional", ""),
        ("modern", "precision=float32", ""),
    ],
)
def test_who_would_share_the_cores_otherwise_is_told_of(monkeypatch, preset, against, told):
    monkeypatch.setattr(sharing.os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(sharing.processor, "flags", lambda: {"avx2", "avx512f"})
    notes = bench._notes(contestants.of({"preset": preset}, [against]), steps=8)
    assert [note[: len(told)] for note in notes] == [told] * bool(told)
    shared = {"preset": preset, "threads": 2}
    assert bench._notes(contestants.of(shared, [against]), steps=8) == []
