"""The memory that a process has had."""

import subprocess
import sys

import numpy as np

from gan.bench import resident

_SAYS = "from gan.bench import resident; print(resident.peak_bytes())"


def test_the_peak_is_that_of_the_process_alone_and_stays():
    before = resident.peak_bytes()
    large = np.ones(1 << 28, np.uint8)
    assert resident.peak_bytes() >= before + (1 << 27)
    child = subprocess.run([sys.executable, "-c", _SAYS], capture_output=True, text=True, check=True)
    assert 1 << 20 < int(child.stdout) < 1 << 27 < large.nbytes
    del large
    assert resident.peak_bytes() >= 1 << 28


def test_another_process_is_told_of_while_it_runs():
    with subprocess.Popen(["sleep", "600"]) as process:
        assert 0 < resident.peak_bytes(process.pid) < 1 << 26
        process.kill()
    assert resident.peak_bytes(process.pid) == 0
