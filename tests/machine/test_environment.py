"""What numbers and bits depend on beside the config."""

import json

from gan.machine import environment
from gan.runs import workdir


def test_fingerprint_says_what_the_bits_depend_on(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    old = environment.fingerprint(replicas=1, devices=("CPU",), precision="float32")
    assert old["onednn"] == "0" and old["devices"] == ("CPU",) and {"tensorflow", "cpu", "cpu_flags"} <= set(old)
    assert old["cpu_flags"] == sorted(old["cpu_flags"])
    assert workdir.changes(json.loads(json.dumps(old)), old) == []
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    new = environment.fingerprint(replicas=2, devices=("CPU",), jit=True)
    assert workdir.changes(old, new) == [
        "replicas: 1 -> 2",
        "precision: float32 -> none",
        "onednn: 0 -> default",
        "jit: none -> True",
    ]
