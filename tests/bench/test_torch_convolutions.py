"""PyTorch's convolutions beside the engine's: the same function, and answers that count all replicas."""

import importlib.util
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from gan.bench import libraries, rivals, twins
from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, INPUT_GRADIENT, Convolution
from gan.networks.convolutions import plain

PYTHON = os.environ.get(twins.TORCH_PYTHON) or (sys.executable if importlib.util.find_spec("torch") else "")
needs_torch = pytest.mark.skipif(not PYTHON, reason=f"PyTorch is not here, and {twins.TORCH_PYTHON} names no Python")

KINDS = (FORWARD, INPUT_GRADIENT, FILTER_GRADIENT)
CONVOLUTIONS = [
    Convolution(2, 7, 7, 3, 5, 3, "SAME", 2, 1),
    Convolution(2, 9, 8, 3, 5, 4, "SAME", 1, 1),
    Convolution(2, 9, 9, 3, 5, 3, "SAME", 1, 2),
    Convolution(2, 9, 9, 3, 5, 5, "VALID", 1, 2),
]
SCRIPT = """
import json, sys
from gan.bench.programs import torch_convolutions
from gan.bench.programs.torch_framework import np, torch
given = np.load(sys.argv[1])
for i, (how, passes) in enumerate(json.loads(sys.argv[2])):
    tensors = [torch.from_numpy(given[f"{i}_{name}"]) for name in ("x", "kernel", "upstream")]
    for name, result in zip(passes, torch_convolutions.computing(*tensors, passes, *how)(), strict=True):
        np.save(f"{sys.argv[1]}.{i}.{passes.index(name)}.npy", result.detach().numpy())
"""


def test_the_first_rival_in_pytorch_lends_them():
    assert libraries.of(["keras", "torch_compile", "torch"]) == "torch_compile"
    assert libraries.of(["keras"]) == libraries.of([]) == ""


@needs_torch
def test_pytorch_computes_the_same(tmp_path):
    random, given, asked, expected = np.random.default_rng(0), {}, [], []
    for i, c in enumerate(CONVOLUTIONS):
        x = random.normal(size=(c.batch, c.height, c.width, c.channels)).astype(np.float32)
        kernel = random.normal(size=(c.taps, c.taps, c.channels, c.filters)).astype(np.float32)
        upstream = random.normal(size=(c.batch, *c.output, c.filters)).astype(np.float32)
        with tf.GradientTape() as tape:
            sources = tf.constant(x), tf.constant(kernel)
            tape.watch(sources)
            y = plain(*sources, c.padding, c.upsample, c.stride)
        d_x, d_kernel = tape.gradient(y, sources, upstream)
        expected.append([_maps(y), _maps(d_x), _kernel(d_kernel)])
        given |= {f"{i}_x": _maps(x), f"{i}_kernel": _kernel(kernel), f"{i}_upstream": _maps(upstream)}
        asked.append([[c.padding, c.upsample, c.stride], KINDS])
    np.savez(tmp_path / "given.npz", **given)
    line = [PYTHON, "-c", SCRIPT, str(tmp_path / "given.npz"), json.dumps(asked)]
    done = subprocess.run(line, cwd=rivals.ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    for i, results in enumerate(expected):
        for j, result in enumerate(results):
            np.testing.assert_allclose(np.load(tmp_path / f"given.npz.{i}.{j}.npy"), result, atol=2e-4)


@needs_torch
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_its_process_answers_with_seconds(precision, monkeypatch):
    monkeypatch.setenv(twins.TORCH_PYTHON, PYTHON)
    with libraries.Convolutions("torch", precision, replicas=2) as process:
        for convolution in CONVOLUTIONS[:2]:
            begin = time.monotonic()
            seconds = process.repeated(convolution, KINDS)(3)
            assert 0 < 3 * seconds < time.monotonic() - begin


def test_where_it_takes_too_long_another_way_is_taken(monkeypatch):
    process, asked = libraries.Convolutions.__new__(libraries.Convolutions), []

    class Slow:
        def run(self, calls, what):
            asked.append((calls, json.loads(what)))

    process._process, process._precision, process._replicas = Slow(), "float32", 2
    assert process.repeated(CONVOLUTIONS[0], KINDS)(3) == sys.float_info.max
    whole = list(CONVOLUTIONS[0]._replace(batch=4))
    assert asked == [(3, {"convolution": whole, "passes": list(KINDS), "precision": "float32"})]


def _maps(array) -> np.ndarray:
    return np.ascontiguousarray(np.transpose(array, [0, 3, 1, 2]))


def _kernel(array) -> np.ndarray:
    return np.ascontiguousarray(np.transpose(array, [3, 2, 0, 1]))
