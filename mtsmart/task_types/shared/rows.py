"""Source rows: their texts, and errors that name a row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from mtsmart.data.encoding import Rows
from mtsmart.data.readers.columns import mixed_hint
from mtsmart.data.readers.forms.hints import quotes_hint
from mtsmart.errors import DataError

_COLUMNS = (
    "If the file's one object holds the columns, write an object for each row; "
    "pandas does it with to_json(FILE, orient='records', lines=True)"
)


class ReadsLists(ABC):
    """Optional part: a task type whose inputs are lists, of which an item may be missing as a text may be."""

    @abstractmethod
    def lacks_item(self, column: str, value: Any) -> bool:
        """Whether a value of an input column is a list that lacks an item which the task needs."""


def row_error(message: str, row: int, column: str, value: Any, hint: str | None = None) -> DataError:
    """A DataError for one source row, counted from 0; the message counts from 1."""
    return DataError(message, file=f"row {row + 1}", key=column, value=value, hint=quotes_hint(value) or hint)


def texts_of(rows: Rows, column: str) -> list[str]:
    """A column that must hold text.

    Raises:
        DataError: a value is not a text; the message names the row.
    """
    for value, row in zip(rows[column], rows["row"], strict=True):
        if not isinstance(value, str):
            are_columns = isinstance(value, list | Mapping) and len(rows["row"]) == 1
            hint = _COLUMNS if are_columns else _hint_of_number(value, column)
            raise row_error("is not a text", row, column, _as_written(value), hint)
    return rows[column]


def _hint_of_number(value: Any, column: str) -> str | None:
    """How numbers and truth values become texts."""
    return mixed_hint(column, "Write texts") if isinstance(value, bool | int | float) else None


def _as_written(value: Any) -> Any:
    """A whole number without a point, which it may have only because other numbers of its column have one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
