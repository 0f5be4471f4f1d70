"""Since which step a run is not exact, and why; whole runs are in tests/end_to_end."""

import dataclasses
import re

import pytest

from gan import config as configs
from gan.errors import UserError
from gan.runs import exactness, workdir
from gan.runs.exactness import Breach

BASE = configs.make("article", g_learning_rate=2e-4)
DATA = {"image_shape": (8, 8, 1), "class_names": ()}
PLAIN = {"precision": "float32"}
COMPILED, ANY_BITS = PLAIN | {"jit_compile": True}, PLAIN | {"deterministic": False}


def told(before, now):
    return exactness.warning({"fingerprint": before}, now)


def test_a_run_is_told_where_its_bits_will_not_be_those_of_an_undisturbed_one():
    facts = {"threads": 2, "arithmetic": "R1 and R2 in one pass"}
    assert told(facts, facts) == ""
    assert "arithmetic: none -> R1 and R2 in one pass" in told({"threads": 2}, facts)  # a version before said nothing
    assert told({**facts, "threads": 1}, facts).endswith("threads: 1 -> 2")


@pytest.mark.parametrize(
    ("saved", "now", "expected"),
    [
        (PLAIN, PLAIN, ""),
        (PLAIN, ANY_BITS, "other numerics .*: deterministic: none -> False"),
        (ANY_BITS, PLAIN, "other numerics .*: deterministic: False -> none"),
        (ANY_BITS, ANY_BITS, "with --deterministic=false the result will not be the same to the bit .*"),
        (COMPILED, COMPILED | {"compiled": "chunks"}, "other numerics .*: compiled: none -> chunks"),
    ],
)
def test_a_run_that_continues_is_warned_if_its_bits_may_be_others(saved, now, expected):
    assert re.fullmatch(expected, told(saved, now))


@pytest.fixture
def run(tmp_path):
    workdir.open_run(tmp_path / "run", BASE, DATA, override=False, numerics=PLAIN)
    return tmp_path / "run"


def facts(config=BASE, fingerprint=PLAIN, inexact=()):
    """What a checkpoint of this version keeps."""
    settings = exactness.mathematics(config)
    return {"fingerprint": fingerprint, "settings": settings, "inexact": exactness.as_json(inexact)}


def test_a_run_that_begins_is_exact_if_it_is_deterministic(tmp_path):
    assert exactness.found(tmp_path, BASE, PLAIN) == []
    assert exactness.found(tmp_path, BASE, ANY_BITS) == [Breach(0, "--deterministic=false")]


def test_a_run_that_goes_on_as_it_was_is_exact(run):
    longer = dataclasses.replace(BASE, steps=99, log_every_steps=3)
    assert exactness.found(run, longer, PLAIN, 20, facts()) == []


def test_other_numerics_are_noted_and_what_was_noted_stays(run):
    threads = PLAIN | {"threads": 1}
    first = exactness.found(run, BASE, threads, 20, facts())
    assert first == [Breach(20, "threads: none -> 1")]
    assert exactness.found(run, BASE, threads, 30, facts(fingerprint=threads, inexact=first)) == first
    back = exactness.found(run, BASE, PLAIN, 40, facts(fingerprint=threads, inexact=first))
    assert back == [*first, Breach(40, "threads: 1 -> none")]


def test_a_run_that_falls_back_to_a_checkpoint_of_before_is_exact_again(run):
    workdir.open_run(run, BASE, DATA, False, ANY_BITS, step=20, inexact=[{"step": 20, "why": "x"}])
    assert exactness.found(run, BASE, PLAIN, 10, facts()) == []


def test_settings_are_those_of_the_checkpoint_not_of_a_start_that_saved_nothing(run):
    faster = dataclasses.replace(BASE, g_learning_rate=1e-3)
    workdir.open_run(run, faster, DATA, override=True, step=20)  # killed then
    assert exactness.found(run, faster, PLAIN, 20, facts()) == [Breach(20, "g_learning_rate: 0.0002 -> 0.001")]
    assert exactness.found(run, BASE, PLAIN, 20, facts()) == []


def test_what_is_not_deterministic_is_noted_once(run):
    begun = exactness.found(run, BASE, ANY_BITS)
    assert exactness.found(run, BASE, ANY_BITS, 20, facts(fingerprint=ANY_BITS, inexact=begun)) == begun
    later = exactness.found(run, BASE, ANY_BITS, 20, facts())
    assert later == [Breach(20, "deterministic: none -> False")]


def test_of_runs_of_earlier_versions_it_says_what_is_known(run):
    old = {"config_hash": "abc", "fingerprint": PLAIN}
    assert exactness.found(run, BASE, PLAIN, 20, old) == []
    content = workdir.described(run)
    changes = ["steps: 0 -> 9", "threads: 0 -> 1", "tensorflow: 2.20.0 -> 2.21.0", "gan: 1 -> 2", "seed: 0 -> 1"]
    content["history"] = [{"time": "then", "changes": changes}, "torn"]
    why = "an earlier version went on with threads: 0 -> 1, tensorflow: 2.20.0 -> 2.21.0"
    assert exactness.noted(old, 20, content) == [Breach(20, why, certain=False)]
    content["history"] = [{"time": "then", "step": 10, "changes": changes}]  # by this version, after that checkpoint
    assert exactness.noted(old, 5, content) == []
    (changed,) = exactness.found(run, dataclasses.replace(BASE, gamma=3.0), PLAIN, 20, old)
    assert changed == Breach(20, f"gamma: {BASE.gamma} -> 3.0")


def test_the_facts_give_back_what_was_noted():
    breaches = [Breach(5, "before", certain=False), Breach(7, "threads: 1 -> 2")]
    assert exactness.noted({"inexact": exactness.as_json(breaches)}, 9, {}) == breaches
    assert exactness.as_json(breaches)[1] == {"step": 7, "why": "threads: 1 -> 2"}


@pytest.mark.parametrize("noted", [3, [None], [{"step": "x", "why": 1}], [{}]])
def test_facts_that_are_none_keep_nobody_from_going_on(run, noted):
    odd = {"inexact": noted, "fingerprint": [1], "settings": "none"}
    assert exactness.found(run, BASE, {}, 9, odd) == [Breach(9, "what was noted of it cannot be read", certain=False)]


@pytest.mark.parametrize(
    ("breaches", "expected"),
    [
        ([], "the bits are those of an undisturbed run"),
        ([Breach(9, "x")], "the bits are those of an undisturbed run"),  # nothing was computed since
        ([Breach(8, "x")], "the bits are not those of an undisturbed run: since step 8 (x)"),
        ([Breach(9, "x", False)], "the bits are perhaps not those of an undisturbed run: before step 9 (x)"),
        (
            [Breach(5, "y", False), Breach(8, "x")],
            "the bits are not those of an undisturbed run: before step 5 (y), since step 8 (x)",
        ),
    ],
)
def test_the_words_for_a_run_at_step_9(breaches, expected):
    assert exactness.words(breaches, 9) == expected


def test_exact_refuses_in_one_line(run):
    exactness.check(run, [])
    with pytest.raises(
        UserError, match=r"--exact: .*run would not .*: since step 8 \(threads: 1 -> 2\); start it"
    ) as told:
        exactness.check(run, [Breach(8, "threads: 1 -> 2")])
    assert told.value.exit_code == 2 and "\n" not in str(told.value)
