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
    test_is_apart: bool = False  # whether `test` may be another one beside the same `seen`

    @property
    def test_is_seen(self) -> bool:
        """Whether generators were trained on `test` as well."""
        return self.seen is not self.train

    @property
    def fingerprint(self) -> str:
        """Of all that generators are trained on."""
        return self.seen.fingerprint

    @property
    def identity(self) -> str:
        """Of all that evaluations depend on; see `identity`."""
        return identity(self.seen, self.test if self.test_is_apart else None)


def open_splits(dataset: str, **settings: Any) -> Splits:
    """The splits of the source called `dataset`; see `sources.open_source`.

    Of a set without a test split one image in `HELD_OUT`, always the same ones, is held out for it. Raises `UserError`.
    """
    whole = sources.open_source(dataset, **settings)
    name = whole.name if dataset == "auto" else dataset
    test = sources.open_test(name, train=whole, **settings)
    if test:
        return Splits(whole, test, whole, sources.has_own_identity(name, settings.get("test_dataset", "")))
    rows = np.setdiff1d(np.arange(whole.num_examples), _rows_held_out(whole))
    return Splits(subset(whole, rows, f"{whole.name}, all but those held out"), held_out_of(whole), whole)


def held_out_of(whole: Source) -> Source:
    """The images that stand in for the test split of a set that has none."""
    return subset(whole, _rows_held_out(whole), f"{whole.name}, one in {HELD_OUT} held out")


def _rows_held_out(whole: Source) -> np.ndarray:
    """Their indices, int64, ascending."""
    return np.sort(permutation(_SEED, 0, whole.num_examples)[: max(1, whole.num_examples // HELD_OUT)])


def identity(seen: Source, test: Source | None) -> str:
    """What names, in records of evaluations, the data that generators were trained on and those measured against.

    That is the fingerprint of the first where it vouches for the others, `test` being None.
    """
    return hashlib.sha256(f"{seen.fingerprint} {test.fingerprint}".encode()).hexdigest() if test else seen.fingerprint


def subset(source: Source, rows: np.ndarray, name: str) -> Source:
    """The images of the given indices, int64 [M], in that order, as a source of their own."""
    named = hashlib.sha256(f"{source.fingerprint} subset".encode() + rows.astype("<i8").tobytes()).hexdigest()
    return dataclasses.replace(
        source,
        name=name,
        num_examples=len(rows),
        fingerprint=named,
        read=lambda indices, *places: source.read(rows[indices], *places),
        task=(lambda indices, *places: source.task(rows[indices], *places)) if source.task else None,
        whole=(lambda indices: source.whole(rows[indices])) if source.whole else None,
        held=None,
        labels=None if source.labels is None else source.labels[rows],
        sizes={},
        passed_over={},
        cache_key="",
        duplicates=None,
    )
