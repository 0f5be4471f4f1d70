"""Checkpoints where a process of their own is needed: other devices, and death at any moment."""

import subprocess
import sys
import textwrap

from gan.runs import checkpoint


def run_python(script, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()


MIRRORED = """
    import sys
    from pathlib import Path
    import numpy as np
    import tensorflow as tf
    from gan.runs import checkpoint

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    folder = Path(sys.argv[1])
    kinds = dict(synchronization=tf.VariableSynchronization.ON_WRITE, aggregation=tf.VariableAggregation.NONE)

    def make(factor):
        return {"step": tf.Variable(np.int64(factor), **kinds), "w": [tf.Variable(np.arange(6.0) * factor, **kinds)]}

    one = make(3)
    with strategy.scope():
        mirrored = make(5)
    hashes = lambda name: {k: v["sha256"] for k, v in checkpoint.manifest(folder / name, 9)["files"].items()}
    checkpoint.save(folder / "one", one, 9, {})
    checkpoint.save(folder / "mirrored", mirrored, 9, {})
    assert hashes("one") != hashes("mirrored")
    checkpoint.restore(folder / "one", mirrored)
    for variable, value in zip(tf.nest.flatten(mirrored), tf.nest.flatten(one)):
        replicas = strategy.experimental_local_results(variable)
        assert len(replicas) == 2 and all(np.array_equal(r.numpy(), value.numpy()) for r in replicas)
    checkpoint.save(folder / "mirrored again", mirrored, 9, {})
    assert hashes("mirrored again") == hashes("one")
    checkpoint.restore(folder / "mirrored", one)
    assert one["step"].numpy() == 5 and np.array_equal(one["w"][0].numpy(), np.arange(6.0) * 5)
    print("moved")
"""


def test_checkpoints_move_between_one_device_and_two_replicas(tmp_path):
    assert run_python(MIRRORED, tmp_path) == ["moved"]


# A process forks children that restore, check every value, and save in a loop until they are killed: every other one at
# a random moment, the rest just before a certain call that touches the disk, counted from the first save's end. A
# child's word that a step is saved must hold: its successor begins at that step or later.
KILLED = """
    import os, random, signal, sys, time
    from pathlib import Path
    import numpy as np
    import tensorflow as tf
    from gan.runs import checkpoint

    folder = Path(sys.argv[1])

    def value(step, index):
        return np.random.default_rng([step, index]).normal(size=(40, 300)).astype(np.float32)

    def die_before_call(number):
        calls = iter(range(number))

        def counted(function):
            def call(*args, **kwargs):
                if next(calls, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **kwargs)

            return call

        for name in ("fsync", "replace", "rename", "unlink", "rmdir", "mkdir"):
            setattr(os, name, counted(getattr(os, name)))

    def live(pipe, endless, calls):
        state = {"step": tf.Variable(np.int64(0)), "w": [tf.Variable(value(0, index)) for index in range(4)]}
        restored = checkpoint.restore(folder, state)
        step = restored.step if restored else 0
        assert not (restored and restored.skipped), restored
        assert state["step"].numpy() == step and (not restored or restored.facts == {"twice": 2 * step})
        assert all(np.array_equal(w.numpy(), value(step, index)) for index, w in enumerate(state["w"]))
        os.write(pipe, f"{step}\\n".encode())
        while endless:
            step += 1
            state["step"].assign(step)
            for index, w in enumerate(state["w"]):
                w.assign(value(step, index))
            checkpoint.save(folder, state, step, {"twice": 2 * step})
            os.write(pipe, f"{step}\\n".encode())
            checkpoint.prune(folder, 2)
            if calls is not None:
                die_before_call(calls)
                calls = None

    moments = random.Random(0)
    promised = 0
    for number in range(11):
        calls = [None, 1, None, 4, None, 7, None, 9, None, 12, None][number]
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.close(reader)
                live(writer, number < 10, calls)
                os._exit(0)
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
        os.close(writer)
        lines = os.fdopen(reader)
        first = int(lines.readline())
        assert first >= promised, (first, promised)
        if number < 10 and calls is None:
            for _ in range(moments.randint(1, 2)):
                lines.readline()
            time.sleep(moments.uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
        promised = max([first, *map(int, lines.read().split())])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == (-signal.SIGKILL if number < 10 else 0), status
    print(promised)
"""


def test_kill_9_at_any_moment_leaves_the_promised_step_or_a_later_one_whole(tmp_path):
    (promised,) = run_python(KILLED, tmp_path)
    assert int(promised) >= 10
    assert checkpoint.steps(tmp_path)[-1] == int(promised)
