import numpy as np
import pytest

from tests.faults import outcomes, soak


def test_a_few_saves_leave_what_is_watched_and_the_log_whole(tmp_path, server):
    found = soak.soak(server, tmp_path, minutes=60, saves=30, every=0.02)
    assert [each.phase.split(":")[0].split(",")[0] for each in found] == [*soak.TOLERATED, "log whole"]
    assert found[-1].wrong == ""
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")


def test_a_leak_is_told_from_noise():
    noise = np.random.default_rng(0).normal(0.0, 3.0, 1000)
    flat, rising = 400.0 + noise, 400.0 + noise + np.linspace(0.0, 50.0, 1000)
    assert not soak.trend(flat).grows(0.05) and soak.trend(rising).grows(0.05)
    assert soak.trend(rising).rise == pytest.approx(45.0, abs=1.0)  # less the tenth of the warming up
    assert not soak.trend(np.full(100, 13.0)).grows(0.0)
    files = np.repeat([13.0, 14.0, 15.0], 100)
    assert soak.trend(files).grows(0.0)
    assert outcomes.failures([soak.judged("open files", soak.trend(files))]) != []
