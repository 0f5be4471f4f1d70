import contextlib
import io

import numpy as np
import pytest

from gan.metrics import manifold

NAMES = ["precision", "recall", "density", "coverage"]


def clouds(seed, n=150, m=130, dimensions=6, spread=1.2):
    random = np.random.default_rng(seed)
    real = random.standard_normal((n, dimensions)).astype(np.float32)
    fake = (spread * random.standard_normal((m, dimensions)) + 0.2).astype(np.float32)
    return real, fake


def plain(real, fake, k):
    """The definitions word by word, on all differences in float64 at once."""

    def distances(x, y):
        return np.sqrt(np.square(x[:, None].astype(np.float64) - y[None]).sum(axis=-1))

    def radii(x):
        itself = distances(x, x)
        np.fill_diagonal(itself, np.inf)
        return np.sort(itself, axis=1)[:, k - 1]

    cross = distances(real, fake)
    in_real = cross < radii(real)[:, None]
    in_fake = cross < radii(fake)[None]
    values = in_real.any(0).mean(), in_fake.any(1).mean(), in_real.sum(0).mean() / k, in_real.any(1).mean()
    return dict(zip(NAMES, map(float, values), strict=True))


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("spread", [0.5, 1.0, 1.5])
def test_equals_the_prdc_package(k, spread):
    prdc = pytest.importorskip("prdc")
    real, fake = clouds(0, spread=spread)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = prdc.compute_prdc(real, fake, nearest_k=k)
    found = manifold.manifold(real, fake, k)
    assert list(found) == NAMES
    for name in NAMES:
        assert found[name] == pytest.approx(expected[name], abs=1e-12), name


