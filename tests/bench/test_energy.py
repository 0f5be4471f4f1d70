"""Joules from counters as Linux shows them."""

import pytest

from gan.bench.energy import Meter

RANGE = 1000


@pytest.fixture
def counters(tmp_path):
    """A function that sets the counter of a zone in microjoules, in a folder like that of the kernel."""

    def count(zone: str, name: str, microjoules: int) -> None:
        folder = tmp_path / zone
        folder.mkdir(exist_ok=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text(f"{RANGE - 1}\n")
        (folder / "energy_uj").write_text(f"{microjoules}\n")

    return count


def test_joules_are_those_of_packages_and_memory_since_it_was_made(tmp_path, counters):
    (tmp_path / "intel-rapl").mkdir()
    zones = {
        "intel-rapl:0": "package-0",
        "intel-rapl:1": "package-1",
        "intel-rapl:0:0": "core",  # part of the package
        "intel-rapl:0:1": "dram",
        "intel-rapl:2": "psys",  # all of them once more
    }
    for zone, name in zones.items():
        counters(zone, name, 100)
    meter = Meter(tmp_path)
    assert meter.joules() == 0.0
    for i, (zone, name) in enumerate(zones.items()):
        counters(zone, name, 100 + 10**i)
    assert meter.joules() == pytest.approx((1 + 10 + 1000) / 1e6, abs=1e-9)


def test_a_counter_that_began_anew_goes_on(tmp_path, counters):
    counters("intel-rapl:0", "package-0", 900)
    meter, found = Meter(tmp_path), []
    for now in (950, 50, 40, 40):
        counters("intel-rapl:0", "package-0", now)
        found.append(meter.joules())
    assert found == pytest.approx([50e-6, 150e-6, 1140e-6, 1140e-6])


def test_where_the_machine_does_not_tell_there_are_none(tmp_path, counters):
    assert Meter(tmp_path).joules() is None
    counters("intel-rapl:0", "package-0", 900)
    (tmp_path / "intel-rapl:0/energy_uj").write_text("")  # may not be read
    assert Meter(tmp_path).joules() is None
