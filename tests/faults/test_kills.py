import os

from tests.faults import outcomes
from tests.faults.configurations import CONFIGURATIONS
from tests.faults.kills import kill_often
from tests.faults.outcomes import Outcome

SEED = int.from_bytes(os.urandom(4), "big")  # of the moments; shown when the test fails


def test_killed_at_random_moments(tmp_path, server):
    found = kill_often(server, tmp_path, CONFIGURATIONS["float32"], kills=4, seed=SEED)
    assert outcomes.failures(found) == []
    beside = [each for each in found if each.phase.endswith(" beside")]  # none if each kill came before the first save
    assert len(found) - len(beside) == 4 and [each.phase for each in beside] in ([], ["bin/export beside"])


def test_the_table_counts_by_configuration_and_phase():
    found = [
        Outcome("a", "saving", "", 2.0),
        Outcome("a", "log", "lost step 5"),
        Outcome("a", "saving", "", 4.0),
        Outcome("b", "saving", "", None),
    ]
    assert outcomes.table(found).splitlines()[2:] == [
        "| a | saving | 2 | 2 | 3.0 s | 4.0 s |",
        "| a | log | 1 | 0 |  |  |",
        "| b | saving | 1 | 1 |  |  |",
    ]
    assert outcomes.failures(found) == ["a, log: lost step 5"]
