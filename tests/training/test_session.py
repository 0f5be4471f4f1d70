"""What a run tells of its numerics; whole runs are in tests/end_to_end."""

import pytest

from gan import config
from gan.build import Numerics
from gan.machine import devices
from gan.training import session


@pytest.mark.parametrize(("deterministic", "kept"), [("auto", {}), ("false", {"deterministic": False})])
def test_the_fingerprint_tells_what_is_not_as_it_always_was(monkeypatch, deterministic, kept):
    monkeypatch.setattr(devices, "is_deterministic", lambda chosen: chosen.deterministic != "false")
    settings = {"precision": "float32", "convolution": "direct"}
    for jit, compiled in (("false", {}), ("true", {"compiled": "chunks"})):
        machine = session.machine(config.make("article", deterministic=deterministic, jit_compile=jit, **settings))
        told = {name: value for name, value in machine.fingerprint.items() if name in ("deterministic", "compiled")}
        assert told == kept | compiled
        assert machine.numerics == Numerics("float32", "direct", jit == "true")
