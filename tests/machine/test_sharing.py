import pytest

from gan import config
from gan.machine import sharing
from gan.machine.sharing import Sharing

PLAIN, WIDE_VECTORS = frozenset({"avx2", "fma"}), frozenset({"avx2", "fma", "avx512f"})
WHOLE, SIDE_BY_SIDE = Sharing(1, 0), Sharing(1, 1)


@pytest.mark.parametrize(
    ("cores", "flags", "asked", "expected"),
    [
        (2, PLAIN, {}, Sharing(2, 1)),
        (2, WIDE_VECTORS, {}, SIDE_BY_SIDE),
        (1, PLAIN, {}, WHOLE),
        (4, PLAIN, {}, WHOLE),  # not measured
        (4, WIDE_VECTORS, {}, WHOLE),
        (2, PLAIN, {"batch_size": 31}, WHOLE),  # the batch cannot be shared out
        (2, PLAIN, {"batch_size": 12}, WHOLE),  # parts of 6 images
        (2, PLAIN, {"minibatch_deviation": 4}, Sharing(2, 1)),
        (2, PLAIN, {"minibatch_deviation": 16}, WHOLE),  # a part has no whole group of real images and fakes
        (2, PLAIN, {"width": 2.0}, WHOLE),  # operations large enough for two threads
        (2, PLAIN, {"preset": "dcgan"}, WHOLE),  # statistics over the batch
        (2, PLAIN, {"strategy": "mirrored"}, Sharing(2, 1)),
    ],
)
def test_a_small_cpu_is_shared_out_where_networks_are_narrow(monkeypatch, cores, flags, asked, expected):
    monkeypatch.setattr(sharing.os, "sched_getaffinity", lambda process: set(range(cores)))
    monkeypatch.setattr(sharing.processor, "flags", lambda: flags)
    assert sharing.chosen(config.make(**asked), has_gpus=False) == expected


@pytest.mark.parametrize(
    ("asked", "before", "expected"),
    [
        ({}, Sharing(1, 2), WHOLE),  # a run of a version that knew nothing else
        ({}, Sharing(1, 1), SIDE_BY_SIDE),
        ({}, Sharing(2, 1), Sharing(2, 1)),
        ({"replicas": "1"}, Sharing(2, 1), WHOLE),
        ({"replicas": "4"}, Sharing(2, 1), Sharing(4, 1)),
        ({"replicas": "4", "threads": 3}, None, Sharing(4, 3)),
        ({"strategy": "one_device"}, Sharing(2, 1), Sharing(0, 0)),
        ({"strategy": "mirrored", "logical_cpus": 4}, Sharing(2, 1), Sharing(0, 0)),
        ({"threads": 2}, Sharing(2, 1), Sharing(0, 2)),
    ],
)
def test_a_run_goes_on_as_it_was_saved_unless_it_is_told_otherwise(asked, before, expected):
    assert sharing.chosen(config.make(**asked), has_gpus=False, before=before) == expected


@pytest.mark.parametrize(("text", "expected"), [("auto", 0), ("1", 1), ("2", 2)])
def test_gpus_are_left_to_the_strategy_but_for_a_number_that_is_asked_for(text, expected):
    assert sharing.chosen(config.make(replicas=text), has_gpus=True) == Sharing(expected, 0)
