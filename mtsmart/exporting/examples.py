"""A row that a card shows: its columns, and how many values they hold."""

from __future__ import annotations

from typing import Any

from mtsmart.task_types import TaskType
from mtsmart.task_types.shared.candidates import CandidateTask

_TEXT = "..."


def candidate_columns(task: TaskType) -> list[str]:
    """The columns whose texts a task chooses from or ranks; empty if an input holds no candidates."""
    return task.candidate_columns if isinstance(task, CandidateTask) else []


def example_row(task: TaskType) -> dict[str, Any]:
    """A row with all columns that a task reads, which `predict` takes."""
    row: dict[str, Any] = dict.fromkeys(task.columns, _TEXT)
    columns = candidate_columns(task)
    if not columns:
        return row
    count = max(2, len(columns))
    if len(columns) == 1:
        row[columns[0]] = [_TEXT] * count
    texts = task.definition.text
    names = [column for column in task.columns if column not in (*texts, *columns)]
    row.update((column, [str(number) for number in range(1, count + 1)]) for column in names)
    mark = task.definition.options.get("placeholder")
    if mark:
        row[texts[1]] = f"{_TEXT} {mark}"
    return row
