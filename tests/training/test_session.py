"""What a run tells of its numerics; whole runs are in tests/end_to_end."""

import re
from types import SimpleNamespace

import pytest

from gan import config
from gan.build import Numerics
from gan.machine import devices
from gan.training import session

PLAIN = {"precision": "float32"}
COMPILED, ANY_BITS = PLAIN | {"jit_compile": True}, PLAIN | {"deterministic": False}


def told(before, now):
    run, restored = (SimpleNamespace(facts={"fingerprint": facts}) for facts in (now, before))
    return session.numerics_warning(run, restored)


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


@pytest.mark.parametrize(("deterministic", "kept"), [("auto", {}), ("false", {"deterministic": False})])
def test_the_fingerprint_tells_what_is_not_as_it_always_was(monkeypatch, deterministic, kept):
    monkeypatch.setattr(devices, "is_deterministic", lambda chosen: chosen.deterministic != "false")
    settings = {"precision": "float32", "convolution": "direct"}
    for jit, compiled in (("false", {}), ("true", {"compiled": "chunks"})):
        machine = session.machine(config.make("article", deterministic=deterministic, jit_compile=jit, **settings))
        told = {name: value for name, value in machine.fingerprint.items() if name in ("deterministic", "compiled")}
        assert told == kept | compiled
        assert machine.numerics == Numerics("float32", "direct", jit == "true")
