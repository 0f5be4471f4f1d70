from types import SimpleNamespace

from gan.training import session


def told(before, now):
    run, restored = (SimpleNamespace(facts={"fingerprint": facts}) for facts in (now, before))
    return session.numerics_warning(run, restored)


def test_a_run_is_told_where_its_bits_will_not_be_those_of_an_undisturbed_one():
    facts = {"threads": 2, "arithmetic": 2}
    assert told(facts, facts) == ""
    assert "arithmetic: " in told({"threads": 2}, facts)  # saved by a version that rounded otherwise and said nothing
    assert told({**facts, "threads": 1}, facts).endswith("threads: 1 -> 2")
