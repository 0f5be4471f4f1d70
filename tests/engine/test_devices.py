from types import SimpleNamespace

import pytest
import tensorflow as tf

from gan import config
from gan.build import Numerics
from gan.engine import devices
from gan.errors import UserError

PLAIN_CPU = frozenset({"sse4_2", "avx2", "fma"})


@pytest.fixture
def machine(monkeypatch):
    """A function that makes `devices` see a CPU with these flags and GPUs of these compute capabilities."""

    def pretend(flags=PLAIN_CPU, gpus=()):
        listed = [SimpleNamespace(name=f"GPU:{i}", capability=capability) for i, capability in enumerate(gpus)]
        monkeypatch.setattr(devices.processor, "flags", lambda: frozenset(flags))
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: listed if kind == "GPU" else [])
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": gpu.capability}
        )

    return pretend


@pytest.mark.parametrize(
    ("flags", "gpus", "precision", "convolution"),
    [
        (PLAIN_CPU, (), "float32", "spectral"),
        ((), (), "float32", "spectral"),
        (("avx512f", "avx512_bf16"), (), "mixed_bfloat16", "direct"),
        (("amx_bf16",), (), "mixed_bfloat16", "direct"),
        (PLAIN_CPU, [(8, 0)], "mixed_bfloat16", "direct"),
        (PLAIN_CPU, [(9, 0), (8, 6)], "mixed_bfloat16", "direct"),
        (("amx_bf16",), [(7, 5)], "float32", "direct"),
        (PLAIN_CPU, [(9, 0), (7, 0)], "float32", "direct"),
    ],
)
def test_auto_is_what_the_hardware_is_good_at(machine, flags, gpus, precision, convolution):
    machine(flags, gpus)
    assert devices.resolve(config.make()) == Numerics(precision, convolution, False)


@pytest.mark.parametrize("jit", ["true", "false"])
def test_what_is_asked_for_is_done(machine, jit):
    machine(("amx_bf16",))
    asked = config.make(precision="float32", convolution="direct", jit_compile=jit)
    assert devices.resolve(asked) == Numerics("float32", "direct", jit == "true")
    machine()
    assert devices.resolve(config.make(precision="mixed_bfloat16")).convolution == "direct"
    assert devices.resolve(config.make(precision="float32", convolution="spectral")).convolution == "spectral"


def test_spectral_convolution_in_bfloat16_is_refused(machine):
    machine()
    with pytest.raises(UserError, match="--convolution=spectral needs --precision=float32"):
        devices.resolve(config.make(precision="mixed_bfloat16", convolution="spectral"))


def test_an_old_gpu_without_details_counts_as_slow_at_bfloat16(machine, monkeypatch):
    machine(gpus=[(9, 0)])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {})
    assert devices.resolve(config.make()).precision == "float32"


def test_the_machine_is_described_in_a_line():
    line = devices.description()
    assert line
    assert "\n" not in line
