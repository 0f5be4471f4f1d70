"""Precision, recall, density and coverage: which samples lie within the k-nearest-neighbour balls of the other set.

Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing generative models"; Naeem et al. 2020,
"Reliable fidelity and diversity metrics for generative models". A ball reaches to the k-th nearest other sample of its
own set; that distance itself is outside.

Distances come from float32 matrix products, block by block. Where a decision is closer than their rounding error, the
pair is measured again from its difference in float64. So a pair has one distance, wherever it is computed and on any
number of threads; copies are at distance 0, and ties are ties.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gan.metrics import samples

BLOCK = 1 << 23  # distances that are held at a time
PAIR_BLOCK = 1 << 22  # numbers of the features of pairs measured in float64 at a time
SPARE = 4  # candidates measured beyond the k nearest, since rounding can change their order


class _Points(NamedTuple):
    """A set of features, and the same moved and scaled so that their products in float32 keep their digits."""

    features: np.ndarray  # [N, D] as given
    scale: float  # a power of two; the other fields, and all distances squared, are in units of 1 / scale
    centred: np.ndarray  # [N, D] float32, within [-1, 1]
    norms: np.ndarray  # [N] float32, squared


def manifold(real: np.ndarray, fake: np.ndarray, k: int = 5) -> dict[str, float]:
    """{"precision", "recall", "density", "coverage"} of `real` [N, D] and `fake` [M, D] features, with `k` neighbours.

    precision: the share of fakes in the ball of some real; recall: of reals in the ball of some fake; density: the
    number of real balls around a fake, divided by k, on average (not bounded by 1); coverage: the share of reals with
    a fake in their ball.

    Raises `ValueError` for sets of k samples or fewer, for values that are not finite and for two dimensions.
    """
    if k < 1:
        raise ValueError(f"k, the number of neighbours, must be 1 or more; it is {k}.")
    reals, fakes = _prepared(*samples.checked_pair(real, fake, least=k + 1))
    real_radii = _nearest(reals, reals, k, itself=True)[1][:, -1]
    fake_radii = _nearest(fakes, fakes, k, itself=True)[1][:, -1]
    balls_around_fake = np.zeros(len(fake), np.int64)
    covered = recalled = 0
    for start, squared in _blocks(reals, fakes):
        part = slice(start, start + len(squared))
        in_real_balls = _inside(squared, start, reals, fakes, real_radii[part], axis=0)
        in_fake_balls = _inside(squared, start, reals, fakes, fake_radii, axis=1)
        balls_around_fake += in_real_balls.sum(axis=0)
        covered += int(in_real_balls.any(axis=1).sum())
        recalled += int(in_fake_balls.any(axis=1).sum())
    return {
        "precision": float((balls_around_fake > 0).mean()),
        "recall": recalled / len(real),
        "density": float(balls_around_fake.mean()) / k,
        "coverage": covered / len(real),
    }


def nearest(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of `fake` [M, D] its `k` nearest of `real` [N, D]: indices [M, k] and distances [M, k] (float64).

    The nearest comes first, of equally near ones the one with the lower index. Raises `ValueError` for fewer than k
    reals, for values that are not finite and for two dimensions.
    """
    if not 1 <= k <= len(real):
        raise ValueError(f"k, the number of neighbours, must be from 1 to {len(real)}, the real samples; it is {k}.")
    reals, fakes = _prepared(*samples.checked_pair(real, fake, least=1))
    indices, squared = _nearest(fakes, reals, k)
    return indices, np.sqrt(squared) / reals.scale


def _prepared(real: np.ndarray, fake: np.ndarray) -> tuple[_Points, _Points]:
    """Both sets about the mean of the reals: a common offset would cost the distances their digits."""
    centre = real.mean(axis=0, dtype=np.float64)
    moved = [features - centre.astype(features.dtype) for features in (real, fake)]
    reach = max(np.abs(features).max() for features in moved)
    scale = float(np.ldexp(1.0, -np.frexp(reach)[1]))
    for features in moved:
        features *= scale
    moved = [features.astype(np.float32, copy=False) for features in moved]
    norms = [np.einsum("nd,nd->n", features, features) for features in moved]
    return _Points(real, scale, moved[0], norms[0]), _Points(fake, scale, moved[1], norms[1])


def _blocks(queries: _Points, points: _Points) -> Iterator[tuple[int, np.ndarray]]:
    """(start, squared distances [B, N] in float32 of the queries from `start` on), in order."""
    rows = max(1, BLOCK // len(points.norms))
    for start in range(0, len(queries.norms), rows):
        part = slice(start, start + rows)
        squared = (-2.0 * queries.centred[part]) @ points.centred.T
        squared += queries.norms[part, None]
        squared += points.norms
        yield start, squared


def _measured(queries: _Points, points: _Points, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The squared distances [P] (float64) of the pairs (rows [P], columns [P]), each from its difference."""
    squared = np.empty(len(rows))
    step = max(1, PAIR_BLOCK // queries.features.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        difference = queries.features[rows[part]].astype(np.float64)
        difference -= points.features[columns[part]]
        difference *= queries.scale
        squared[part] = np.square(difference, out=difference).sum(axis=1)
    return squared


def _nearest(queries: _Points, points: _Points, k: int, itself: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """For each query its k nearest points: indices [Q, k], squared distances [Q, k], from the nearest on.

    `itself`: queries and points are one set, of which no sample is its own neighbour. Only where more than `SPARE`
    others are as near as the k-th to within the rounding of float32, one of them can take its place.
    """
    found = len(points.norms) - itself
    short = min(k + SPARE, found)
    indices, distances = [], []
    for start, squared in _blocks(queries, points):
        rows = np.arange(len(squared))
        if itself:
            squared[rows, start + rows] = np.inf
        if short < squared.shape[1]:
            candidates = np.argpartition(squared, short - 1, axis=1)[:, :short]
        else:
            candidates = np.broadcast_to(np.arange(short), (len(rows), short))
        exact = _measured(queries, points, np.repeat(start + rows, short), candidates.reshape(-1))
        exact = exact.reshape(candidates.shape)
        order = np.lexsort((candidates, exact), axis=1)[:, :k]
        indices.append(np.take_along_axis(candidates, order, axis=1))
        distances.append(np.take_along_axis(exact, order, axis=1))
    return np.concatenate(indices), np.concatenate(distances)


def _inside(
    squared: np.ndarray, start: int, queries: _Points, points: _Points, radii: np.ndarray, axis: int
) -> np.ndarray:
    """Which pairs of a block [B, N] are nearer than the ball's squared radius: bool [B, N].

    `axis` 0: the balls are about the queries, radii [B]; 1: about the points, radii [N]. With e the relative rounding
    error of a product, a distance is wrong by at most e (|x|^2 + |y|^2); inside a ball about x, |y|^2 is at most
    2 |x|^2 + 2 r^2. Further out the error grows more slowly than the distance.
    """
    dimensions = queries.centred.shape[1]
    rounding = 2.0 * (4.0 + np.sqrt(dimensions)) * np.finfo(np.float32).eps
    norms = points.norms if axis else queries.norms[start : start + len(squared)]
    margin = rounding * (3.0 * norms + 2.0 * radii)
    surely, hardly = (np.expand_dims(r.astype(np.float32), 1 - axis) for r in (radii - margin, radii + margin))
    inside = squared < surely
    rows, columns = np.nonzero((squared < hardly) != inside)
    if len(rows):
        exact = _measured(queries, points, start + rows, columns)
        inside[rows, columns] = exact < radii[columns if axis else rows]
    return inside
