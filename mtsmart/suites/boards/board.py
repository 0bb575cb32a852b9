"""A leaderboard: its files, the task and the number of rows of each, and how ids and answers are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtsmart.errors import DataError
from mtsmart.suites.boards.answers import AnswerForm
from mtsmart.text.counts import counted

Layout = Callable[[Sequence[Any], Sequence[Any]], str]
"""(N ids, N answers) -> the text of a file."""
IDS = "idx"
"""The column of the ids in the data sets of GLUE and SuperGLUE."""


@dataclass(frozen=True)
class BoardFile:
    """One file of a submission.

    Attributes:
        name: of the file.
        task: the task whose test split it answers.
        rows: how many answers the board expects.
        form: how a prediction becomes an answer.
        layout: how ids and answers become the text of the file.
        id_parts: the parts of an id that is a mapping, in the order in which rows are sorted; empty for ids that are
            whole numbers, which count the rows from 0.
    """

    name: str
    task: str
    rows: int
    form: AnswerForm
    layout: Layout
    id_parts: tuple[str, ...] = ()

    def check_ids(self, ids: Sequence[Any]) -> None:
        """Refuse ids that are not the board's.

        Raises:
            DataError: there are more or fewer of them, or they come in another order. The message names the first row.
        """
        place = f"task {self.task}, split test"
        if len(ids) != self.rows:
            message = f"has {counted(len(ids), 'row')}, and the board expects {self.rows:,} in {self.name}"
            hint = "The board takes answers to all rows of its own test split, and no others"
            raise DataError(message, file=place, hint=hint)
        keys = [self._key(value, row) for row, value in enumerate(ids, 1)]
        for row, (before, key) in enumerate(zip([None, *keys], keys, strict=False), 1):
            if not self._is_next(key, before, row):
                message = f"row {row:,} has an id that the board does not have at this place"
                hint = "The rows must have the order of the board" if self.id_parts else f"The board has {row - 1}"
                raise DataError(message, file=place, key=IDS, value=ids[row - 1], hint=hint)

    def _is_next(self, key: tuple[int, ...], before: tuple[int, ...] | None, row: int) -> bool:
        """Whether an id may stand in a row, counted from 1, after the id of the row before it."""
        if not self.id_parts:
            return key == (row - 1,)
        return before is None or before < key

    def _key(self, value: Any, row: int) -> tuple[int, ...]:
        """An id as numbers that can be compared.

        Raises:
            DataError: it is not of the board's form.
        """
        parts = [value.get(part) for part in self.id_parts] if isinstance(value, Mapping) else [value]
        numbers = [part for part in parts if type(part) is int]
        if len(numbers) != max(len(self.id_parts), 1):
            wanted = f"a mapping with {', '.join(self.id_parts)}" if self.id_parts else "a whole number"
            message = f"row {row:,} has an id that is not {wanted}"
            raise DataError(message, file=f"task {self.task}, split test", key=IDS, value=value)
        return tuple(numbers)


@dataclass(frozen=True)
class Board:
    """A leaderboard.

    Attributes:
        title: as people know it.
        files: what a submission holds, in this order.
    """

    title: str
    files: tuple[BoardFile, ...]
