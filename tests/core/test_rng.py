import numpy as np
import pytest
import tensorflow as tf

from gan.core import rng

DRAWS = {"uniform": rng.uniform, "normal": rng.normal, "bits16": rng.bits16}
EXAMPLE_SHAPES = [(), (1,), (3,), (4,), (5,), (8,), (9,), (3, 5), (2, 3, 3)]


def numbers(kind, shape, seed=3, step=5, first=0, path=(1, 2)):
    address = rng.stream(seed, step, first)
    for child in path:
        address = rng.fold(address, child)
    return DRAWS[kind](address, shape).numpy()


def philox_words(seed, step, path, blocks):
    """Philox4x32-10 of Salmon et al. 2011, words [blocks, 4] from counter value 0 on."""
    counter = np.zeros((blocks, 4), np.uint64)
    counter[:, 0] = np.arange(blocks)
    high = step * 2**24 + path
    counter[:, 2], counter[:, 3] = high % 2**32, high >> 32
    key = [seed % 2**32, seed >> 32]
    for _ in range(10):
        first = counter[:, 0] * np.uint64(0xD2511F53)
        second = counter[:, 2] * np.uint64(0xCD9E8D57)
        low, shift = np.uint64(2**32 - 1), np.uint64(32)
        counter = np.stack(
            [
                (second >> shift) ^ counter[:, 1] ^ np.uint64(key[0]),
                second & low,
                (first >> shift) ^ counter[:, 3] ^ np.uint64(key[1]),
                first & low,
            ],
            axis=1,
        )
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return counter.astype(np.uint32)


def test_the_bits_are_those_of_philox_at_the_address():
    seed, step, path = 2**31 - 1, 2**33 + 7, 2 * 64 + 3
    words = philox_words(seed, step, path, blocks=6)
    drawn = numbers("bits16", (3, 16), seed, step, path=(1, 2))
    np.testing.assert_array_equal(drawn.reshape(-1), words.reshape(-1).view(np.uint16))


@pytest.mark.parametrize("shape", EXAMPLE_SHAPES)
@pytest.mark.parametrize("kind", DRAWS)
def test_a_slice_of_the_examples_draws_the_slice_of_the_numbers(kind, shape):
    whole = numbers(kind, (7, *shape))
    for first, count in [(0, 7), (0, 3), (3, 4), (6, 1)]:
        part = numbers(kind, (count, *shape), first=first)
        np.testing.assert_array_equal(part, whole[first : first + count])


def test_interleaved_examples_keep_their_numbers_in_any_slice():
    whole = rng.uniform(rng.interleaved(rng.stream(1, 2), 2), (8, 5)).numpy()
    part = rng.uniform(rng.interleaved(rng.stream(1, 2, first=3), 2), (2, 5)).numpy()
    np.testing.assert_array_equal(part, whole[6:8])


@pytest.mark.parametrize("kind", DRAWS)
def test_examples_share_no_numbers(kind):
    drawn = numbers(kind, (40, 9)).astype(np.float64)
    rows = {tuple(row) for row in drawn}
    overlaps = sum(set(a) == set(b) for a in rows for b in rows if a is not b)
    assert len(rows) == 40
    assert overlaps == 0
    if kind != "bits16":  # of 2^23 values, 360 draws repeat hardly one
        assert len(np.unique(drawn)) >= 359


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("other", [{"seed": 4}, {"step": 6}, {"step": -1}, {"path": (1, 3)}, {"path": (1,)}])
def test_other_addresses_give_uncorrelated_numbers(kind, other):
    one, two = numbers(kind, (4, 5000)), numbers(kind, (4, 5000), **other)
    assert abs(np.corrcoef(one.reshape(-1), two.reshape(-1))[0, 1]) < 4 / np.sqrt(one.size)
    assert np.mean(one == two) < 1e-3


def test_paths_never_collide():
    level = [rng.Stream(None, None, None)]
    seen = {0}
    for _ in range(3):
        level = [rng.fold(parent, child) for parent in level for child in range(63)]
        paths = {address.path for address in level}
        assert len(paths) == len(level)
        assert seen.isdisjoint(paths)
        seen |= paths


def test_children_out_of_range_and_paths_too_deep_are_refused():
    root = rng.stream(0, 0)
    for child in (-1, 63, 64):
        with pytest.raises(ValueError, match="does not fit"):
            rng.fold(root, child)
    deepest = root
    for _ in range(4):
        deepest = rng.fold(deepest, 62)
    assert deepest.path == 2**24 - 1
    with pytest.raises(ValueError, match="does not fit"):
        rng.fold(deepest, 0)


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("jit", [False, True])
def test_graphs_draw_what_eager_execution_draws(kind, jit):
    @tf.function(jit_compile=jit)
    def graph(step, first):
        return DRAWS[kind](rng.fold(rng.fold(rng.stream(3, step, first), 1), 2), (4, 7))

    drawn = graph(tf.constant(5, tf.int64), tf.constant(2, tf.int64)).numpy()
    eager = numbers(kind, (4, 7), first=2)
    if kind == "normal" and jit:  # XLA has its own logarithm and sine
        np.testing.assert_allclose(drawn, eager, rtol=0, atol=2e-6)
    else:
        np.testing.assert_array_equal(drawn, eager)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 17])
def test_normal_numbers_do_not_depend_on_how_many_are_drawn_with_them(count):
    """A CPU computes the rest of a tensor after whole vectors by other code."""
    whole = numbers("normal", (101, 17))
    for first in range(0, 101 - count, 9):
        np.testing.assert_array_equal(numbers("normal", (count, 17), first=first), whole[first : first + count])


def test_uniform_moments():
    drawn = numbers("uniform", (100, 1000)).astype(np.float64)
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    assert abs(drawn.mean() - 1 / 2) < 4 / np.sqrt(12 * drawn.size)
    assert abs(drawn.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / drawn.size)


def test_normal_moments():
    drawn = numbers("normal", (100, 1000)).astype(np.float64)
    expected = {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)}  # moment: (value, variance of its estimate times n)
    for power, (value, variance) in expected.items():
        assert abs((drawn**power).mean() - value) < 4 * np.sqrt(variance / drawn.size)


def test_every_one_of_the_sixteen_bits_is_fair():
    drawn = numbers("bits16", (100, 1000)).reshape(-1)
    shares = [np.mean(drawn >> bit & 1) for bit in range(16)]
    np.testing.assert_allclose(shares, 0.5, atol=4 * 0.5 / np.sqrt(drawn.size))
