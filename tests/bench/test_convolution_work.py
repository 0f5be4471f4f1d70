"""The convolutions of a step: their operations, and that no gradient is counted that nobody needs."""

import json
import os
import subprocess
import sys
import textwrap
from fractions import Fraction

import pytest

from gan import build, config
from gan.bench import convolution_work
from gan.bench.convolution_work import FILTER_GRADIENT, FORWARD, INPUT_GRADIENT, Convolution, Use
from gan.networks.convolutions import CONVOLVERS
from gan.training import replicas, session

REPLICAS = """
    import json, tensorflow as tf
    from gan import build, config
    from gan.bench import convolution_work, lanes, repeated
    from gan.machine import devices
    from gan.networks.convolutions import DIRECT
    from gan.training import replicas, session

    numerics = {"precision": "float32", "convolution": "direct", "jit_compile": "false"}
    shared = {"strategy": "mirrored", "logical_cpus": 2, "threads": 1, "batch_size": BATCH}
    images = {"dataset": "garments", "data_in_memory": "false"}
    chosen = config.make("article", penalty_every_steps=4, **shared, **images, **numerics)
    devices.configure(chosen)
    machine = session.Machine(replicas.strategy("mirrored"), build.PLAIN, {})
    work = convolution_work.of_step(chosen, build.source(chosen), machine)
    print(json.dumps([[use.convolution, use.passes, str(number)] for use, number in work.items()]))
    where = lanes.of_process(machine.placement.extended.worker_devices)
    run = repeated.repeated(DIRECT, next(iter(work)).convolution, ("forward",), tf.float32, where)
    assert len(where.devices) == 2 and run(3) > 0
"""

BATCH = 4
ALL = ((FORWARD, 1), (INPUT_GRADIENT, 1), (FILTER_GRADIENT, 1))


@pytest.mark.parametrize(
    ("convolution", "output", "flops"),
    [
        (Convolution(1, 28, 28, 128, 128, 5, "SAME", 1, 1), (28, 28), 2 * 28 * 28 * 25 * 128 * 128),
        (Convolution(2, 14, 14, 128, 64, 5, "SAME", 2, 1), (28, 28), 2 * 2 * 28 * 28 * 25 * 128 * 64),
        (Convolution(3, 28, 28, 1, 32, 5, "VALID", 1, 1), (24, 24), 3 * 2 * 24 * 24 * 25 * 32),
        (Convolution(1, 64, 64, 3, 32, 5, "VALID", 1, 2), (30, 30), 2 * 30 * 30 * 25 * 3 * 32),
    ],
)
def test_operations_of_a_convolution(convolution, output, flops):
    assert convolution.output == output
    assert convolution.flops == flops


def test_bytes_are_those_of_input_kernel_and_output():
    assert Convolution(2, 6, 6, 3, 5, 3, "VALID", 1, 1).bytes(4) == 4 * (2 * 6 * 6 * 3 + 2 * 4 * 4 * 5 + 9 * 3 * 5)


@pytest.fixture(scope="module")
def works():
    """The work of a step by name, of the full networks on a small batch."""
    found = {}
    for name, more in (("article_corrected", {}), ("article", {}), ("lazy", {"penalty_every_steps": 4})):
        numerics = {"precision": "float32", "convolution": "direct", "jit_compile": "false"}
        preset = "article" if name == "lazy" else name
        chosen = config.make(preset, dataset="garments", data_in_memory="false", batch_size=BATCH, **numerics, **more)
        if not found:
            source = build.source(chosen)
            machine = session.Machine(replicas.strategy("one_device"), build.PLAIN, {})
        found[name] = convolution_work.of_step(chosen, source, machine)
    assert "recorded" not in CONVOLVERS
    return found


def test_the_articles_step_by_hand(works):
    def discriminator(batch, first, others):
        sizes = ((28, 1), (24, 32), (20, 64), (16, 128))
        uses = [Convolution(batch, side, side, c, 2 * c if c > 1 else 32, 5, "VALID", 1, 1) for side, c in sizes]
        return {Use(uses[0], first): 1} | {Use(use, others): 1 for use in uses[1:]}

    def generator(passes):
        wide = [(7, 2, 1), (14, 2, 1), (28, 1, 2)]
        uses = {Use(Convolution(BATCH, s, s, 128, 128, 5, "SAME", up, 1), passes): n for s, up, n in wide}
        return uses | {Use(Convolution(BATCH, 28, 28, 128, 1, 4, "SAME", 1, 1), passes): 1}

    d_update = discriminator(2 * BATCH, ((FORWARD, 1), (FILTER_GRADIENT, 1)), ALL)
    g_update = discriminator(BATCH, *2 * [((FORWARD, 1), (INPUT_GRADIENT, 1))])
    assert works["article_corrected"] == generator(((FORWARD, 1),)) | d_update | generator(ALL) | g_update
    assert convolution_work.flops(works["article_corrected"]) / BATCH / 1e9 == pytest.approx(11.42, abs=0.01)


def test_the_penalty_adds_a_gradient_to_the_images_and_its_own_gradient(works):
    added = {use: n for use, n in works["article"].items() if use not in works["article_corrected"]}
    assert len(added) == 4
    assert {use.passes for use in added} == {((FORWARD, 2), (INPUT_GRADIENT, 1), (FILTER_GRADIENT, 1))}


def test_a_lazy_penalty_counts_by_how_often_it_is_computed(works):
    always = works["article_corrected"]
    penalty = {use: n for use, n in works["article"].items() if use not in always}
    assert works["lazy"] == always | {use: Fraction(n, 4) for use, n in penalty.items()}
    flops = [convolution_work.flops(work) for work in (always, works["lazy"], always | penalty)]
    assert flops[1] - flops[0] == pytest.approx((flops[2] - flops[0]) / 4)


def test_of_two_replicas_each_has_the_work_of_half_the_batch(works):
    script = textwrap.dedent(REPLICAS).replace("BATCH", str(2 * BATCH))
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])
    found = {
        Use(Convolution(*c), tuple((kind, times) for kind, times in passes)): Fraction(number)
        for c, passes, number in rows
    }
    assert found == works["lazy"]
