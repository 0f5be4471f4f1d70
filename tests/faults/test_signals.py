import signal

from tests.faults import outcomes, phases, surroundings
from tests.faults.signals import send_signals


def test_a_run_that_gets_a_signal_in_any_phase_goes_on_to_the_same_bits(tmp_path, server):
    found = send_signals(server, tmp_path, seed=0, numbers=(signal.SIGHUP,), at=("saving", "evaluating"))
    assert outcomes.failures(found) == [] and [each.phase for each in found] == ["saving", "evaluating"]
    assert set(phases.PHASES) > {"saving", "evaluating"}


def test_a_run_in_unusual_surroundings_goes_on_to_the_same_bits(tmp_path, server):
    which = (surroundings.copied, surroundings.moved, surroundings.clock_back)
    found = surroundings.surround(server, tmp_path, which)
    assert outcomes.failures(found) == [] and len(found) == 3
