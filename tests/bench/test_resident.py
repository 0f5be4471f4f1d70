"""The memory that a process has had."""

import subprocess
import sys

from gan.bench import resident

_SAYS = "from gan.bench import resident; print(resident.peak_bytes())"
_GROWS = f"""
import subprocess, sys
from gan.bench import resident
before, large = resident.peak_bytes(), bytearray(b"1") * (1 << 28)
print(before, resident.peak_bytes(), len(large))
del large
print(resident.peak_bytes(), subprocess.run([sys.executable, "-c", {_SAYS!r}], capture_output=True, text=True).stdout)
"""


def test_the_peak_stays_and_is_that_of_the_process_alone():
    done = subprocess.run([sys.executable, "-c", _GROWS], capture_output=True, text=True, check=True)
    before, peak, large, after, child = map(int, done.stdout.split())
    assert peak >= before + large // 2 and after >= large
    assert 1 << 20 < child < large // 2


def test_another_process_is_told_of_while_it_runs():
    with subprocess.Popen(["sleep", "600"]) as process:
        assert resident.peak_bytes(process.pid) > 0
        process.kill()
    assert resident.peak_bytes(process.pid) == 0
