"""The rivals in PyTorch compute what the engine computes: networks, losses, gradients, penalty, updates, averages."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.bench import rivals, twins
from gan.core import ema, schedules
from tests.bench import engine_steps
from tests.bench.engine_steps import Case

PYTHON = os.environ.get(twins.TORCH_PYTHON) or (sys.executable if importlib.util.find_spec("torch") else "")
pytestmark = pytest.mark.skipif(not PYTHON, reason=f"PyTorch is not here, and {twins.TORCH_PYTHON} names no Python")

SMALL = {"batch_size": 4, "width": 0.125, "latent_size": 6}
OWN = (
    "epsilon",
    "d_dropout",
    "label_noise",
    "d_steps",
    "ema_half_life_images",
    "ema_ramp",
)  # then as the preset has it
CASES = {
    "modern": Case("modern", {**SMALL, "epsilon": 1e-4, "ema_half_life_images": 4.0, "ema_ramp": 0.0}, (28, 28, 1)),
    "deep": Case("modern", {**SMALL, "epsilon": 1e-4, "depth": 2, "g_width": 200, "gamma": 2.0}, (16, 24, 3)),
    "conditional": Case("modern_conditional", {**SMALL, "epsilon": 1e-4}, (16, 16, 1), num_classes=5),
    "article_corrected": Case(
        "article_corrected", {**SMALL, "epsilon": 1e-4, "d_dropout": 0.0, "label_noise": 0.0}, (28, 28, 1)
    ),
    "article": Case("article", {**SMALL, "epsilon": 1e-4, "label_noise": 0.0}, (40, 40, 3)),
    "dcgan": Case("dcgan", {**SMALL, "epsilon": 1e-4}, (28, 28, 1)),
    "sngan": Case("sngan", {**SMALL, "epsilon": 1e-4, "d_steps": 1}, (28, 28, 1)),
}
PROGRAMS = {name: case.preset.partition("_")[0] for name, case in CASES.items()}
COMPILED = ("conditional", "sngan")
SEEN = [0, 1000, 77_000, 300_000, 600_000, 10**7]


def in_torch(name, array):
    """An array of the engine as PyTorch orders it."""
    if name.endswith("kernel"):
        return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
    return array.T if name.endswith("weights") else array


def inputs(steps):
    given = {f"{player}_{i}": np.ascontiguousarray(in_torch(name, array))
             for player, names, arrays in zip("gd", steps.names, steps.params, strict=True)
             for i, (name, array) in enumerate(zip(names, arrays, strict=True))}  # fmt: skip
    given |= {f"latents_{i}": latents for i, latents in enumerate(steps.latents)}
    real = np.ascontiguousarray(steps.images.transpose(0, 3, 1, 2) / np.float32(255))
    labels, wrong = steps.labels.astype(np.int64), steps.wrong.astype(np.int64)
    return given | {"real": real, "labels": labels, "wrong": wrong, "seen": SEEN}


def own(case):
    preset = config.make(case.preset)
    return {name: getattr(preset, name) for name in OWN if name in case.settings}


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """(the engine's steps, PyTorch's results) of each case."""
    folder = tmp_path_factory.mktemp("torch")
    steps = {name: engine_steps.of(case, corrected_epsilon=True) for name, case in CASES.items()}
    described = {}
    for name, case in CASES.items():
        np.savez(folder / f"{name}.npz", **inputs(steps[name]))
        described[name] = {
            "program": PROGRAMS[name], "preset": case.preset, "settings": case.settings,
            "num_classes": case.num_classes, "own": own(case), "compiled": name in COMPILED,
        }  # fmt: skip
    (folder / "cases.json").write_text(json.dumps(described))
    line = [PYTHON, str(Path(__file__).with_name("torch_steps.py")), str(folder / "cases.json"), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(rivals.ROOT)}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return {name: (steps[name], np.load(folder / f"{name}.out.npz")) for name in CASES}


def check(found, key, names, arrays, tolerance):
    """The arrays `key`_0, `key`_1, ... are those of the engine, each within so much of its norm and rounding."""
    rounding = 1e-6 * np.linalg.norm([np.linalg.norm(array) for array in arrays])
    for i, (name, array) in enumerate(zip(names, arrays, strict=True)):
        ours = in_torch(name, array)
        theirs = found[f"{key}_{i}"].reshape(ours.shape)
        assert np.linalg.norm(theirs - ours) <= tolerance * np.linalg.norm(ours) + rounding, (key, name)
    assert f"{key}_{len(names)}" not in found


@pytest.mark.parametrize("name", CASES)
def test_the_networks_are_the_engines(computed, name):
    steps, found = computed[name]
    np.testing.assert_allclose(found["fakes"].transpose(0, 2, 3, 1), steps.fakes, atol=2e-5)
    np.testing.assert_allclose(found["logits"], steps.logits, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients_of_both_players_are_the_engines(computed, name):
    steps, found = computed[name]
    g_names, d_names = steps.names
    for mark in ("", "compiled_")[: 1 + (name in COMPILED)]:
        np.testing.assert_allclose(found[f"{mark}d_loss"], steps.d_loss, rtol=1e-4)
        np.testing.assert_allclose(found[f"{mark}g_loss"], steps.g_loss, rtol=1e-4)
        check(found, f"{mark}d_grad", d_names, steps.d_grads, 1e-4)
        check(found, f"{mark}g_grad", g_names, steps.g_grads, 1e-4)
        if CASES[name].config().gamma:
            assert steps.penalty > 1e-3
            np.testing.assert_allclose(found[f"{mark}penalty"], steps.penalty, rtol=1e-3)
            check(found, f"{mark}d_grad_penalty", d_names, steps.d_grads_with_penalty, 1e-4)


@pytest.mark.parametrize("name", CASES)
def test_a_step_leads_to_the_engines_parameters_and_averages(computed, name):
    steps, found = computed[name]
    settings = CASES[name].config()
    for player, names, before, after in zip("gd", steps.names, steps.params, steps.after, strict=True):
        check(found, f"{player}_after", names, after, 1e-4)
        moved = np.concatenate([(new - old).ravel() for new, old in zip(after, before, strict=True)])
        rate = getattr(settings, f"{player}_learning_rate")
        assert rate / 10 < np.abs(moved).max() < 1.1 * rate
    if settings.ema_half_life_images:
        check(found, "average", steps.names[0], steps.averages, 1e-5)


@pytest.mark.parametrize("name", CASES)
def test_a_step_of_the_preset_moves_both_players_in_either_precision(computed, name):
    _, found = computed[name]
    settings = config.make(CASES[name].preset)
    warm = 2 if settings.penalty_every_steps > 1 else 1
    assert found["g_updates"] == warm + 1 and found["d_updates"] == settings.d_steps * (warm + 1)
    assert found["steps"] == 1
    for precision in ("float32", "bfloat16"):
        assert np.all(np.isfinite(found[f"{precision}_losses"])) and found[f"{precision}_moved"] > 0.9
    steps = computed[name][0]
    np.testing.assert_allclose(found["bfloat16"], steps.d_loss + steps.penalty, rtol=0.05, atol=0.05)
    assert found["drops"] == (settings.d_dropout > 0)


def test_what_no_gradient_needs_is_changed_in_place_and_tiny_numbers_are_0(computed):
    """As whoever writes PyTorch for speed has it."""
    in_place = {name: int(found["in_place"]) for name, (_, found) in computed.items()}
    with_blocks = ("modern", "deep", "conditional", "sngan")
    assert in_place == {name: 1 if name in with_blocks else -1 for name in CASES}
    assert all(found["tiny"] == 0.0 for _, found in computed.values())


@pytest.mark.parametrize("name", ["modern", "article_corrected"])
def test_rates_and_averages_follow_the_images_seen_as_the_engines(computed, name):
    _, found = computed[name]
    settings = config.make(CASES[name].preset)
    course = schedules.make(settings.schedule, 2.0, 2.0 * settings.learning_rate_end_factor, settings.schedule_images)
    np.testing.assert_allclose(found["rates"], [course(tf.constant(seen)) for seen in SEEN], rtol=1e-6)
    if settings.ema_half_life_images:
        batch, half_life = SMALL["batch_size"], settings.ema_half_life_images
        ours = [ema.update(tf.zeros([]), tf.ones([]), tf.constant(seen), batch, half_life) for seen in SEEN]
        np.testing.assert_allclose(found["average_weights"], ours, rtol=1e-3)


def test_the_program_answers_as_a_rival(monkeypatch, tmp_path):
    monkeypatch.setenv(twins.TORCH_PYTHON, PYTHON)
    settings = config.make("modern_conditional", batch_size=2, width=0.125, threads=1)
    np.save(tmp_path / "images.npy", np.zeros((1, 16, 16, 3), np.uint8))
    np.save(tmp_path / "labels.npy", np.zeros(1, np.int32))
    line = twins.command("torch", settings, tmp_path / "images.npy", tmp_path / "labels.npy", 3)
    with rivals.Rival("torch", line, 600.0) as rival:
        assert rival.run(1) > 0 and rival.run(2) > 0
    game = build.game(settings, (16, 16, 3), build.PLAIN, 3)
    counts = [sum(row.parameters for row in network.table) for network in (game.generator, game.discriminator)]
    assert rival.facts["parameters"] == counts and rival.facts["versions"]["torch"]
    assert rival.facts["threads"] == 1
