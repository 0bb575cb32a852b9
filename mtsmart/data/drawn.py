"""Rows that are drawn from a split to be held out for validation: a share of them, or one of several parts.

What is drawn depends on the seed, the labels and the rows' numbers alone, so it is the same on every machine.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import datasets
import numpy as np

from mtsmart.data.mixing import apportioned
from mtsmart.data.readers import ITEM
from mtsmart.data.selection import undrawn
from mtsmart.data.tables.missing import is_missing
from mtsmart.errors import DataError
from mtsmart.tasks.dataset import DatasetSource, FoldConfig
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.text.counts import counted
from mtsmart.text.numbers import as_float

_MAX_CLASSES = 1_000
_BINS = 10  # of numbers that are no classes


def grouping_columns(definition: TaskDefinition, split: str) -> list[str]:
    """The columns that say which rows stay together where rows of our split ``split`` are drawn; empty: none do.

    Of an exploded file, ``ITEM`` says which rows one object of the file stands for.
    """
    if undrawn(definition.split(split))[0] is None:
        return []
    source = definition.dataset
    named = [source.fold.group_column if source.fold else None, source.group_column, definition.options.get("group")]
    named.append("context" if source.format == "squad" else None)
    named.append(ITEM if source.explode else None)
    return list(dict.fromkeys(name for name in named if isinstance(name, str)))


def drawn_rows(rows: datasets.Dataset, definition: TaskDefinition, split: str, place: str) -> np.ndarray | None:
    """The places of the rows that ``holdout`` or ``fold`` leaves in our split ``split``, ascending; None: all.

    Args:
        rows: those that the split's slice takes, with the label columns and the grouping columns.
        definition: of the task.
        split: our name of the split.
        place: what errors call it.

    Raises:
        DataError: nothing is left.
    """
    source = definition.dataset
    word = undrawn(definition.split(split))[0]
    if word is None:
        return None
    labels = _labels(rows, definition.label_columns)
    names = grouping_columns(definition, split)
    groups = groups_of({name: rows[name][:] for name in names}) if names else None
    if source.fold is not None:
        held = _in_fold(source.fold, labels, groups, source.seed, {"file": place}, _shown(names))
    else:
        held = draw_holdout(source.held_out(len(rows)), labels, groups, source.seed)
    if not held.any() or held.all():
        raise _one_side(source, groups, bool(held.all()), {"file": place}, _shown(names), len(rows))
    return np.flatnonzero(held if word == "holdout" else ~held)


def _shown(names: Sequence[str]) -> str:
    """The grouping columns in messages."""
    return " and ".join("exploded rows" if name == ITEM else f"'{name}'" for name in names)


def _one_side(
    source: DatasetSource, groups: Sequence[Any] | None, all_held: bool, place: dict[str, Any], shown: str, rows: int
) -> DataError:
    """The error for rows that are all on one side."""
    message = f"of {counted(rows, 'row')} leaves the split '{'train' if all_held else 'validation'}' without rows"
    hint = None
    if groups is not None:
        sizes = [len(places) for places in _by_key(groups).values()]
        smallest = counted(min(sizes), "row")
        found = f"are {len(sizes):,}, and the smallest has" if len(sizes) > 1 else "is one, with"
        message += f", because rows with the same {shown} stay together: of such groups there {found} {smallest}"
        hint = "Give another share or number, or another 'group_column'"
    return DataError(message, key="dataset.holdout", value=source.holdout, hint=hint, **place)


def _in_fold(
    fold: FoldConfig, labels: Sequence[Any], groups: Sequence[Any] | None, seed: int, place: dict[str, Any], shown: str
) -> np.ndarray:
    """(N,) bool: the rows of a fold."""
    found = len(labels) if groups is None else len(_by_key(groups))
    if found < fold.of:
        things = "rows" if groups is None else f"values of {shown}"
        message = f"are more parts than the {found:,} {things}"
        raise DataError(message, key="dataset.fold.of", value=fold.of, **place)
    in_fold: np.ndarray = draw_folds(fold.of, labels, groups, seed) == fold.number - 1
    return in_fold


def groups_of(columns: Mapping[str, Sequence[Any]]) -> list[Any]:
    """What rows that stay together have in common; a row without a value stands for itself.

    Rows stay together if they have the same value in one of the columns, also by way of other rows.

    Args:
        columns: name -> the value of each row. The values of ``ITEM`` are numbers, which begin anew with each object.
    """
    keyed = [_objects(values) if name == ITEM else _alone(values) for name, values in columns.items()]
    if len(keyed) == 1:
        return keyed[0]
    leaders = list(range(len(keyed[0])))
    first: dict[tuple[int, str], int] = {}
    for column, values in enumerate(keyed):
        for row, key in enumerate(_keys(values)):
            before = _leader(leaders, first.setdefault((column, key), row))
            own = _leader(leaders, row)
            leaders[max(before, own)] = min(before, own)
    return [keyed[0][_leader(leaders, row)] for row in range(len(leaders))]


def _leader(leaders: list[int], row: int) -> int:
    """The first row of those that are known to stay with a row."""
    while leaders[row] != row:
        leaders[row] = leaders[leaders[row]]  # so that the way is shorter next time
        row = leaders[row]
    return row


def _objects(items: Sequence[int]) -> list[Any]:
    """The number of the object that each row comes from."""
    return list(np.cumsum(np.asarray(items) == 0).tolist())


def _alone(values: Sequence[Any]) -> list[Any]:
    """The values; a missing one is unlike any other."""
    return [("no value", row) if is_missing(value) or value == "" else value for row, value in enumerate(values)]


def draw_folds(count: int, labels: Sequence[Any], groups: Sequence[Any] | None, seed: int) -> np.ndarray:
    """(N,) int64: the fold of each row, from 0 to ``count - 1``; no fold is empty.

    Args:
        count: how many folds; no more than there are rows, and than there are groups.
        labels: of each row. If they are classes, each fold has its share of each; numbers are divided at their
            quantiles for this; other labels have no part in it.
        groups: what says which rows belong together, and so into one fold; None: each row stands for itself.
        seed: of the draw.
    """
    from sklearn import model_selection as sklearn  # It takes half a second, and few splits have folds.

    strata = _strata(labels, count)
    options: dict[str, Any] = {"n_splits": count, "shuffle": True, "random_state": seed}
    keys = None if groups is None else np.unique(_keys(groups), return_inverse=True)[1]
    plain = sklearn.KFold(**options) if groups is None else sklearn.GroupKFold(**options)
    balanced = sklearn.StratifiedKFold(**options) if groups is None else sklearn.StratifiedGroupKFold(**options)
    folds = _numbered(plain if strata is None else balanced, strata, keys, len(labels))
    if len(set(folds.tolist())) < count:  # Few groups of very different labels may leave a fold empty.
        folds = _numbered(plain, strata, keys, len(labels))
    return folds


def _numbered(splitter: Any, strata: np.ndarray | None, groups: np.ndarray | None, rows: int) -> np.ndarray:
    """(N,) int64: the number of the fold that a splitter of scikit-learn puts each row into."""
    folds = np.zeros(rows, dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # It warns of labels that are rarer than folds.
        for number, (_, places) in enumerate(splitter.split(np.zeros(rows), strata, groups)):
            folds[places] = number
    return folds


def _strata(labels: Sequence[Any], folds: int) -> np.ndarray | None:
    """(N,) int64: which rows are alike, so that each fold gets its share of them; None if the labels do not say it.

    What is rarer than the number of folds counts as one kind.
    """
    if _are_classes(labels):
        kinds = np.unique(_keys(labels), return_inverse=True)[1]
    else:
        numbers = _as_numbers(labels)
        bins = min(_BINS, len(labels) // folds)
        if numbers is None or bins < 2:
            return None
        kinds = np.searchsorted(np.quantile(numbers, np.arange(1, bins) / bins), numbers, side="right")
    sizes = np.bincount(kinds)
    return np.where(sizes[kinds] < folds, len(sizes), kinds)


def _as_numbers(labels: Sequence[Any]) -> np.ndarray | None:
    """(N,) float64: labels that are finite numbers, also as texts; None if one is none."""
    try:
        numbers = np.asarray([as_float(label) for label in labels], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if bool(np.isfinite(numbers).all()) else None


def draw_holdout(count: int, labels: Sequence[Any], groups: Sequence[Any] | None, seed: int) -> np.ndarray:
    """(N,) bool: the rows that are held out.

    Args:
        count: about how many; no more than all but one, and whole groups are held out together.
        labels: of each row. If they are classes, each is held out with its share.
        groups: what says which rows belong together; None: each row stands for itself.
        seed: of the draw.
    """
    chosen = np.zeros(len(labels), dtype=bool)
    if groups is not None:
        members = _by_key(groups)
        left = count
        for key in _shuffled(sorted(members), seed, "group"):
            if len(members[key]) <= left:
                chosen[members[key]] = True
                left -= len(members[key])
        return chosen
    classes = _classes(labels)
    exact = [len(numbers) * count / len(labels) for numbers in classes]
    for numbers, share in zip(classes, apportioned(exact, count), strict=True):
        chosen[_shuffled(numbers, seed, "holdout")[:share]] = True
    return chosen


def _labels(rows: datasets.Dataset, columns: Sequence[str]) -> list[Any]:
    """The label of each row; of several columns, the list of their values. None where the split has no labels."""
    if not set(columns) <= set(rows.column_names):
        return [None] * len(rows)
    if len(columns) == 1:
        return list(rows[columns[0]][:])
    return [list(values) for values in zip(*(rows[column][:] for column in columns), strict=True)]


def _classes(labels: Sequence[Any]) -> list[list[int]]:
    """The rows' numbers by label, or all together if the labels are no classes."""
    if not _are_classes(labels):
        return [list(range(len(labels)))]
    by_key = _by_key(labels)
    return [by_key[key] for key in sorted(by_key)]


def _by_key(values: Sequence[Any]) -> dict[str, list[int]]:
    """The places of each value."""
    places: dict[str, list[int]] = {}
    for place, key in enumerate(_keys(values)):
        places.setdefault(key, []).append(place)
    return places


def _are_classes(labels: Sequence[Any]) -> bool:
    """Whether labels are single values of which most occur more than once."""
    plain = all(value is None or isinstance(value, str | bool | int | float) for value in labels)
    return plain and len(set(_keys(labels))) <= min(_MAX_CLASSES, max(len(labels) // 2, 2))


def _keys(values: Sequence[Any]) -> list[str]:
    return [repr(value) for value in values]


def _shuffled(items: Sequence[Any], seed: int, purpose: str) -> list[Any]:
    """The items in an order that looks random; unlike that of a generator, it stays the same with other versions."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed} {purpose} {item}".encode()).digest())
