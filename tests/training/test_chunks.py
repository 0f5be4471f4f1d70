"""Chunks with a step that only counts and sums: the lines of the log, whatever the chunks are, with XLA and without."""

import re

import numpy as np
import pytest
import tensorflow as tf

from gan.core import penalties
from gan.core.state import Player, State
from gan.data.batches import Batches
from gan.data.source import Source
from gan.training import chunks, feeds, pace, replicas

NAMES = ["z", "a", "m"]  # in an order that is not that of the alphabet
SHAPE, BATCH, DRAWS = (2, 2, 1), 3, 2


def counting(state, images, labels, stream, mean, turn):
    """Metrics that tell which images and labels a step was given, in numbers whose sums are not exact."""
    pixels, told = tf.cast(images, tf.float32), tf.cast(labels, tf.float32)
    metrics = {"z": tf.reduce_sum(pixels) * 0.7, "a": tf.reduce_sum(told) * 0.3, "m": tf.cast(stream.step, tf.float32)}
    return state._replace(step=state.step + 1), metrics


@pytest.fixture(scope="module")
def data():
    """(images, labels) of sixty steps."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, DRAWS * BATCH, *SHAPE), np.uint8)
    return images, random.integers(0, 10, (60, DRAWS * BATCH)).astype(np.int32)


SOURCE = Source("none", 9, SHAPE, (), "", "", None)


class Made:
    """A chunk and the variables that it works on."""

    def __init__(self, log_every, step=counting, names=NAMES, jit=False, period=1):
        placement = replicas.strategy("one_device")
        state = State(tf.zeros([], tf.int64), Player({}, ()), Player({}, ()), {}, {})
        self.training = replicas.training_variables(placement, state, names)
        feed = feeds.streamed(Batches(SOURCE, seed=0, batch=BATCH, draws=DRAWS), padded=jit)
        plan = chunks.Plan(0, BATCH, log_every, period, jit)
        self.chunk = chunks.compile_chunk(placement, self.training, step, feed, plan)

    def run(self, data, counts, first=0):
        """The lines of chunks of so many steps, one after the other."""
        lines = []
        for count in counts:
            lines += self.chunk(first, *(array[first : first + count] for array in data)).lines
            first += count
        return lines

    def sums(self):
        return [float(total.numpy()) for total in self.training.totals.values()], int(self.training.count.numpy())


def expected(data, first, last):
    """The means over the steps first + 1 ... last, summed up in float32 as they come."""
    sums = {name: np.float32(0) for name in NAMES}
    for step in range(first, last):
        images, labels = (tf.constant(array[step]) for array in data)
        found = counting(State(tf.constant(step, tf.int64), *4 * [()]), images, labels, stream_at(step), None, 0)[1]
        sums = {name: sums[name] + found[name].numpy() for name in NAMES}
    return {name: float(total) / (last - first) for name, total in sums.items()}


def stream_at(step):
    return chunks.rng.stream(0, step)


CHUNKS = [[60], [1] * 60, [7, 1, 9, 3, 20, 20], [4, 4, 2, 10, 40]]


@pytest.mark.parametrize("every", [1, 4, 7, 30])
def test_the_lines_of_the_log_are_the_same_whatever_the_chunks(data, every):
    found = [Made(every).run(data, counts) for counts in CHUNKS]
    assert found[0] == [(step, expected(data, step - every, step)) for step in range(every, 61, every)]
    assert all(other == found[0] for other in found[1:])
    assert [list(line.means) for line in found[0]] == len(found[0]) * [NAMES]


@pytest.mark.parametrize("counts", CHUNKS)
def test_the_sums_begin_anew_after_each_line_and_go_on_between(data, counts):
    made, step = Made(7), 0
    for count in counts:
        made.run(data, [count], step)
        step += count
        totals, since = made.sums()
        assert since == step % 7
        assert totals == [since * value for value in expected(data, step - since, step).values()] if since else [0] * 3


def test_a_line_covers_all_steps_since_the_one_before_under_another_cadence(data):
    seldom, often = Made(50), Made(4)
    assert seldom.run(data, [6]) == []
    replicas.assign(often.training, replicas.read(seldom.training))
    lines = often.run(data, [10], first=6)
    assert [line.step for line in lines] == [8, 12, 16]
    assert lines[0].means == expected(data, 0, 8) and lines[1].means == expected(data, 8, 12)


def poisoned(first, last, value=np.nan, name="a"):
    """A step whose metric of this name is `value` from the step `first` to the step `last`."""

    def step(state, images, labels, stream, mean, turn):
        state, metrics = counting(state, images, labels, stream, mean, turn)
        return state, metrics | {name: tf.where((state.step >= first) & (state.step <= last), value, metrics[name])}

    return step


@pytest.mark.parametrize("jit", [False, True])
def test_the_first_step_with_a_metric_that_is_not_finite_is_found_whatever_the_chunks(data, monkeypatch, jit):
    monkeypatch.setattr(pace, "LONGEST_CHUNK", 60)
    made = Made(7, poisoned(18, 19, -np.inf), jit=jit)
    zero = tf.nest.map_structure(tf.zeros_like, replicas.read(made.training))
    for counts in CHUNKS:
        replicas.assign(made.training, zero)
        first, faults = 0, {}
        for count in counts:
            faults[first] = made.chunk(first, *(array[first : first + count] for array in data)).fault
            first += count
        begin = max(step for step in faults if step < 18)
        assert faults[begin] == chunks.Fault(18, "a is -inf")
        later = {step: fault for step, fault in faults.items() if fault and step != begin}
        assert later == ({18: chunks.Fault(19, "a is -inf")} if 18 in faults else {})
    assert made.chunk.compiled.experimental_get_tracing_count() == 1


def test_all_metrics_are_looked_at_and_the_first_of_them_is_named(data):
    made = Made(7, lambda *given: (poisoned(2, 9)(*given)[0], dict.fromkeys(NAMES, tf.constant(np.nan))))
    assert made.chunk(0, *(array[:4] for array in data)).fault == (1, "z is nan (and 2 more)")


def test_each_number_of_rollbacks_has_random_numbers_of_its_own_and_none_those_of_the_seed(data):
    def drawing(state, images, labels, stream, mean, turn):
        drawn = tf.reduce_mean(chunks.rng.uniform(stream, [BATCH, 1]))
        return state._replace(step=state.step + 1), {"drawn": drawn}

    made = Made(1, drawing, ["drawn"])
    found = []
    for rollbacks in (0, 1, 2, 1):
        replicas.assign(made.training.state.step, tf.zeros([], tf.int64))
        lines = made.chunk(0, *(array[:3] for array in data), rollbacks=rollbacks).lines
        found.append([line.means["drawn"] for line in lines])
    expected = [np.mean(chunks.rng.uniform(chunks.rng.stream(0, step), [BATCH, 1]).numpy()) for step in range(3)]
    assert found[0] == expected and found[1] == found[3]
    assert len({value for row in found for value in row}) == 9
    assert made.chunk.compiled.experimental_get_tracing_count() == 1


def test_a_chunk_of_no_steps_compiles_and_changes_nothing(data):
    made = Made(4)
    made.run(data, [6])
    before = made.sums()
    assert made.run(data, [0], first=6) == [] and made.sums() == before
    assert made.chunk.compiled.experimental_get_tracing_count() == 1


def test_a_chunk_takes_as_many_steps_as_its_lines_have_room(data):
    made = Made(1)
    assert made.chunk.most_steps == chunks.LINES and Made(16).chunk.most_steps == 16 * chunks.LINES
    every = tuple(np.repeat(array[:1], chunks.LINES, axis=0) for array in data)
    lines = made.chunk(0, *every).lines
    assert [line.step for line in lines] == list(range(1, chunks.LINES + 1))
    assert len({line.means["a"] for line in lines}) == 1


def test_a_cadence_beyond_all_chunks_is_never_due(data):
    made = Made(10**12)
    assert made.run(data, [60]) == [] and made.sums()[1] == 60
    assert [line.step for line in made.chunk(10**12 - 3, *(array[:5] for array in data)).lines] == [10**12]


@pytest.mark.parametrize("every", [1, 7])
def test_xla_compiles_the_whole_chunk_once_for_any_number_of_steps(data, monkeypatch, every):
    monkeypatch.setattr(pace, "LONGEST_CHUNK", 60)
    plain, made, shapes = Made(every), Made(every, jit=True), set()
    compiled = made.chunk.compiled

    def watched(*tensors):
        shapes.add(tuple(tuple(tensor.shape) for tensor in tensors))
        return compiled(*tensors)

    made.chunk.compiled = watched
    for counts in CHUNKS:
        found, expected_lines = made.run(data, counts), plain.run(data, counts)
        assert [line.step for line in found] == [line.step for line in expected_lines]
        for ours, theirs in zip(found, expected_lines, strict=True):
            np.testing.assert_allclose(list(ours.means.values()), list(theirs.means.values()), rtol=1e-6)
        assert made.sums()[1] == plain.sums()[1]
        for one in (plain, made):
            replicas.assign(one.training, tf.nest.map_structure(tf.zeros_like, replicas.read(one.training)))
    assert shapes == {
        ((), (), (), (), (60, DRAWS * BATCH, *SHAPE), (60, DRAWS * BATCH))
    }  # XLA compiles for each shape anew
    assert compiled.experimental_get_tracing_count() == 1


def test_a_chunk_that_is_always_full_takes_fewer_images(monkeypatch):
    monkeypatch.setattr(feeds, "PADDED_BYTES", 10 * DRAWS * BATCH * 4 + 1)
    assert Made(16, jit=True).chunk.most_steps == 10
    monkeypatch.setattr(feeds, "PADDED_BYTES", 1)
    assert Made(16, jit=True).chunk.most_steps == 1
    monkeypatch.setattr(pace, "CHUNK_BYTES", 30 * DRAWS * BATCH * 4)
    assert Made(16).chunk.most_steps == 30


SCOPE = "only_when_due"


def penalized(state, images, labels, stream, mean, turn):
    """A step that is a lazy penalty of a critic with a convolution, due in every third update."""
    kernel = 0.1 * (1.0 + tf.cast(state.step, tf.float32)) * tf.ones([2, 2, 1, 4])
    real = tf.cast(images, tf.float32) / 255.0

    def value(params):
        with tf.name_scope(SCOPE):
            score = lambda x: tf.reduce_sum(tf.tanh(tf.nn.conv2d(x, params, 1, "SAME")), [1, 2, 3])  # noqa: E731
            return tf.reduce_mean(penalties.r1(2.0)(score, real, None, stream))

    penalty, gradient = penalties.lazy_gradient(value, kernel, turn, 3)
    metrics = {"penalty": penalty, "gradient": tf.norm(gradient)}
    return state._replace(step=state.step + 1), metrics


def test_a_lazy_penalty_is_not_computed_between_its_turns_in_a_compiled_chunk(data):
    """In the program that XLA makes, whatever belongs to the penalty is in the branch that is taken when it is due."""
    made = Made(1, penalized, ["penalty", "gradient"], jit=True, period=3)
    found = [line.means["penalty"] > 0 for line in made.run(data, [4, 3])]
    assert found == [step % 3 == 0 for step in range(7)]
    inputs = [made.chunk._tensor(array[:1]) for array in data]
    scalars = *[tf.constant(1)] * 3, tf.constant(0, tf.int64)
    program = made.chunk.compiled.experimental_get_compiler_ir(*scalars, *inputs)("optimized_hlo")
    bodies = dict(re.findall(r"^(?:ENTRY )?%([\w.-]+) [^\n]*\{\n(.*?)^\}", program, re.DOTALL | re.MULTILINE))
    branches = {name for body in bodies.values() for line in body.splitlines() for name in branch_names(line)}
    always, pending = set(), [re.search(r"^ENTRY %([\w.-]+)", program, re.MULTILINE)[1]]
    while pending:
        if (name := pending.pop()) not in always:
            always.add(name)
            pending += (bodies.keys() - branches) & set(re.findall(r"%([\w.-]+)", bodies[name]))
    assert len(branches) == 2 and any(SCOPE in bodies[name] for name in branches)
    assert len(always) > 3 and not [name for name in always if SCOPE in bodies[name]]


def branch_names(line: str) -> list[str]:
    """The computations that are the branches of a conditional, if the line of the program has one."""
    if " conditional(" not in line:
        return []
    return re.findall(r"(?:true_computation|false_computation)=%([\w.-]+)", line) or re.findall(
        r"%([\w.-]+)", re.search(r"branch_computations=\{([^}]*)\}", line)[1]
    )


def test_the_turn_of_a_step_is_its_number_modulo_the_period_from_any_step_on(data):
    def telling(state, images, labels, stream, mean, turn):
        assert turn.dtype == tf.int32
        return state._replace(step=state.step + 1), {"turn": tf.cast(turn, tf.float32)}

    made = Made(1, telling, ["turn"], period=8)
    for first, counts in [(0, [1, 10, 3]), (10**12 + 5, [20])]:
        lines = made.run(data, counts) if not first else made.chunk(first, *(array[:20] for array in data)).lines
        assert [line.means["turn"] for line in lines] == [(line.step - 1) % 8 for line in lines]
