"""Label columns judged as a whole: whether their numbers stand for places, and from where places are counted."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, Self

import datasets

from mtsmart.errors import DataError, did_you_mean
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.interface.base import LabelColumn, TaskType
from mtsmart.task_types.interface.reads_labels import ReadsLabels, Seen, Survey
from mtsmart.task_types.shared.labels import TRUTHS, Kind, LabelNames
from mtsmart.task_types.shared.rows import row_error
from mtsmart.tasks.definition import TaskDefinition

_BATCH = 10_000  # rows in memory together
_MANY = 10_000  # the largest number that may stand for a place where labels have no names
_SEPARATORS = (";", ",", "|", "/")
_SHOWN = 4  # places in a message


class NamedLabels(TaskType, ReadsLabels):
    """A task type whose gold values are labels, given by name or by number.

    Attributes:
        names: the labels.
    """

    names: LabelNames

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        super().__init__(name, definition, shared_head)
        self.names = LabelNames(self.labels, definition.labels_from or 0)

    def label_index(self, value: Any, row: int) -> int:
        """The index of a label given by name, or by number if no label's name is a number.

        Raises:
            DataError: it is no label; the message names the row.
        """
        index = self.names.find(value)
        if index is None:
            raise row_error("is not one of the task's labels", row, self.label, value, self.hint_for(value))
        return index

    def hint_for(self, value: Any) -> str:
        """What may be meant by an unknown label."""
        if str(value) in self.labels:
            return f"'{value}' and another label are the same number, so write the labels of the rows as texts"
        if not self.several_columns and (separator := self._separator_in(value)) is not None:
            return f"Rows with several labels are for task_type: multi_label, options: {{separator: '{separator}'}}"
        return did_you_mean(value, self.labels)

    def _separator_in(self, value: Any) -> str | None:
        """What stands between several labels in one text; None if it is no such text."""
        texts = {separator: str(value).split(separator) for separator in _SEPARATORS if separator in str(value)}
        known = (each for each, parts in texts.items() if all(self.names.find(part) is not None for part in parts))
        return next(known, None)

    def survey(self, rows: datasets.Dataset) -> Survey:
        return surveyed(self.names, self.label_items(rows))

    def label_items(self, rows: datasets.Dataset) -> Iterator[Seen]:
        """Each label of the column, and its row: the values themselves, unless a subclass says otherwise."""
        return self.label_cells(rows)

    def label_cells(self, rows: datasets.Dataset) -> Iterator[Seen]:
        """The values of the label column that are not missing, and their rows."""
        may_be_empty = self.label_column is LabelColumn.MAY_BE_EMPTY
        for batch in rows.select_columns([self.label, "row"]).iter(_BATCH):
            for value, row in zip(batch[self.label], batch["row"], strict=True):
                if value is not None and (may_be_empty or value != ""):
                    yield Seen(value, row)

    def judged(self, survey: Survey) -> tuple[Self, str | None]:
        first = self.first_place(survey)
        chosen = self if first == self.names.first else self.counting_from(first)
        is_said = self.definition.labels_from is not None
        return chosen, None if is_said else assumption(chosen.names, survey)

    def first_place(self, survey: Survey) -> int:
        """The number that stands for the first label."""
        return first_place(self.names, survey, self.label, self.definition.labels_from)

    def counting_from(self, first: int) -> Self:
        """A copy that counts labels from ``first``."""
        other = copy.copy(self)
        other.definition = self.definition.model_copy(update={"labels_from": first})
        other.names = LabelNames(self.names.names, first)
        return other


def surveyed(names: LabelNames, items: Iterable[Seen], survey: Survey | None = None) -> Survey:
    """What values are to a task, added to an earlier survey if there is one."""
    found = Survey() if survey is None else survey
    highest = len(names.names) or _MANY
    known: set[tuple[type, Any]] = set()
    for value, row, _ in items:
        key = (type(value), repr(value) if isinstance(value, list | dict) else value)
        if key in known:
            continue
        known.add(key)
        kind, place = names.meaning(value)
        if kind is Kind.UNKNOWN or place > highest:
            found.unknown = True
            return found
        if kind is Kind.NAME:
            found.name = found.name or Seen(value, row)
        elif kind is Kind.TRUTH:
            found.truth = found.truth or Seen(value, row)
        else:
            found.numbers.setdefault(place, Seen(value, row))
    return found


def first_place(names: LabelNames, survey: Survey, column: str, said: int | None) -> int:
    """The number that stands for the first label.

    Args:
        names: the labels.
        survey: of the whole column, and of the training split.
        column: the label column, for errors.
        said: what the user said.

    Raises:
        DataError: the column does not tell, or it holds names too.
    """
    places = survey.numbers or ({-1: survey.truth} if survey.truth else {})
    if said is not None or not places:
        return said or 0
    example = min((seen for _, seen in sorted(places.items()) if seen), key=lambda seen: seen.in_training)
    if survey.name is not None:
        kind = "a number" if survey.numbers else "true or false"
        hint = _ways(names) if survey.numbers else _ways_of_truth(names)
        raise _mixed(example, kind, survey.name, column, hint)
    if survey.numbers and 0 not in survey.numbers:
        message = "may be counted from 0 or from 1, because 0 does not occur"
        raise row_error(message, example.row, column, example.value, _ways(names))
    if survey.numbers and (names.truths.get(False), names.truths.get(True)) == (1, 0) and len(names.names) == 2:
        yes = names.names[0]
        message = f"may be a truth value, 1 for '{yes}', or a place in 'labels', 0 for '{yes}'"
        hint = "Say labels_from: 0 if it is a place, or write the labels in the other order"
        raise row_error(message, example.row, column, example.value, hint)
    return 0


def _mixed(example: Seen, kind: str, name: Seen, column: str, hint: str) -> DataError:
    """The error for a column that holds names and something else; it is about a row of the column that is read."""
    if example.in_training:
        message = f"is a name, and the training rows hold {kind}, such as {example.value}"
        return row_error(message, name.row, column, name.value, hint)
    where = ", and the training rows hold names" if name.in_training else " in a column that holds names too"
    return row_error(f"is {kind}{where}, such as '{name.value}'", example.row, column, example.value, hint)


def _ways(names: LabelNames) -> str:
    """How to say from where labels are counted."""
    if len(names.names) < 2:
        return "Say labels_from: 1 if 1 stands for the first, or labels_from: 0 if 0 does"
    first, second = names.names[:2]
    return f"Say labels_from: 1 if 1 stands for '{first}', or labels_from: 0 if it stands for '{second}'"


def _ways_of_truth(names: LabelNames) -> str:
    """How to say which labels true and false stand for, where no label is called so."""
    if len(names.names) != len(TRUTHS):
        return "Write names only"
    no, yes = names.names
    return f"Say labels_from: 0 if false stands for '{no}' and true for '{yes}', or write names only"


def assumption(names: LabelNames, survey: Survey) -> str | None:
    """What was assumed about a column, in one sentence; None if it is obvious."""
    if survey.unknown or not names.names:
        return None
    if survey.truth is not None and len(names.names) == 2:
        return f"false is read as '{names.names[0]}' and true as '{names.names[1]}', in the order of 'labels'"
    expected = set(range(names.first, names.first + len(names.names)))
    if not survey.numbers or (survey.name is None and set(survey.numbers) == expected):
        return None
    shown = [f"{number} is '{name}'" for number, name in enumerate(names.names[:_SHOWN], names.first)]
    more = " ..." if len(names.names) > _SHOWN else ""
    return f"numbers are read as places in 'labels': {', '.join(shown)}{more}"
