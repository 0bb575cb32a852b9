"""Scores of tag sequences: of entities in BIO tags and their relatives, by exact span and type, and of single tags.

Predictions and references are N lists of tag names; two lists of one row have equal length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import NamedTuple

from mtsmart.metrics.scores import METRICS

OUTSIDE = "O"
Tags = Sequence[Sequence[str]]


class _Place(Enum):
    """Where in its entity a word stands."""

    BEGIN = auto()
    INSIDE = auto()
    END = auto()
    SINGLE = auto()


_PLACES = {
    "B": _Place.BEGIN,
    "I": _Place.INSIDE,
    "M": _Place.INSIDE,
    "E": _Place.END,
    "L": _Place.END,
    "S": _Place.SINGLE,
    "U": _Place.SINGLE,
    "W": _Place.SINGLE,
}


class Entity(NamedTuple):
    """An entity: its type (empty where tags have none), and its first and last word (from 0)."""

    type: str
    start: int
    end: int


def marks_entities(tags: Iterable[str]) -> bool:
    """Whether tag names mark entities, and at least one of them is not ``O``.

    They are ``O`` and ``B-<type>``, ``I-<type>`` (BIO, also IOB1), with ``E-`` and ``S-`` (BIOES), ``L-`` and ``U-``
    (BILOU), or ``M-``, ``E-`` and ``S-`` or ``W-`` (BMES); or all of them without a type: ``O``, ``B``, ``I`` ...
    """
    given = set(tags)
    names = given - {OUTSIDE}
    if not {name[:1] for name in names} & {"B", "I"}:
        return False
    if names <= _PLACES.keys():  # Letters alone may mean anything, so one of them must leave words out.
        return OUTSIDE in given
    return all(name[:1] in _PLACES and name[1:2] == "-" for name in names)


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities of one tag sequence, by the rules of the CoNLL scripts.

    An entity begins at ``B-X``, at ``S-X``, and at any other tag of type X that does not directly follow an entity of
    this type or follows its end. It goes on with each further tag of type X until ``E-X`` or before the next ``B-X`` or
    ``S-X``. So ``I-`` without ``B-`` counts, an entity that never ends counts, and old IOB files, which have ``B-``
    only between two neighbouring entities, are read correctly.
    """
    found: list[Entity] = []
    start: int | None = None
    kind = ""
    ended = False  # whether the last word ended its entity
    for position, tag in enumerate([*tags, OUTSIDE]):
        place = _PLACES.get(tag[:1], _Place.INSIDE)
        begins = tag == OUTSIDE or place in (_Place.BEGIN, _Place.SINGLE) or tag[2:] != kind or ended
        if start is not None and begins:
            found.append(Entity(kind, start, position - 1))
            start = None
        if tag != OUTSIDE and start is None:
            start = position
            kind = tag[2:]
        ended = place in (_Place.END, _Place.SINGLE)
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
