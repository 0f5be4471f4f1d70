from types import SimpleNamespace

from gan.training import session


def told(before, now):
    run, restored = (SimpleNamespace(facts={"fingerprint": facts}) for facts in (now, before))
    return session.numerics_warning(run, restored)


def test_a_run_is_told_where_its_bits_will_not_be_those_of_an_undisturbed_one():
    facts = {"threads": 2, "arithmetic": "R1 and R2 in one pass"}
    assert told(facts, facts) == ""
    assert "arithmetic: none -> R1 and R2 in one pass" in told({"threads": 2}, facts)  # a version before said nothing
    assert told({**facts, "threads": 1}, facts).endswith("threads: 1 -> 2")
