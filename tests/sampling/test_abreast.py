"""Tests of batches computed side by side."""

import os
import threading

import pytest
import tensorflow as tf

from gan.sampling import abreast


@pytest.fixture
def machine(monkeypatch):
    """Says how many cores there are, and how many threads an operation has."""

    def of(cores: int, threads: int) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)))
        monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: threads)

    return of


@pytest.mark.parametrize(
    ("cores", "threads", "lanes"), [(2, 0, 1), (2, 2, 1), (2, 1, 2), (8, 1, 8), (8, 3, 2), (1, 4, 1)]
)
def test_there_are_as_many_lanes_as_keep_the_cores_busy(machine, cores, threads, lanes):
    machine(cores, threads)
    assert abreast.lanes() == lanes


@pytest.mark.parametrize(("cores", "at_once"), [(1, 1), (2, 2), (3, 3), (64, 4)])
def test_results_come_in_order_of_so_many_items_at_once(machine, cores, at_once):
    machine(cores, 1)
    met = threading.Barrier(at_once)  # opens only where so many are computed at once

    def squared(item: int) -> int:
        met.wait(timeout=60)
        return item**2

    count = 6 * at_once
    assert list(abreast.mapped(squared, iter(range(count)))) == [item**2 for item in range(count)]


@pytest.mark.parametrize("cores", [1, 2])
def test_items_are_asked_for_when_there_is_room_for_them(machine, cores):
    machine(cores, 1)
    asked = []
    results = abreast.mapped(lambda item: item, (asked.append(item) or item for item in range(100)))
    assert [next(results) for _ in range(5)] == list(range(5))
    results.close()
    assert len(asked) <= 5 + cores


@pytest.mark.parametrize("cores", [1, 2])
def test_an_error_comes_where_its_result_would(machine, cores):
    machine(cores, 1)
    results = abreast.mapped(lambda item: 1 // item, [1, 0, 1, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(abreast.mapped(abs, [])) == []
