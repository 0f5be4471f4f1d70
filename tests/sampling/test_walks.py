"""Walks through latents, and the animations of them."""

import numpy as np
import pytest

from gan.pictures import raster
from gan.sampling import sampler, walks


def test_rows_go_from_latent_to_latent_on_circles():
    ends = sampler.latents(3, 0, 5, 64).numpy()
    points = walks.rows(3, 5, 8, 64).reshape(5, 8, 64)
    np.testing.assert_allclose(points[:, 0], ends, atol=1e-6)
    both = np.linalg.norm([ends, np.roll(ends, -1, axis=0)], axis=2)
    lengths = np.linalg.norm(points, axis=2)
    assert (lengths >= 0.95 * both.min(0)[:, None]).all() and (lengths <= 1.05 * both.max(0)[:, None]).all()
    steps = np.linalg.norm(np.diff(np.concatenate([points.reshape(-1, 64), ends[:1]]), axis=0), axis=1)
    assert steps.max() < 2.5  # of ends that are 11 apart: it never jumps, at its end least of all
    directions = points / lengths[..., None]
    cosines = np.sum(directions[:, 0] * directions[:, 4], axis=1), np.sum(directions[:, 4] * directions[:, 1], axis=1)
    assert (cosines[0] < cosines[1]).all()


@pytest.mark.parametrize("other", [1.0, 3.0, -1.0])
def test_ends_without_a_great_circle_are_joined_straight(other):
    ends = np.float32([[1.0, 2.0, 2.0], [other, 2.0 * other, 2.0 * other]])
    there, back = sampler.between(ends, 4)
    np.testing.assert_allclose(there, ends[0] + (ends[1] - ends[0]) * np.arange(4)[:, None] / 4, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(back, ends[1] + (ends[0] - ends[1]) * np.arange(4)[:, None] / 4, rtol=1e-5, atol=1e-6)


def test_one_row_alone_walks_too():
    (one,) = walks.rows(0, 1, 6, 16).reshape(1, 6, 16)
    np.testing.assert_array_equal(one, walks.rows(0, 2, 6, 16)[:6])
    assert len(np.unique(one, axis=0)) == 6


def test_a_loop_has_a_latent_for_each_cell():
    assert walks.loop(0, 6, 5, 16).shape == (30, 16)
    assert walks.loop(0, 1, 5, 16).shape == (20, 16) and walks.loop_frames(1, 5) == 20


def test_cells_of_one_kind_follow_each_other_round_the_loop():
    kinds, steps, shape = 2, 3, (4, 2)  # rows 0 and 2 show kind 0; its four cells walk 12 places
    images = np.arange(24, dtype=np.uint8).reshape(kinds, 12, 1, 1, 1) + 100
    frames = walks.frames(images, shape, steps)
    assert len(frames) == 12
    for t, frame in enumerate(frames):
        place = (t + 3 * np.arange(4)) % 12
        expected = np.stack([place[:2], 12 + place[:2], place[2:], 12 + place[2:]])
        np.testing.assert_array_equal(frame[1::2, 1::2, 0], expected + 100)
        assert frame.shape == raster.grid(images[0, :8], *shape).shape
