import os
from types import SimpleNamespace

import pytest
import tensorflow as tf

from gan import config
from gan.build import Numerics
from gan.errors import UserError
from gan.machine import devices
from gan.machine.sharing import Sharing

PLAIN_CPU = frozenset({"sse4_2", "avx2", "fma"})


@pytest.fixture
def machine(monkeypatch):
    """A function that makes `devices` see a CPU with these flags and GPUs of these compute capabilities."""

    def pretend(flags=PLAIN_CPU, gpus=()):
        listed = [SimpleNamespace(name=f"GPU:{i}", capability=capability) for i, capability in enumerate(gpus)]
        monkeypatch.setattr(devices.processor, "flags", lambda: frozenset(flags))
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind=None: listed if kind == "GPU" else [])
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": gpu.capability}
        )

    return pretend


F32, BF16 = Numerics("float32", "spectral", False), Numerics("mixed_bfloat16", "direct", False)
GPU_BF16, GPU_F16, GPU_F32, GPU_TF32 = (
    Numerics(precision, "direct", False)
    for precision in ("mixed_bfloat16", "mixed_float16", "float32", "tensorfloat32")
)


def with_xla(numerics):
    return [numerics, numerics._replace(jit_compile=True)]


@pytest.mark.parametrize(
    ("flags", "gpus", "expected"),
    [
        (PLAIN_CPU, (), [F32]),
        ((), (), [F32]),
        (("avx512f", "avx512_bf16"), (), [F32, BF16]),  # float32 by another route may be faster: it is measured
        (("amx_bf16",), (), [F32, BF16]),
        (PLAIN_CPU, [(8, 0)], with_xla(GPU_BF16) + with_xla(GPU_TF32)),
        (PLAIN_CPU, [(9, 0), (8, 6)], with_xla(GPU_BF16) + with_xla(GPU_TF32)),
        (("amx_bf16",), [(7, 5)], with_xla(GPU_F16)),
        (PLAIN_CPU, [(9, 0), (7, 0)], with_xla(GPU_F16)),
        (PLAIN_CPU, [(9, 0), (6, 1)], with_xla(GPU_F32)),
    ],
)
def test_auto_leaves_what_the_hardware_may_be_good_at(machine, flags, gpus, expected):
    machine(flags, gpus)
    assert devices.candidates(config.make("article")) == expected


@pytest.mark.parametrize(
    ("flags", "gpus", "asked", "expected"),
    [
        (("amx_bf16",), (), {"precision": "float32"}, [F32]),
        (("amx_bf16",), (), {"precision": "mixed_bfloat16"}, [BF16]),
        (("amx_bf16",), (), {"convolution": "spectral"}, [F32]),
        (("amx_bf16",), (), {"convolution": "direct"}, [F32._replace(convolution="direct"), BF16]),
        (("amx_bf16",), (), {"jit_compile": "true", "precision": "float32"}, [F32._replace(jit_compile=True)]),
        # What the CPU has no units for is at least convolved by the fast route.
        (PLAIN_CPU, (), {"precision": "mixed_bfloat16"}, [BF16._replace(convolution="spectral")]),
        (PLAIN_CPU, (), {"precision": "mixed_float16"}, [GPU_F16._replace(convolution="spectral")]),
        (PLAIN_CPU, (), {"precision": "mixed_bfloat16", "convolution": "direct"}, [BF16]),
        (PLAIN_CPU, [(9, 0)], {"precision": "float32", "jit_compile": "false"}, [GPU_F32]),
        (PLAIN_CPU, [(9, 0)], {"precision": "tensorfloat32", "jit_compile": "true"}, with_xla(GPU_TF32)[1:]),
        (PLAIN_CPU, [(7, 0)], {"precision": "tensorfloat32", "jit_compile": "false"}, [GPU_TF32]),
        (("amx_bf16",), (), {"precision": "tensorfloat32"}, [F32._replace(precision="tensorfloat32")]),
    ],
)
def test_what_is_asked_for_is_done(machine, flags, gpus, asked, expected):
    machine(flags, gpus)
    assert devices.candidates(config.make("article", **asked)) == expected


@pytest.mark.parametrize(
    ("asked", "convolution"),
    [
        ({"networks": "dcgan"}, "direct"),
        ({"networks": "dcgan", "precision": "mixed_bfloat16"}, "spectral"),  # direct ones would be emulated
        ({"networks": "residual", "d_width": 16}, "direct"),
        ({"networks": "residual", "d_width": 16, "precision": "tensorfloat32"}, "direct"),
        ({"networks": "residual", "d_width": 16, "width": 2.0}, "spectral"),
        ({"networks": "residual", "d_width": 64, "width": 0.25}, "direct"),
        ({"networks": "article", "d_width": 16}, "spectral"),  # 5 x 5
    ],
)
def test_without_16_bit_units_the_widths_decide_about_the_route(machine, asked, convolution):
    machine(PLAIN_CPU)
    assert [numerics.convolution for numerics in devices.candidates(config.make("article", **asked))] == [convolution]


def test_a_single_candidate_is_taken_without_measuring(machine, capsys):
    machine()
    assert devices.resolve(config.make("article")) == F32
    assert capsys.readouterr().err == ""


def test_an_old_gpu_without_details_counts_as_slow_at_bfloat16(machine, monkeypatch):
    machine(gpus=[(9, 0)])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {})
    assert {numerics.precision for numerics in devices.candidates(config.make("article"))} == {"float32"}


