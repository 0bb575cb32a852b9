"""Predictions for rows that come in parts, by one or several tasks of a loaded model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from mtsmart.data.encoding import EncodedSplit, noting_cuts
from mtsmart.errors import DataError, warn
from mtsmart.evaluation.details.calibrating import described
from mtsmart.evaluation.evaluator import run_model
from mtsmart.evaluation.given_rows import predictable, table_of, with_nothing
from mtsmart.evaluation.passes import passes
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.preparer import Preparer, tokenizing
from mtsmart.preparation.split_checks import cut_rows_text
from mtsmart.registry import form_of, wrong_result
from mtsmart.task_types import Outputs, TaskType
from mtsmart.task_types.interface.arranges_rows import needs_all_rows
from mtsmart.text.counts import counted, first_of, part_of

_TOGETHER = 10_000  # rows whose tokens and outputs are in memory together; they are sorted by length
_ANY = '["a", "b"]'
"""A value that most task types read: a text, and a list of words, of candidates or of their names."""


@dataclass(frozen=True)
class Engine:
    """A model with all that it needs to run on rows.

    Attributes:
        model: the model, on its device.
        tokenizer: the encoder's tokenizer.
        preparer: encodes rows with it.
        batch_size: the number of encoded rows in a batch.
        precision: ``float32``, or ``bfloat16`` for autocast.
    """

    model: MultiTaskModel
    tokenizer: PreTrainedTokenizerBase
    preparer: Preparer
    batch_size: int
    precision: str

    def outputs(self, tasks: Sequence[TaskType], split: EncodedSplit) -> list[Outputs]:
        """The outputs of tasks that share an encoded split, one for each task."""
        collate = self.preparer.collate(tasks[0])
        return run_model(self.model, tasks, split, collate, self.batch_size, precision=self.precision)

    def described(
        self, tasks: Sequence[TaskType], rows: Dataset, temperatures: Mapping[str, float]
    ) -> list[list[dict[str, Any]]]:
        """One mapping per complete row for each task. All these tasks read the same input."""
        size = len(rows) if any(map(needs_all_rows, tasks)) else _TOGETHER
        starts = range(0, len(rows), max(size, 1))
        pieces = (rows.select(range(start, min(start + size, len(rows)))) for start in starts)
        found = [self._described(tasks, piece, temperatures) for piece in pieces]
        return [list(chain.from_iterable(of_task)) for of_task in zip(*found, strict=True)]

    def _described(
        self, tasks: Sequence[TaskType], rows: Dataset, temperatures: Mapping[str, float]
    ) -> list[list[dict[str, Any]]]:
        outputs = self.outputs(tasks, self.preparer.rows_once(tasks[0], rows))
        with tokenizing(tasks[0]):
            return [
                _checked(task, described(task, of_task, self.tokenizer, temperatures.get(task.name)), len(rows))
                for task, of_task in zip(tasks, outputs, strict=True)
            ]


def _checked(task: TaskType, found: Any, count: int) -> list[dict[str, Any]]:
    """What a task type's ``describe`` gives, if that is a prediction for each of so many rows.

    Raises:
        TrainingError: names the task type and its package.
    """
    hint = "It must give a list with one dict a source row, whose first key is 'prediction'"
    what = None
    if not isinstance(found, list):
        what = f"gives what is {form_of(found)}"
    elif len(found) != count:
        what = f"gives {counted(len(found), 'prediction')} for {counted(count, 'row')}"
    elif not all(isinstance(row, Mapping) and "prediction" in row for row in found):
        what = "gives a row without the key 'prediction'"
    if what is not None:
        raise wrong_result(type(task), what, hint, hook="describe", task=task.name)
    return cast(list[dict[str, Any]], found)


@dataclass
class _Group:
    """Tasks that share a pass through the encoder, and which of the rows so far lack a text.

    Attributes:
        tasks: the tasks.
        keys: task -> the keys of its predictions, as soon as they are known.
        lacking: how many rows lack a text.
        first: the first of them, counted from 0.
        cut: how many rows lost tokens, because they were too long.
        is_cut: which of the last rows did, (N,) bool.
    """

    tasks: list[TaskType]
    keys: dict[str, list[str]] = field(default_factory=dict)
    lacking: int = 0
    first: int = 0
    cut: int = 0
    is_cut: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))

    @property
    def title(self) -> str:
        """The tasks by name, for a message."""
        names = ", ".join(task.name for task in self.tasks)
        return f"task {names}" if len(self.tasks) == 1 else f"tasks {names}"


class Predictor:
    """Predicts rows that come in parts. A prediction does not depend on the part that its row is in.

    Args:
        engine: the model.
        tasks: the tasks, which need not read the same input.
        temperatures: of tasks whose probabilities are calibrated.
        is_one: whether one task was asked for by its name alone, so that its name is not in front of the keys.
        by_place: whether tasks share a pass also where their columns of texts have other names; for :meth:`by_task`.

    Attributes:
        tasks: the tasks.
    """

    def __init__(
        self,
        engine: Engine,
        tasks: Iterable[TaskType],
        temperatures: Mapping[str, float],
        is_one: bool,
        by_place: bool = False,
    ) -> None:
        self._engine = engine
        self.tasks = list(tasks)
        self._temperatures = temperatures
        self._is_one = is_one
        self._groups = [_Group(group) for group in passes(self.tasks, engine.preparer, by_place)]
        self._done = 0

    def restart(self) -> None:
        """Count the rows from 1 again: the next ones are others, not the next part of those before."""
        self._done = 0

    @property
    def needs_all_rows(self) -> bool:
        """Whether a task has to see all rows at once."""
        return any(map(needs_all_rows, self.tasks))

    @property
    def passes(self) -> list[list[str]]:
        """The names of the tasks that share each pass through the encoder."""
        return [[task.name for task in group.tasks] for group in self._groups]

    @property
    def cut_rows(self) -> dict[str, np.ndarray]:
        """Task -> (N,) bool: which rows of the last call lost tokens, because they were too long.

        Of a task that makes lists of rows, all rows count if one list lost tokens.
        """
        return {task.name: group.is_cut for group in self._groups for task in group.tasks}

    @property
    def knows_keys(self) -> bool:
        """Whether the keys of all predictions are known, because every task has predicted a row."""
        return all(group.keys for group in self._groups)

    def learn_keys(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Find the keys of predictions by predicting one of ``rows`` that is complete, if there is one.

        Rows without a text get the same keys as all others. Those of a whole part may lack one.

        Args:
            rows: at least one.

        Raises:
            DataError: as for a call.
        """
        for group in (group for group in self._groups if not group.keys):
            complete = _complete(group.tasks[0], rows, 0)[0]
            if len(complete):
                first = complete if self.needs_all_rows else complete.select([0])
                _note_keys(group, self._engine.described(group.tasks, first, self._temperatures))

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Predictions for the next rows, one mapping for each row.

        Raises:
            DataError: a row has no such column, or its value does not fit. The message names the row.
        """
        if not rows:
            return []
        found = self.by_task(lambda task: rows)
        if self._is_one:
            return found[self.tasks[0].name]
        return [dict(self._prefixed(of_row)) for of_row in zip(*(found[t.name] for t in self.tasks), strict=True)]

    def by_task(self, rows_of: Callable[[TaskType], Sequence[Mapping[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        """Predictions for the next rows: task -> one mapping for each row.

        Args:
            rows_of: task -> the rows, at least one, as this task names their columns. It is asked once for all tasks
                that share a pass.

        Raises:
            DataError: as for a call.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        count = 0
        for group in self._groups:
            rows = rows_of(group.tasks[0])
            count = len(rows)
            found.update(zip((task.name for task in group.tasks), self._of_group(group, rows), strict=True))
        self._done += count
        return found

    def _prefixed(self, of_row: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
        for task, prediction in zip(self.tasks, of_row, strict=True):
            yield from ((f"{task.name}.{key}", value) for key, value in prediction.items())

    def _of_group(self, group: _Group, rows: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
        complete, is_complete = _complete(group.tasks[0], rows, self._done)
        described: list[list[dict[str, Any]]] = [[] for _ in group.tasks]
        group.is_cut = np.zeros(len(rows), dtype=bool)
        if len(complete):
            with noting_cuts() as noted:
                described = self._engine.described(group.tasks, complete, self._temperatures)
            is_cut = np.concatenate([np.empty(0, dtype=bool), *noted])
            group.cut += int(is_cut.sum())
            group.is_cut[is_complete] = is_cut if len(is_cut) == len(complete) else is_cut.any()
            _note_keys(group, described)
            described = _with_something(described, is_complete)
        lacking = len(rows) - int(is_complete.sum())
        if lacking and not group.lacking:
            group.first = self._done + int(is_complete.argmin())
        group.lacking += lacking
        if not lacking:
            return described
        keys = group.keys or self._likely_keys(group.tasks)
        return [
            with_nothing(of_task, is_complete, keys[task.name])
            for task, of_task in zip(group.tasks, described, strict=True)
        ]

    def _likely_keys(self, tasks: Sequence[TaskType]) -> dict[str, list[str]]:
        """The keys of predictions for a row that stands for any other."""
        columns = tasks[0].columns
        try:
            found = self._engine.described(tasks, table_of([dict.fromkeys(columns, _ANY)], columns), {})
        except DataError:  # Not all columns are texts or lists of texts.
            return {task.name: ["prediction"] for task in tasks}
        return {task.name: list(of_task[0]) for task, of_task in zip(tasks, found, strict=True)}

    def tell(self) -> None:
        """Warn of the rows so far that lack a text, or that lost tokens."""
        self._tell_incomplete()
        self.tell_cut()

    def _tell_incomplete(self) -> None:
        for group in self._groups:
            if count := group.lacking:
                does = "lacks a text and gets" if count == 1 else "lack a text and get"
                rows = f"{part_of(count, self._done, 'row')} {does} no prediction (null)"
                warn(f"{group.title}: {rows}; {first_of(count, group.first + 1)}")

    def tell_cut(self) -> None:
        """Warn of the rows so far that lost tokens, because they were too long."""
        for group in self._groups:
            task = group.tasks[0]
            text = cut_rows_text(task, group.cut, self._done, self._engine.preparer.max_length(task))
            if text is not None:
                warn(f"{group.title}: {text}")


def _complete(task: TaskType, rows: Sequence[Mapping[str, Any]], done: int) -> tuple[Dataset, Any]:
    missing = task.definition.missing
    return predictable(table_of(rows, task.columns, missing, done), task, missing)


def _with_something(described: list[list[dict[str, Any]]], is_complete: np.ndarray) -> list[list[dict[str, Any]]]:
    """The predictions of the rows in which a task found something to predict.

    A text may hold nothing that the tokenizer knows. Such a row counts as one without a text.

    Args:
        described: for each task a mapping for each complete row.
        is_complete: (N,) bool; here the others of these rows become incomplete.
    """
    is_read = [row["prediction"] is not None for row in described[0]]
    if all(is_read):
        return described
    is_complete[is_complete] = is_read
    return [[row for row, kept in zip(of_task, is_read, strict=True) if kept] for of_task in described]


def _note_keys(group: _Group, described: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    for task, of_task in zip(group.tasks, described, strict=True):
        group.keys[task.name] = list(of_task[0])
