"""The images that training sees and those that it does not, to measure what was generated against both."""

import dataclasses
import hashlib
from typing import Any, NamedTuple

import numpy as np

from gan.data import sources
from gan.data.order import permutation
from gan.data.source import Source

HELD_OUT = 6  # of a set without a test split, one image in so many stands in for it
_SEED = 2**63  # of the choice; runs have seeds below


class Splits(NamedTuple):
    """Two sets without an image in common."""

    train: Source
    test: Source
    seen: Source  # all that generators are trained on: `train`, or where the set has no test split both

    @property
    def test_is_seen(self) -> bool:
        """Whether generators were trained on `test` as well."""
        return self.seen is not self.train

    @property
    def fingerprint(self) -> str:
        """Of all that generators are trained on."""
        return self.seen.fingerprint


def open_splits(dataset: str, **settings: Any) -> Splits:
    """The splits of the source called `dataset`; see `sources.open_source`.

    Of a set without a test split one image in `HELD_OUT`, always the same ones, is held out for it. Raises `UserError`.
    """
    whole = sources.open_source(dataset, **settings)
    test = sources.open_test(whole.name if dataset == "auto" else dataset, **settings)
    if test:
        return Splits(whole, test, whole)
    rows = np.setdiff1d(np.arange(whole.num_examples), _rows_held_out(whole))
    return Splits(subset(whole, rows, f"{whole.name}, all but those held out"), held_out_of(whole), whole)


def held_out_of(whole: Source) -> Source:
    """The images that stand in for the test split of a set that has none."""
    return subset(whole, _rows_held_out(whole), f"{whole.name}, one in {HELD_OUT} held out")


def _rows_held_out(whole: Source) -> np.ndarray:
    """Their indices, int64, ascending."""
    return np.sort(permutation(_SEED, 0, whole.num_examples)[: max(1, whole.num_examples // HELD_OUT)])


def subset(source: Source, rows: np.ndarray, name: str) -> Source:
    """The images of the given indices, int64 [M], in that order, as a source of their own."""
    identity = hashlib.sha256(f"{source.fingerprint} subset".encode() + rows.astype("<i8").tobytes()).hexdigest()
    return dataclasses.replace(
        source,
        name=name,
        num_examples=len(rows),
        fingerprint=identity,
        read=lambda indices, *places: source.read(rows[indices], *places),
        task=(lambda indices, *places: source.task(rows[indices], *places)) if source.task else None,
        whole=(lambda indices: source.whole(rows[indices])) if source.whole else None,
        labels=None if source.labels is None else source.labels[rows],
        sizes={},
        passed_over={},
        cache_key="",
    )
