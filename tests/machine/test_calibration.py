import json
import os
import time

import pytest
import tensorflow as tf

from gan import config as configs
from gan.build import Numerics
from gan.machine import calibration

FLOAT32, BFLOAT16 = Numerics("float32", "spectral", False), Numerics("mixed_bfloat16", "direct", False)
MACHINE = {"devices": ["some CPU"], "threads": 2}
CONFIG = configs.make("article", d_width=2, batch_size=2)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def measured(monkeypatch):
    """The candidates that were measured on an idle machine; the second one wins each round."""
    seen = []
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 3.0, 3.0))
    monkeypatch.setattr(calibration, "exercise", lambda candidate, config: seen.append(candidate))
    monkeypatch.setattr(calibration, "choose", lambda candidates, exercises: (candidates[1], True))
    return seen


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # seconds of each round; the first one is not counted
        ([9.0, 1.0, 1.0, 1.0], [9.0, 0.5, 0.5, 0.5], (BFLOAT16, True)),
        ([9.0, 1.0, 1.0, 1.0], [1.0, 0.98, 0.98, 0.98], (FLOAT32, True)),
        ([9.0, 1.0, 1.0, 1.0], [1.0, 3.0, 3.0, 3.0], (FLOAT32, True)),
        ([1.0, 1.0, 1.0, 2.0], [1.0, 0.5, 1.5, 0.5], (BFLOAT16, False)),
        ([1.0, 1.0, 1.0, 2.0], [1.0, 1.2, 1.2, 1.2], (FLOAT32, False)),
    ],
)
def test_the_fastest_wins_and_in_doubt_the_first(monkeypatch, first, second, expected):
    now, runs = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def taking(seconds):
        left = iter(seconds)

        def run():
            now[0] += next(left)
            runs.append(len(runs))

        return run

    assert calibration.choose([FLOAT32, BFLOAT16], [taking(first), taking(second)]) == expected
    assert len(runs) == 2 * 4


def test_one_candidate_is_not_measured(cache, measured):
    assert calibration.fastest([FLOAT32], MACHINE, CONFIG) == FLOAT32
    assert measured == []
    assert list(cache.iterdir()) == []


def test_the_answer_is_kept_for_the_machine_and_the_question(cache, measured, capsys):
    pair = [FLOAT32, BFLOAT16]
    assert calibration.fastest(pair, MACHINE, CONFIG) == BFLOAT16
    assert "measuring once" in capsys.readouterr().err
    assert calibration.fastest(pair, MACHINE, CONFIG) == BFLOAT16
    assert len(measured) == 2
    assert capsys.readouterr().err == ""
    calibration.fastest(pair, MACHINE | {"threads": 4}, CONFIG)
    calibration.fastest([FLOAT32, BFLOAT16._replace(jit_compile=True)], MACHINE, CONFIG)
    calibration.fastest(pair, MACHINE, configs.changed(CONFIG, d_width=3))
    calibration.fastest(pair, MACHINE, configs.changed(CONFIG, d_learning_rate=1.0))  # is none of it
    assert len(measured) == 8


@pytest.mark.parametrize(("load", "agreed"), [((1.0, 0.0, 0.0), True), ((0.1, 3.0, 3.0), False)])
def test_an_answer_that_may_be_wrong_is_kept_for_an_hour(cache, measured, monkeypatch, load, agreed):
    pair, now = [FLOAT32, BFLOAT16], [1e9]
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: load)
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(calibration, "choose", lambda candidates, exercises: (candidates[1], agreed))
    for seconds, measurements in ((0.0, 2), (3599.0, 2), (1.0, 4), (3599.0, 4)):
        now[0] += seconds
        assert calibration.fastest(pair, MACHINE, CONFIG) == BFLOAT16
        assert len(measured) == measurements


@pytest.mark.parametrize(
    "damage",
    ["", "{", "3", '["float64", "direct", false, null]', "[1, 2, 3, 4]", '["mixed_bfloat16", "direct", false]'],
)
def test_a_damaged_answer_is_measured_again(cache, measured, damage):
    calibration.fastest([FLOAT32, BFLOAT16], MACHINE, CONFIG)
    [kept] = (cache / "gan-engine" / "numerics").iterdir()
    kept.write_text(damage)
    assert calibration.fastest([FLOAT32, BFLOAT16], MACHINE, CONFIG) == BFLOAT16
    assert len(measured) == 4
    assert json.loads(kept.read_text()) == [*BFLOAT16, None]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch, measured):
    (tmp_path / "gan-engine").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert calibration.fastest([FLOAT32, BFLOAT16], MACHINE, CONFIG) == BFLOAT16


def test_gpus_are_measured_with_the_batch_of_the_run_and_cpus_all_with_the_same(cache, measured, monkeypatch):
    pair, large = [FLOAT32, BFLOAT16], configs.changed(CONFIG, batch_size=4096)
    for gpus, batches, asked in ([], [32, 32], 2), ([None], [2, 512], 6):
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind, gpus=gpus: gpus)
        assert [calibration._batch(chosen) for chosen in (CONFIG, large)] == batches
        for chosen in (CONFIG, large):
            calibration.fastest(pair, MACHINE, chosen)
        assert len(measured) == asked  # the question is another one


def test_each_candidate_is_measured_with_its_own_products(monkeypatch):
    switched = []
    monkeypatch.setattr(calibration.tensorfloat32, "switch", switched.append)
    runs = [calibration.exercise(FLOAT32._replace(precision=name), CONFIG) for name in ("tensorfloat32", "float32")]
    calibration.choose([FLOAT32, FLOAT32], runs)
    assert [numerics.precision for numerics in switched] == ["tensorfloat32", "float32"] * 4


@pytest.mark.parametrize("settings", [{}, {"networks": "sngan", "conditional": True, "minibatch_deviation": 4}])
@pytest.mark.parametrize("numerics", [FLOAT32, FLOAT32._replace(jit_compile=True), BFLOAT16])
def test_the_exercise_runs_in_all_numerics_and_networks(numerics, settings):
    calibration.exercise(numerics, configs.changed(CONFIG, **settings))()
