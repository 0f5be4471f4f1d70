"""What is said before training of what the networks begin with."""

import dataclasses

import numpy as np

from gan import config as configs
from gan.data.source import Held, Source
from gan.data.workers import auto_count
from gan.jobs import train_summary
from gan.training.fine_tuning import Beginning, Part

FACTS = {"init_from": {"checkpoint": "/runs/a@5", "sha256": "0"}}


def test_a_run_that_begins_at_random_says_nothing_of_it():
    assert train_summary.begun_with({"name": "x"}, None) == ""


def test_a_run_that_goes_on_says_what_it_began_with():
    assert train_summary.begun_with(FACTS, None) == "began with  /runs/a@5\n"


def test_what_is_taken_and_the_first_lines_of_what_is_not():
    remarks = tuple(f"conv_{i} begins anew (not there)" for i in range(6))
    parts = Part("generator", 9, 9, 1234, 1234, ()), Part("discriminator", 2, 8, 100, 2000, remarks)
    lines = train_summary.begun_with(FACTS, Beginning(None, parts, FACTS, ())).splitlines()
    assert lines == [
        "begins with /runs/a@5",
        "            generator: 9 of 9 tensors, 1,234 of 1,234 parameters",
        "            discriminator: 2 of 8 tensors, 100 of 2,000 parameters",
        *(f"              {remark}" for remark in remarks[:4]),
        "              and 2 more that are not as they were",
    ]


def test_where_the_images_are_and_what_decodes_them():
    source = Source("x", 9, (8, 8, 1), (), "", "", lambda rows: (np.zeros((len(rows), 8, 8, 1), np.uint8), rows))
    with_tasks = dataclasses.replace(source, task=lambda rows: lambda: source.read(rows))
    default, three, one = configs.make(), configs.make(data_workers=3), configs.make(data_workers=1)
    held = dataclasses.replace(with_tasks, in_memory=True, held=Held(*source.read(np.arange(9))))
    assert train_summary.held(three, held) == "in memory"
    on_device = configs.make(data_in_memory="device")
    assert train_summary.held(on_device, held) == "on the device"
    assert train_summary.held(on_device, held, replicas=2) == "on each of the 2 devices"
    assert train_summary.held(three, source) == "read by index"
    assert train_summary.held(three, with_tasks) == "read by index, decoded by 3 processes"
    assert train_summary.held(one, with_tasks) == "read by index, decoded by 1 process"
    assert f"decoded by {auto_count()} process" in train_summary.held(default, with_tasks)