@pytest.mark.parametrize("block", [1, 200, 997, 1 << 23])
def test_blocks_of_any_size_give_the_definition(monkeypatch, block):
    monkeypatch.setattr(manifold, "BLOCK", block)
    monkeypatch.setattr(manifold, "PAIR_BLOCK", max(7, block // 10))
    real, fake = clouds(1, 103, 89)
    assert manifold.manifold(real, fake, 4) == pytest.approx(plain(real, fake, 4), abs=1e-12)


def test_ties_and_copies_are_decided_as_in_exact_arithmetic():
    """Integers of few values: most distances are shared by many pairs, and half of the samples are copies."""
    random = np.random.default_rng(2)
    for _ in range(5):
        real, fake = random.integers(0, 3, (90, 5)), random.integers(0, 3, (80, 5))
        real[45:] = real[:45]
        for k in (1, 2, 5):
            assert manifold.manifold(real, fake, k) == plain(real, fake, k)


def test_a_set_against_itself_has_its_k_balls_around_every_sample():
    """Each ball holds its centre and k - 1 neighbours strictly inside, to the last bit."""
    for dimensions, offset in ((6, 0.0), (300, 0.0), (300, 1000.0)):
        real = clouds(3, 400, dimensions=dimensions)[0] + np.float32(offset)
        for k in (1, 5):
            assert manifold.manifold(real, real.copy(), k) == dict.fromkeys(NAMES, 1.0)
            assert manifold.manifold(real, real[::-1], k) == dict.fromkeys(NAMES, 1.0)


def test_distances_below_the_rounding_of_float32_products():
    """Pairs of near copies far out: products alone put them anywhere within 0.1 of one another."""
    random = np.random.default_rng(4)
    centres = 100.0 * random.standard_normal((40, 50))
    real = (np.repeat(centres, 3, axis=0) + 1e-3 * random.standard_normal((120, 50))).astype(np.float32)
    fake = (np.repeat(centres, 3, axis=0) + 1e-3 * random.standard_normal((120, 50))).astype(np.float32)
    for k in (1, 2):
        assert manifold.manifold(real, fake, k) == pytest.approx(plain(real, fake, k), abs=1e-12)
    indices, distances = manifold.nearest(real, fake, 3)
    np.testing.assert_array_equal(indices // 3, np.repeat(np.arange(40), 3)[:, None].repeat(3, axis=1))
    np.testing.assert_allclose(distances, np.linalg.norm(real[indices].astype(float) - fake[:, None], axis=2))


def test_one_image_over_and_over():
    real, _ = clouds(5, 200)
    fake = np.broadcast_to(real[7], (60, 6))
    collapsed = manifold.manifold(real, fake, 5)
    assert collapsed["precision"] == 1.0
    assert collapsed["recall"] == 0.0
    assert 0.0 < collapsed["coverage"] < 0.15
    assert collapsed == pytest.approx(plain(real, fake, 5), abs=1e-12)
    assert manifold.manifold(fake, fake, 5) == dict.fromkeys(NAMES, 0.0)  # balls without an inside


def test_sets_apart_share_nothing():
    real, fake = clouds(6)
    assert manifold.manifold(real, fake + 100.0, 5) == dict.fromkeys(NAMES, 0.0)


def test_fakes_of_half_of_the_modes():
    real = clouds(7, 200)[0]
    fake = real[:100] + 0.0
    real[100:] += 50.0
    found = manifold.manifold(real, fake, 5)
    assert found == {"precision": 1.0, "recall": 0.5, "density": 1.0, "coverage": 0.5}


def test_swapping_the_sets_swaps_precision_and_recall():
    real, fake = clouds(8)
    one, other = manifold.manifold(real, fake, 5), manifold.manifold(fake, real, 5)
    assert (one["precision"], one["recall"]) == (other["recall"], other["precision"])


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e25])
def test_rotation_translation_and_scale_change_nothing(scale):
    real, fake = (x.astype(np.float64) for x in clouds(9))
    axes = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    moved = [scale * (x @ axes + 300.0) for x in (real, fake)]
    assert manifold.manifold(*moved, 5) == manifold.manifold(real, fake, 5)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_types_of_features(dtype):
    random = np.random.default_rng(10)
    real, fake = random.integers(0, 255, (2, 70, 12)).astype(dtype)
    assert manifold.manifold(real, fake, 3) == plain(real, fake, 3)


@pytest.mark.parametrize("k", [1, 4, 60])
@pytest.mark.parametrize("block", [300, 1 << 23])
def test_nearest_equals_a_sort_of_all_distances(monkeypatch, k, block):
    monkeypatch.setattr(manifold, "BLOCK", block)
    real, fake = clouds(11, 60, 47)
    expected = np.linalg.norm(fake[:, None].astype(np.float64) - real[None], axis=2)
    indices, distances = manifold.nearest(real, fake, k)
    np.testing.assert_array_equal(indices, np.argsort(expected, axis=1)[:, :k])
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :k], rtol=1e-12)


def test_nearest_finds_copies_at_distance_zero_and_the_first_of_equals():
    real, _ = clouds(12, 50)
    real[30:35] = real[4]
    indices, distances = manifold.nearest(real + np.float32(77.7), real[[4, 9]] + np.float32(77.7), 2)
    np.testing.assert_array_equal(indices[0], [4, 30])
    np.testing.assert_array_equal(distances[0], [0.0, 0.0])
    assert indices[1, 0] == 9 and distances[1, 0] == 0.0 < distances[1, 1]


def test_what_cannot_be_measured_is_refused():
    real, fake = clouds(13, 6, 9)
    for sets in ((real[:5], fake), (fake, real[:5])):
        with pytest.raises(ValueError, match="6 (real|fake) samples or more are needed; there are 5."):
            manifold.manifold(*sets, k=5)
    with pytest.raises(ValueError, match="must be 1 or more; it is 0"):
        manifold.manifold(real, fake, k=0)
    with pytest.raises(ValueError, match="from 1 to 6, the real samples; it is 7"):
        manifold.nearest(real, fake, 7)
    with pytest.raises(ValueError, match="one dimension; theirs are 6 and 5"):
        manifold.nearest(real, fake[:, :5], 1)
    real[0, 0] = np.nan
    with pytest.raises(ValueError, match="real features must be finite; 1 of 6"):
        manifold.manifold(real, fake, k=3)
