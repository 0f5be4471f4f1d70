import pytest

from tests.faults import full_disk, outcomes


def test_a_disk_that_fills_up_ends_with_a_line_and_the_same_command_goes_on(tmp_path, server):
    found = full_disk.fill_disk(server, tmp_path, seed=2, times=2, commands={"sample": 1})
    if not found:
        pytest.skip("no disk can be mounted here to be filled up")
    assert outcomes.failures(found) == [] and len(found) == 3
