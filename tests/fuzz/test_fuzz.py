"""Some three hundred cases of bad input, the same each time; the long form is `python -m tests.fuzz`."""

import pytest

from tests.fuzz.kinds import KINDS, share_of, tried

CASES = 300


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_bad_input_ends_in_one_line_and_changes_nothing(kind):
    outcomes = tried(kind, share_of(kind, CASES))
    assert outcomes.total() >= share_of(kind, CASES) * 3 // 4  # hypothesis ends early only where it has tried all
    assert any(outcome != "taken" for outcome in outcomes)
