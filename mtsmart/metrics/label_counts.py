"""How often each label is right, predicted and gold: what precision, recall and F1 of a label are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelCounts:
    """The counts of one label.

    Attributes:
        hits: how often it is both predicted and gold.
        predicted: how often it is predicted.
        gold: how often it is gold.
    """

    hits: int
    predicted: int
    gold: int

    @property
    def precision(self) -> float:
        """How often the label is right where it is predicted; 0 if it is never predicted."""
        return self.hits / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """How many of its occurrences are found; 0 if there are none."""
        return self.hits / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 if the label is neither predicted nor gold."""
        both = self.predicted + self.gold
        return 2 * self.hits / both if both else 0.0


def counts_of_table(labels: Sequence[str], predicted: np.ndarray, gold: np.ndarray) -> dict[str, LabelCounts]:
    """Label -> its counts.

    Args:
        labels: C names.
        predicted, gold: (N, C) of 0 and 1.
    """
    sums = zip((predicted & gold).sum(axis=0), predicted.sum(axis=0), gold.sum(axis=0), strict=True)
    return {label: LabelCounts(*map(int, counts)) for label, counts in zip(labels, sums, strict=True)}


def counts_of_items(
    names: Iterable[str], predicted: Iterable[tuple[str, Hashable]], gold: Iterable[tuple[str, Hashable]]
) -> dict[str, LabelCounts]:
    """Name -> its counts, for things that are right only if name and place agree, such as entities.

    Args:
        names: the names in the order of the result.
        predicted, gold: different pairs of a name and a place.
    """
    ours = set(predicted)
    theirs = set(gold)
    hits, found, right = (Counter(name for name, _ in items) for items in (ours & theirs, ours, theirs))
    return {name: LabelCounts(hits[name], found[name], right[name]) for name in names}


def confusion_matrix(predictions: np.ndarray, references: np.ndarray, count: int) -> np.ndarray:
    """(C, C) int64: in row i and column j how often gold label i is predicted as j.

    Args:
        predictions, references: (N,) int64, the numbers of labels.
        count: C.
    """
    places = np.asarray(references, dtype=np.int64) * count + np.asarray(predictions, dtype=np.int64)
    return np.bincount(places, minlength=count * count).reshape(count, count)
