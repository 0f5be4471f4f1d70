"""One process with two logical CPUs trains the same tiny run in several ways; the tests compare what came out."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from gan.errors import UserError
from gan.training import replicas
from gan.training.replicas import check_batch

SCRIPT = """
    import dataclasses, pickle, sys
    import numpy as np
    import tensorflow as tf
    from gan import build, config
    from gan.core import step as steps
    from gan.errors import UserError
    from gan.machine import devices
    from gan.data.batches import Batches
    from gan.data.source import Held, Source, array_reader
    from gan.training import chunks, feeds, replicas

    cfg = config.make(
        "article_corrected", strategy="mirrored", logical_cpus=2, threads=2,
        g_width=4, d_width=2, latent_size=8, batch_size=8, d_steps=2,
        d_dropout=0.4, d_input_noise=0.1, label_noise=0.15, gamma=1.0, g_learning_rate=1e-3, d_learning_rate=1e-3,
    )
    devices.configure(cfg)
    shape = (20, 20, 1)
    game = build.game(cfg, shape, build.PLAIN)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (70, *shape)).astype(np.uint8)
    labels = random.integers(0, 10, 70).astype(np.int32)
    source = Source(
        "noise", 70, shape, (), "", "", array_reader(images, labels), in_memory=True, held=Held(images, labels)
    )
    batches = Batches(source, seed=0, batch=8, draws=2, flip=True)

    def copies(nest, replica):
        def copy(variable):
            local = variable.values[replica] if hasattr(variable, "values") else variable
            return local.numpy()
        return [copy(variable) for variable in tf.nest.flatten(nest)]

    def train(strategy, whole=False, parts=None, resident=False):
        placement = replicas.strategy(strategy)
        start = build.initial_state(cfg, game)
        training = replicas.training_variables(placement, start, steps.metric_names(game))
        feed = feeds.resident(batches, placement) if resident else feeds.streamed(batches, padded=whole)
        step = steps.make_step(game, **(parts or {}))
        plan = chunks.Plan(cfg.seed, 8, log_every=3, jit=whole)
        chunk = chunks.compile_chunk(placement, training, step, feed, plan)
        before, after, logs = replicas.read(training), [], []
        for counts in ([4], [1, 2, 1]):
            replicas.assign(training, before)
            first, lines = 0, []
            for count in counts:
                lines += chunk(first, *feed.read(first, count))
                first += count
            logs.append([tuple(line) for line in lines])
            after.append([copies(training, replica) for replica in range(placement.num_replicas_in_sync)])
        return {
            "whole": after[0],
            "parts": after[1],
            "logs": logs,
            "read": [tensor.numpy() for tensor in tf.nest.flatten(replicas.read(training))],
            "start": [tensor.numpy() for tensor in tf.nest.flatten(start)],
            "totals": {name: total.numpy() for name, total in replicas.read(training.totals).items()},
            "step": int(training.state.step.numpy()),
            "count": int(training.count.numpy()),
            "traces": chunk.compiled.experimental_get_tracing_count(),
        }

    found = {
        "kinds": devices.kinds(),
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "auto": type(replicas.strategy("auto")).__name__,
        "one": train("one_device"),
        "mirrored": train("mirrored"),
        "one resident": train("one_device", resident=True),
        "mirrored resident": train("mirrored", resident=True),
        "one by XLA": train("one_device", whole=True),
        "mirrored by XLA": train("mirrored", parts={"compiled": tf.function(jit_compile=True, autograph=False)}),
    }
    try:
        devices.configure(dataclasses.replace(cfg, logical_cpus=3))
    except UserError as error:
        found["too late"] = str(error)
    placement = replicas.strategy("mirrored")
    pair = replicas.variables(placement, {"a": tf.zeros([2]), "b": tf.zeros([], tf.int64)})
    replicas.assign(pair, {"a": tf.constant([3.0, 4.0]), "b": tf.constant(5, tf.int64)})
    found["assigned"] = [copies(pair, replica) for replica in (0, 1)]
    with open(sys.argv[1], "wb") as file:
        pickle.dump(found, file)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("replicas") / "found.pickle"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    return pickle.loads(path.read_bytes())


def assert_same_bits(one, two):
    assert [value.tobytes() for value in one] == [value.tobytes() for value in two]


def test_two_replicas_with_half_the_batch_equal_one_device(found):
    one, two = found["one"], found["mirrored"]
    assert (len(one["whole"]), len(two["whole"])) == (1, 2)
    assert one["step"] == two["step"] == 4
    moved = 0
    for a, b, start in zip(one["whole"][0], two["whole"][0], one["start"], strict=False):  # the state comes first
        # Adam divides by the root of the second moment: it turns the rounding of a tiny gradient into a share of the
        # learning rate, 1e-3 a step.
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)
        moved += np.abs(a - start).max() > 1e-4
    assert moved > 20


