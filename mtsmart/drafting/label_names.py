"""How much the name of a column says that it is the label."""

from __future__ import annotations

import re
from enum import IntEnum

from mtsmart.drafting.columns import Column, Kind

_LABELS = (
    "label", "labels", "class", "category", "target", "sentiment", "intent", "topic", "gold_label", "rating", "stars",
    "score", "similarity", "grade", "y", "emotion", "polarity", "toxicity", "answer", "relatedness_score",
    "relevance", "relevant",
)  # fmt: skip
_ABOUT_ROWS = re.compile(
    r".*(date|time|year|month|author|user|lang|language|locale|country|source|url|link|page|length|count|version|split|"
    r"fold|index|number|num|position|file|annotator|worker)",
    re.IGNORECASE,
)


class Likeness(IntEnum):
    """How much a column looks like the label; a smaller number is likelier."""

    CALLED_SO = 0
    ALMOST_CALLED_SO = 1
    MAY_BE = 2
    HARDLY = 3


def likeness(column: Column) -> Likeness:
    """How much a column looks like the label, by its name and by how its values repeat."""
    name = column.word
    if name in _LABELS:
        return Likeness.CALLED_SO
    if any(name.endswith(word) or name.startswith(word) for word in _LABELS if len(word) > 1):
        return Likeness.ALMOST_CALLED_SO
    is_long = column.kind is Kind.TEXT and column.is_prose
    is_counted = column.kind is Kind.NUMBER and column.is_whole and column.is_varied and column.form is None
    if _ABOUT_ROWS.fullmatch(name) or is_long or is_counted:
        return Likeness.HARDLY
    return Likeness.MAY_BE


def rank(column: Column) -> tuple[int, int]:
    """For sorting: names that speak of labels come first, then columns with few values."""
    name = column.word
    place = _LABELS.index(name) if name in _LABELS else len(column.values)
    return likeness(column), place
