import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gan.errors import UserError
from gan.machine import startup

ROOT = Path(__file__).parents[2]

KNOWN = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1700000000.1 5 port.cc:153] oneDNN custom operations are on. You may see slightly different results.
I0000 00:00:1700000000.1 5 cpu_feature_guard.cc:227] This TensorFlow binary is optimized to use available CPU
To enable the following instructions: AVX2, rebuild TensorFlow with the appropriate compiler flags.
"""
OTHERS = """\
E0000 00:00:1700000000.1 5 cuda_dnn.cc:1] Loaded runtime CuDNN library is too old
W0000 00:00:1700000000.1 5 gpu_device.cc:2] Skipping registering GPU devices
some text without an end of line"""


def process(body, **environment):
    code = f"import os, sys\nfrom gan.machine import startup\nKNOWN = {KNOWN!r}\nOTHERS = {OTHERS!r}\n{body}"
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=300)


def test_known_lines_are_dropped_and_all_others_come_through():
    done = process("with startup.hidden_banner():\n    os.write(2, (KNOWN + OTHERS).encode())\nos.write(2, b'!')")
    assert (done.returncode, done.stderr) == (0, OTHERS + "!")


def test_known_lines_are_shown_again_afterwards():
    assert process("with startup.hidden_banner(): pass\nos.write(2, KNOWN.encode())").stderr == KNOWN


def test_a_crash_does_not_hide_its_last_words():
    done = process("with startup.hidden_banner():\n    os.write(2, OTHERS.encode())\n    os.abort()")
    assert done.returncode < 0 and done.stderr == OTHERS


def test_an_exception_is_shown_whole():
    done = process("with startup.hidden_banner():\n    print('before', file=sys.stderr)\n    raise ValueError('why')")
    assert done.stderr.startswith("before\nTraceback") and done.stderr.endswith("ValueError: why\n")


def stand_in(tmp_path, text):
    """A package `tensorflow` for the process alone."""
    (tmp_path / "tensorflow.py").write_text(text)
    return {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}


def test_an_old_tensorflow_is_refused(tmp_path):
    done = process("startup.import_tensorflow()", **stand_in(tmp_path, "__version__ = '2.4.1'"))
    assert "UserError: TensorFlow 2.4.1 is too old, 2.21 is needed" in done.stderr


def test_a_broken_tensorflow_shows_its_own_error(tmp_path):
    done = process("startup.import_tensorflow()", **stand_in(tmp_path, "import no_such_library"))
    assert "ModuleNotFoundError: No module named 'no_such_library'" in done.stderr and "UserError" not in done.stderr


def test_the_real_import_is_silent_and_a_value_of_the_environment_is_left_alone():
    body = (
        "tf = startup.import_tensorflow()\nprint(tf.reduce_sum(tf.ones(3)).numpy(), os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    )
    done = process(body, TF_CPP_MIN_LOG_LEVEL="0")
    assert (done.stdout, done.stderr) == ("3.0 0\n", "")


def test_too_little_address_space_is_one_line(monkeypatch):
    monkeypatch.setattr(startup.resource, "getrlimit", lambda which: (3 << 29, 3 << 29))
    with pytest.raises(UserError, match=r"1\.5 GiB of address space, too little .*; allow 2 GiB or more"):
        startup.import_tensorflow()


def test_a_signal_that_comes_while_it_forks_is_not_lost():
    """Handlers run in the hooks of a fork, where what they raise is forgotten."""
    script = (
        "import os, signal; from gan.machine import signals, startup\n"
        "signals.raise_when_ended()\n"
        "os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
        "try:\n    with startup.hidden_banner():\n        print('lost')\n"
        "except signals.Ended as ended:\n    print(ended.number)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (f"{int(signal.SIGTERM)}\n", "")
