"""Rows that are drawn from a split to be held out for validation: a share of them, or one of several parts.

What is drawn depends on the seed, the labels and the rows' numbers alone, so it is the same on every machine.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from typing import Any

import datasets
import numpy as np

from mtsmart.data.selection import undrawn
from mtsmart.errors import DataError
from mtsmart.tasks.dataset import FoldConfig
from mtsmart.tasks.definition import TaskDefinition

_MAX_CLASSES = 1_000
_BINS = 10  # of numbers that are no classes


def grouping_column(definition: TaskDefinition, split: str) -> str | None:
    """The column of the groups that stay together where rows of our split ``split`` are drawn; None: no such column."""
    fold = definition.dataset.fold
    group = (fold.group_column if fold else None) or definition.options.get("group")
    is_drawn = undrawn(definition.split(split))[0] is not None
    return group if is_drawn and isinstance(group, str) else None


def drawn_rows(rows: datasets.Dataset, definition: TaskDefinition, split: str, place: str) -> np.ndarray | None:
    """The places of the rows that ``holdout`` or ``fold`` leaves in our split ``split``, ascending; None: all.

    Args:
        rows: those that the split's slice takes, with the label columns and the grouping column.
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
    group = grouping_column(definition, split)
    groups = None if group is None else rows[group][:]
    if source.fold is not None:
        held = _in_fold(source.fold, labels, groups, source.seed, place)
    else:
        held = draw_holdout(source.held_out(len(rows)), labels, groups, source.seed)
    if not held.any() or held.all():
        message = f"of {len(rows):,} rows leaves the split '{'train' if held.all() else 'validation'}' without rows"
        raise DataError(message, file=place, key="dataset.holdout", value=source.holdout)
    return np.flatnonzero(held if word == "holdout" else ~held)


def _in_fold(
    fold: FoldConfig, labels: Sequence[Any], groups: Sequence[Any] | None, seed: int, place: str
) -> np.ndarray:
    """(N,) bool: the rows of a fold."""
    found = len(labels) if groups is None else len(_by_key(groups))
    if found < fold.of:
        things = "rows" if groups is None else f"values of '{fold.group_column or 'options.group'}'"
        message = f"are more parts than the {found:,} {things}"
        raise DataError(message, file=place, key="dataset.fold.of", value=fold.of)
    in_fold: np.ndarray = draw_folds(fold.of, labels, groups, seed) == fold.number - 1
    return in_fold


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
        numbers = np.asarray([float(label) for label in labels], dtype=np.float64)
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
    for numbers, share in zip(classes, _shares([len(numbers) for numbers in classes], count), strict=True):
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


def _shares(sizes: Sequence[int], count: int) -> list[int]:
    """``count`` divided in proportion to the sizes; what rounding leaves goes to the largest remainders."""
    total = sum(sizes)
    exact = [size * count / total for size in sizes]
    shares = [int(share) for share in exact]
    order = sorted(range(len(sizes)), key=lambda place: (shares[place] - exact[place], place))
    for place in order[: count - sum(shares)]:
        shares[place] += 1
    return shares


def _shuffled(items: Sequence[Any], seed: int, purpose: str) -> list[Any]:
    """The items in an order that looks random; unlike that of a generator, it stays the same with other versions."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed} {purpose} {item}".encode()).digest())
