"""Which tasks read the same texts, and where each of them finds its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtsmart.data.encoding import EncodedSplit

_NONE = -1  # in a table of places: the task has no label for the row
_SHARE = 0.5  # of the rows of the smaller task; fewer common rows do not make two tasks read the same texts
_READ = 10_000  # rows in memory together
_TOKENS = ("input_ids", "token_type_ids")


@dataclass(frozen=True)
class Joined:
    """Tasks that read the same texts.

    Attributes:
        tasks: their names.
        table: task -> (N,) int64, for each of the N different rows its number in the task's split, or -1.
        lengths: (N,) int32, tokens per row.
    """

    tasks: tuple[str, ...]
    table: Mapping[str, np.ndarray]
    lengths: np.ndarray

    @property
    def name(self) -> str:
        """What plans and messages call them."""
        return "+".join(self.tasks)


class JoinedSplit:
    """The rows of joined tasks, as a loader reads those of one task.

    Args:
        joined: which rows belong together.
        splits: task -> its encoded rows.
    """

    def __init__(self, joined: Joined, splits: Mapping[str, EncodedSplit]) -> None:
        self.rows = _JoinedRows(joined.table, {task: splits[task] for task in joined.tasks})


@dataclass(frozen=True)
class _JoinedRows:
    """Numbers of rows -> one column a task, None where it has no label."""

    table: Mapping[str, np.ndarray]
    splits: Mapping[str, EncodedSplit]

    def __getitem__(self, rows: list[int]) -> dict[str, list[dict[str, Any] | None]]:
        return {task: self._features(task, self.table[task][rows]) for task in self.splits}

    def _features(self, task: str, places: np.ndarray) -> list[dict[str, Any] | None]:
        columns = self.splits[task].rows[[int(place) for place in places if place != _NONE]]
        found = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
        return [None if place == _NONE else next(found) for place in places]


def join(splits: Mapping[str, EncodedSplit]) -> list[Joined]:
    """Find the tasks that read the same texts.

    Two tasks do if at least half of the smaller one's rows have the tokens of a row of the other. A text that a task
    has twice is joined with the first and the second one of another task.

    Args:
        splits: task -> its encoded rows, each one sequence of tokens.

    Returns:
        the groups of two or more tasks.
    """
    groups: list[dict[str, dict[tuple[bytes, int], int]]] = []
    for task, split in splits.items():
        keys = _keys(split)
        group = next((each for each in groups if _read_the_same(each, keys)), None)
        if group is None:
            groups.append({task: keys})
        else:
            group[task] = keys
    return [_joined(group, splits) for group in groups if len(group) > 1]


def _keys(split: EncodedSplit) -> dict[tuple[bytes, int], int]:
    """(the digest of a row's tokens, how often they stood before) -> the number of the row."""
    names = [name for name in _TOKENS if name in split.rows.column_names]
    seen: dict[bytes, int] = {}
    keys = {}
    for start in range(0, len(split), _READ):
        columns = split.rows.select_columns(names)[start : start + _READ]
        for offset, values in enumerate(zip(*columns.values(), strict=True)):
            digest = hashlib.blake2b(repr(values).encode(), digest_size=16).digest()
            keys[digest, seen.get(digest, 0)] = start + offset
            seen[digest] = seen.get(digest, 0) + 1
    return keys


def _read_the_same(group: Mapping[str, Mapping[tuple[bytes, int], int]], keys: Mapping[tuple[bytes, int], int]) -> bool:
    for other in group.values():
        common = len(other.keys() & keys.keys())
        if common >= _SHARE * min(len(other), len(keys)):
            return True
    return False


def _joined(group: Mapping[str, Mapping[tuple[bytes, int], int]], splits: Mapping[str, EncodedSplit]) -> Joined:
    # A mapping, because it keeps the order in which rows stand in the files.
    keys = list(dict.fromkeys(key for own in group.values() for key in own))
    table = {task: np.array([own.get(key, _NONE) for key in keys]) for task, own in group.items()}
    lengths = np.zeros(len(keys), dtype=np.int32)
    for task, places in table.items():
        has = places != _NONE
        lengths[has] = splits[task].lengths[places[has]]
    return Joined(tuple(group), table, lengths)
