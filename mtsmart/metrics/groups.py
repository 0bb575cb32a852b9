"""Scores of rows that are judged together, such as the answers to one question."""

from __future__ import annotations

from collections.abc import Sequence

from mtsmart.metrics.scores import METRICS


class GroupedLabel(int):
    """The index of a row's label, which knows the group of the row.

    Attributes:
        group: the id that all rows of the group share.
    """

    group: str

    def __new__(cls, label: int, group: str) -> GroupedLabel:
        grouped = super().__new__(cls, label)
        grouped.group = group
        return grouped


@METRICS.register("group_exact")
def group_exact(predictions: Sequence[int], references: Sequence[GroupedLabel]) -> float:
    """The share of groups all of whose rows are right, as SuperGLUE scores the questions of MultiRC."""
    right: dict[str, bool] = {}
    for prediction, reference in zip(predictions, references, strict=True):
        right[reference.group] = right.get(reference.group, True) and prediction == reference
    return sum(right.values()) / len(right)
