"""Scores of tag sequences: of entities in BIO tags, by their exact span and type, and of single tags.

Predictions and references are N lists of tag names; two lists of one row have equal length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mtsmart.metrics.scores import METRICS

OUTSIDE = "O"
Tags = Sequence[Sequence[str]]


class Entity(NamedTuple):
    """An entity: its type, and its first and last word (from 0)."""

    type: str
    start: int
    end: int


def is_bio(tags: Iterable[str]) -> bool:
    """Whether all tag names are ``O``, ``B-<type>`` or ``I-<type>``, and at least one of them is not ``O``."""
    names = set(tags)
    return bool(names - {OUTSIDE}) and all(name == OUTSIDE or name[:2] in ("B-", "I-") for name in names)


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities of one BIO tag sequence, by the rules of the CoNLL scripts.

    An entity begins at ``B-X``, and also at an ``I-X`` that does not directly follow an entity of type X. It goes on
    with each further ``I-X``. So ``I-`` without ``B-`` counts, and old IOB files, which have ``B-`` only between two
    neighbouring entities, are read correctly.
    """
    found: list[Entity] = []
    start = 0
    kind = ""
    for position, tag in enumerate([*tags, OUTSIDE]):
        if kind and (tag == OUTSIDE or tag[:1] == "B" or tag[2:] != kind):
            found.append(Entity(kind, start, position - 1))
            kind = ""
        if tag != OUTSIDE and not kind:
            start = position
            kind = tag[2:]
    return found


@METRICS.register("entity_f1")
def entity_f1(predictions: Tags, references: Tags) -> float:
    """Micro F1 over entities whose type and span are exact (CoNLL; ``strict`` in nervaluate); 0 without entities."""
    correct, predicted, gold = _counts(predictions, references)
    return 2 * correct / (predicted + gold) if predicted + gold else 0.0


@METRICS.register("entity_precision")
def entity_precision(predictions: Tags, references: Tags) -> float:
    """The share of the predicted entities that are exact; 0 if none is predicted."""
    correct, predicted, _ = _counts(predictions, references)
    return correct / predicted if predicted else 0.0


@METRICS.register("entity_recall")
def entity_recall(predictions: Tags, references: Tags) -> float:
    """The share of the gold entities that are predicted exactly; 0 if there is none."""
    correct, _, gold = _counts(predictions, references)
    return correct / gold if gold else 0.0


@METRICS.register("tag_accuracy")
def tag_accuracy(predictions: Tags, references: Tags) -> float:
    """The share of words with the right tag, over the words of all rows; 0 without words."""
    pairs = _pairs(predictions, references)
    return sum(tag == gold for tag, gold in pairs) / len(pairs) if pairs else 0.0


@METRICS.register("tag_macro_f1")
def tag_macro_f1(predictions: Tags, references: Tags) -> float:
    """The unweighted mean of the F1 of each tag that occurs, over the words of all rows; 0 without words."""
    from sklearn.metrics import f1_score

    pairs = _pairs(predictions, references)
    if not pairs:
        return 0.0
    ours, gold = zip(*pairs, strict=True)
    return float(f1_score(gold, ours, average="macro", zero_division=0))


def _counts(predictions: Tags, references: Tags) -> tuple[int, int, int]:
    """How many entities are right, how many are predicted, and how many are gold."""
    correct = predicted = gold = 0
    for tags, right in zip(predictions, references, strict=True):
        ours = set(entities(tags))
        theirs = set(entities(right))
        correct += len(ours & theirs)
        predicted += len(ours)
        gold += len(theirs)
    return correct, predicted, gold


def _pairs(predictions: Tags, references: Tags) -> list[tuple[str, str]]:
    rows = zip(predictions, references, strict=True)
    return [pair for tags, right in rows for pair in zip(tags, right, strict=True)]