@pytest.fixture
def switches(monkeypatch) -> list:
    """What is switched on in TensorFlow for the whole process."""
    found = []
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, on: None)
    monkeypatch.setattr(experimental, "enable_op_determinism", lambda: found.append("deterministic"))
    monkeypatch.setattr(experimental, "enable_tensor_float_32_execution", lambda on: found.append(("tf32", on)))
    return found


@pytest.mark.parametrize(
    ("gpus", "deterministic", "expected"),
    [
        ([(9, 0)], "auto", ["deterministic", ("tf32", False)]),
        ([(9, 0)], "true", ["deterministic", ("tf32", False)]),
        ([(9, 0)], "false", [("tf32", False)]),
        ((), "auto", []),
        ((), "true", []),
        ((), "false", []),
    ],
)
def test_gpus_are_deterministic_unless_they_need_not_be(machine, switches, gpus, deterministic, expected):
    machine(gpus=gpus)
    chosen = config.make("article", deterministic=deterministic)
    devices.configure(chosen)
    assert switches == expected
    assert devices.is_deterministic(chosen) == (not gpus or deterministic != "false")


def test_the_products_of_float32_are_those_of_the_numerics_that_were_found(machine, switches):
    machine(gpus=[(9, 0)])
    for precision in ("tensorfloat32", "float32", "mixed_bfloat16"):
        found = devices.resolve(config.make("article", precision=precision, jit_compile="false"))
        assert found.precision == precision and switches.pop() == ("tf32", precision == "tensorfloat32")
    before = GPU_TF32._replace(jit_compile=True)
    assert devices.resolve(config.make("article"), before) == before and switches == [("tf32", True)]


def test_the_machine_is_described_in_a_line():
    line = devices.description()
    assert line
    assert "\n" not in line


class Runtime:
    """TensorFlow's runtime as `devices` sees it, on a machine without GPUs; `cpus` and `threads` are what it has."""

    def __init__(self, monkeypatch, cpus, threads, has_started):
        self.cpus, self.threads, self.has_started = cpus, threads, has_started
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["CPU:0"])
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["CPU"] * self.cpus)
        monkeypatch.setattr(tf.config, "set_logical_device_configuration", lambda cpu, parts: self.set(cpus=len(parts)))
        monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: self.threads)
        monkeypatch.setattr(
            tf.config.threading, "set_intra_op_parallelism_threads", lambda threads: self.set(threads=threads)
        )

    def set(self, **asked):
        """As TensorFlow has it: what is so already may be asked for at any time."""
        if self.has_started and not asked.items() <= vars(self).items():
            raise RuntimeError("it has started")
        vars(self).update(asked)


@pytest.fixture
def runtime(machine, monkeypatch):
    """A function that makes `devices` see two cores without AVX-512, and TensorFlow before or after its start."""

    def pretend(cpus=1, threads=0, has_started=True):
        machine()
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
        return Runtime(monkeypatch, cpus, threads, has_started)

    return pretend


@pytest.mark.parametrize(
    ("asked", "replicas", "cpus", "threads"),
    [
        ({}, 2, 2, 1),  # the fastest for narrow networks on such a machine
        ({"preset": "dcgan"}, 1, 1, 2),
        ({"replicas": "4"}, 4, 4, 1),
        ({"replicas": "4", "threads": 3}, 4, 4, 3),
        ({"replicas": "1"}, 1, 1, 2),
        ({"strategy": "mirrored", "logical_cpus": 3}, 0, 3, 2),
        ({"strategy": "one_device", "threads": 1}, 0, 1, 1),
    ],
)
def test_before_tensorflow_starts_the_cpu_is_shared_out_as_chosen(runtime, asked, replicas, cpus, threads):
    there = runtime(has_started=False)
    assert devices.share_out(config.make(**asked)) == replicas
    assert (there.cpus, there.threads) == (cpus, threads)


def test_a_saved_run_goes_on_with_its_replicas_and_threads(runtime):
    there = runtime(has_started=False)
    assert devices.share_out(config.make(), Sharing(3, 1)) == 3 and (there.cpus, there.threads) == (3, 1)


@pytest.mark.parametrize(
    ("asked", "cpus", "replicas"),
    [
        ({}, 2, 2),
        ({}, 1, 1),
        ({}, 4, 4),  # not what would be chosen, but what is there
        ({"batch_size": 66}, 4, 1),  # parts of 16 and a half
        ({"minibatch_deviation": 4}, 4, 4),
        ({"minibatch_deviation": 16, "batch_size": 64}, 4, 1),  # a part has no whole group of real images and fakes
        ({"replicas": "4"}, 4, 4),
        ({"replicas": "4", "batch_size": 6}, 4, 4),  # which `replicas.check_batch` refuses
    ],
)
def test_after_its_start_what_is_left_open_is_as_it_is(runtime, asked, cpus, replicas):
    there = runtime(cpus=cpus, threads=2)
    assert devices.share_out(config.make(**asked)) == replicas
    assert (there.cpus, there.threads) == (cpus, 2)


@pytest.mark.parametrize("asked", [{"replicas": "2"}, {"replicas": "1", "threads": 3}, {"logical_cpus": 2}])
def test_after_its_start_what_is_asked_for_and_not_there_is_refused(runtime, asked):
    runtime(cpus=4, threads=2)
    with pytest.raises(UserError, match="the devices cannot be configured: it has started"):
        devices.share_out(config.make(**asked, strategy="mirrored"))
