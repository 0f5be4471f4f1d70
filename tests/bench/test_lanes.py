"""Lanes: how many operations keep the cores busy."""

import os

import pytest
import tensorflow as tf

from gan.bench import lanes
from gan.bench.lanes import Lanes

CPUS = ("/job:localhost/replica:0/task:0/device:CPU:0", "/job:localhost/replica:0/task:0/device:CPU:1")
GPU = "/job:localhost/replica:0/task:0/device:GPU:0"


@pytest.mark.parametrize(
    ("cores", "threads", "devices", "abreast"),
    [
        (2, 2, CPUS[:1], 1),
        (2, 1, CPUS[:1], 2),
        (2, 0, CPUS[:1], 1),  # as many threads as cores
        (2, 1, CPUS, 1),
        (8, 2, CPUS, 2),
        (1, 1, CPUS[:1], 1),
        (2, 4, CPUS[:1], 1),
        (8, 1, (GPU,), 1),
    ],
)
def test_all_cores_have_an_operation(cores, threads, devices, abreast, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)))
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: threads)
    assert lanes.of_process(devices) == Lanes(devices, abreast)
    assert lanes.of_process(devices).all == [device for device in devices for _ in range(abreast)]
