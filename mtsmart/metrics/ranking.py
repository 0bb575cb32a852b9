"""Scores of rankings: for each query a list of scores and a list of relevances, which are numbers from 0 up.

A query without a relevant candidate counts as 0 in every metric. If candidates have equal scores, the worse one counts
as the first, so that a constant score earns nothing; ``ndcg`` takes the mean over their possible orders instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mtsmart.metrics.scores import METRICS

Lists = Sequence[Sequence[float]]


@METRICS.register("mrr")
def mrr(predictions: Lists, references: Lists) -> float:
    """The mean over queries of 1 / rank of the first relevant candidate (relevance above 0)."""
    return float(np.mean([_reciprocal_rank(*map(np.asarray, pair)) for pair in _pairs(predictions, references)]))


@METRICS.register("top1")
def top1(predictions: Lists, references: Lists) -> float:
    """The share of queries whose candidate with the highest score is the most relevant, or one of the most relevant."""
    return float(np.mean([_best_is_right(*map(np.asarray, pair)) for pair in _pairs(predictions, references)]))


@METRICS.register("ndcg")
def ndcg(predictions: Lists, references: Lists) -> float:
    """The mean over queries of the discounted cumulative gain, linear in relevance, divided by the best possible."""
    from sklearn.metrics import ndcg_score

    by_length: dict[int, list[tuple[Sequence[float], Sequence[float]]]] = defaultdict(list)
    for scores, relevances in _pairs(predictions, references):
        by_length[len(scores)].append((relevances, scores))
    total = 0.0
    for length, lists in by_length.items():
        gold, given = (np.asarray(side, dtype=np.float64) for side in zip(*lists, strict=True))
        # scikit-learn refuses to score a single candidate; its only order is the best one.
        total += float((gold > 0).sum()) if length == 1 else float(ndcg_score(gold, given)) * len(lists)
    return total / len(references)


def _pairs(predictions: Lists, references: Lists) -> list[tuple[Sequence[float], Sequence[float]]]:
    return list(zip(predictions, references, strict=True))


def _reciprocal_rank(scores: np.ndarray, relevances: np.ndarray) -> float:
    relevant = relevances > 0
    if not relevant.any():
        return 0.0
    return 1.0 / (1 + int((scores[~relevant] >= scores[relevant].max()).sum()))


def _best_is_right(scores: np.ndarray, relevances: np.ndarray) -> bool:
    return bool(relevances[scores == scores.max()].min() == relevances.max() > 0)