def test_two_replicas_sum_and_log_the_same_metrics_as_one_device(found):
    assert found["one"]["count"] == found["mirrored"]["count"] == 1  # since the line at step 3
    (step, means), totals = found["one"]["logs"][0][0], found["one"]["totals"]
    assert step == found["mirrored"]["logs"][0][0][0] == 3
    for ours, theirs in ((means, found["mirrored"]["logs"][0][0][1]), (totals, found["mirrored"]["totals"])):
        assert list(ours) == list(theirs)
        for name, value in ours.items():
            np.testing.assert_allclose(theirs[name], value, rtol=1e-3, atol=1e-5, err_msg=name)
        assert ours["d_penalty"] > 0
        np.testing.assert_allclose(ours["g_learning_rate"], 1e-3, rtol=1e-6)


def test_replicas_stay_bit_equal_to_each_other(found):
    for run in ("whole", "parts"):
        assert_same_bits(*found["mirrored"][run])
    assert_same_bits(found["mirrored"]["read"], found["mirrored"]["parts"][1])


PLACEMENTS = ["one", "mirrored", "one resident", "mirrored resident", "one by XLA", "mirrored by XLA"]


@pytest.mark.parametrize("placement", ["one", "mirrored"])
def test_images_that_lie_on_the_devices_give_the_bits_of_those_that_are_sent(found, placement):
    assert_same_bits(found[placement]["whole"][0], found[f"{placement} resident"]["parts"][0])
    assert found[placement]["logs"] == found[f"{placement} resident"]["logs"]


@pytest.mark.parametrize("placement", ["one", "mirrored"])
def test_xla_takes_the_same_steps(found, placement):
    """Of one replica it compiles the whole chunk, of several the gradients of each."""
    plain, compiled = found[placement], found[f"{placement} by XLA"]
    assert compiled["step"] == 4 and compiled["count"] == 1
    for a, b in zip(plain["whole"][0], compiled["whole"][0], strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=5e-5)
    assert any(a.tobytes() != b.tobytes() for a, b in zip(plain["whole"][0], compiled["whole"][0], strict=True))


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_chunks_of_any_sizes_give_the_same_bits(found, placement):
    assert_same_bits(found[placement]["whole"][0], found[placement]["parts"][0])
    whole, parts = found[placement]["logs"]
    assert whole == parts and len(whole) == 1


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_chunk_is_traced_once_for_any_number_of_steps(found, placement):
    assert found[placement]["traces"] == 1


def test_assigning_writes_every_copy(found):
    for copy in found["assigned"]:
        np.testing.assert_array_equal(copy[0], [3.0, 4.0])
        assert copy[1] == 5


def test_devices_are_configured_before_the_start_or_in_one_line_not_at_all(found):
    assert found["threads"] == 2
    assert found["too late"].startswith("the devices cannot be configured: ")
    assert "\n" not in found["too late"]


def test_auto_mirrors_over_gpus_alone(found):
    assert found["kinds"] == ["CPU:0", "CPU:1"]
    assert found["auto"] == "OneDeviceStrategy"


def test_a_batch_that_cannot_be_shared_out_is_refused():
    check_batch(8, 4)
    with pytest.raises(UserError, match="--batch_size=10 is global and must be divisible by the 4 replicas"):
        check_batch(10, 4)


def test_the_workers_of_a_step_of_slurm_are_its_tasks_node_by_node(monkeypatch):
    step = {"PROCID": "2", "STEP_NODELIST": "n[9-10]", "STEP_TASKS_PER_NODE": "2(x2)", "JOB_ID": "130"}
    for name, value in step.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("TF_CONFIG", "")
    found = replicas.workers("Slurm")
    ports = 20000 + 64 * 2, 20000 + 64 * 2 + 1
    assert [task.address for task in found.tasks] == [f"n{node}:{port}" for node in (9, 10) for port in ports]
    assert [task.name for task in found.tasks] == [f"worker {i}" for i in range(4)] and found.number == 2
    monkeypatch.setenv("SLURM_STEP_NODELIST", "n[1-2")
    with pytest.raises(UserError, match="^Slurm does not tell which workers there are"):
        replicas.workers("Slurm")


def test_the_chief_is_the_first_of_the_workers(monkeypatch):
    jobs = {"worker": ["b:1", "c:1"], "chief": ["a:1"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": jobs, "task": {"type": "worker", "index": 1}}))
    found = replicas.workers("TF_CONFIG")
    assert [(task.name, task.address) for task in found.tasks] == [
        ("chief 0", "a:1"),
        ("worker 0", "b:1"),
        ("worker 1", "c:1"),
    ]
    assert found.number == 2 and found.tasks[2].target == "/job:worker/replica:0/task:1"
