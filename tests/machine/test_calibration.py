import json
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
    """The candidates that were measured; the second one wins."""
    seen = []
    monkeypatch.setattr(calibration, "exercise", lambda candidate, config: seen.append(candidate))
    monkeypatch.setattr(calibration, "choose", lambda candidates, exercises: candidates[1])
    return seen


def test_the_fastest_wins_and_in_doubt_the_first(monkeypatch):
    clock = iter(range(10**6))
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def taking(seconds):
        def run():
            now[0] += seconds
            next(clock)

        return run

    pair = [FLOAT32, BFLOAT16]
    assert calibration.choose(pair, [taking(1.0), taking(0.5)]) == BFLOAT16
    assert calibration.choose(pair, [taking(1.0), taking(0.98)]) == FLOAT32
    assert calibration.choose(pair, [taking(1.0), taking(3.0)]) == FLOAT32
    assert next(clock) == 3 * 2 * 4  # one round more than is counted


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


@pytest.mark.parametrize("damage", ["", "{", "3", '["float64", "direct", false]', "[1, 2, 3, 4]"])
def test_a_damaged_answer_is_measured_again(cache, measured, damage):
    calibration.fastest([FLOAT32, BFLOAT16], MACHINE, CONFIG)
    [kept] = (cache / "gan-engine" / "numerics").iterdir()
    kept.write_text(damage)
    assert calibration.fastest([FLOAT32, BFLOAT16], MACHINE, CONFIG) == BFLOAT16
    assert len(measured) == 4
    assert json.loads(kept.read_text()) == list(BFLOAT16)


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
