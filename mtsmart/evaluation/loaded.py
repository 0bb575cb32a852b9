"""A finished run that evaluates and predicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from mtsmart.arguments import checked, items_of
from mtsmart.data.encoding import select_complete
from mtsmart.data.sources import has_split
from mtsmart.errors import CheckpointError, ConfigError, did_you_mean
from mtsmart.evaluation.evaluator import Evaluation, evaluate_task, run_model
from mtsmart.evaluation.given_rows import table_of
from mtsmart.evaluation.stored_run import check_head_of, read_run
from mtsmart.hardware import usable_device
from mtsmart.preparation.preparer import Preparer, tokenizing
from mtsmart.quiet import without_bars
from mtsmart.runs.folder import RunFolder
from mtsmart.task_types import TaskType, build_task
from mtsmart.task_types.interface.own_signature import input_signature_of
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.library import TaskLibrary


class LoadedRun:
    """The best model of a run.

    Args:
        folder: the run's folder.
        task_files: YAML files with more tasks. Their ``share_head`` names heads of the run.
        device: the torch device, such as ``cpu`` or ``cuda:0``; None: a GPU if there is one.

    Raises:
        ConfigError: torch cannot compute on the device.
        CheckpointError: the folder holds no run or no model.
    """

    @checked
    @without_bars()
    def __init__(
        self, folder: str | Path, task_files: Iterable[str | Path] = (), device: str | torch.device | None = None
    ) -> None:
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        target = usable_device(device)
        more_files = items_of("task_files", task_files)
        self.folder = RunFolder(Path(folder))
        stored = read_run(self.folder)
        self.config = stored.config
        self.definitions = stored.definitions
        self.model = stored.model
        self.tokenizer = stored.tokenizer
        self._decoding = stored.decoding
        self.model.eval().to(target)
        self._task_files = more_files
        self._preparer = Preparer(self.tokenizer, self.config.data, self.model.encoder.max_positions)

    @checked
    def task(self, name: str) -> TaskType:
        """A task of the run, or a task of the library that shares a head of the run.

        Raises:
            ConfigError: there is no such task, or the run has no head for it.
        """
        definition = self._definition(name)
        head = definition.share_head or name
        if head not in self.model.specs:
            heads = ", ".join(self.model.specs)
            raise ConfigError(f"the run has no head for this task (it has: {heads})", file=self.folder.path, value=name)
        owner = self._owner(head, name)
        task = owner if definition.share_head is None else build_task(name, definition, owner)
        task.decoding = dict(self._decoding.get(name) or self._decoding.get(head, {}))
        return task

    def _definition(self, name: str) -> TaskDefinition:
        if name in self.definitions:
            return self.definitions[name]
        if name not in self._library:
            hint = did_you_mean(name, {*self.definitions, *self._library})
            raise ConfigError("there is no task of this name", argument="task", value=name, hint=hint)
        return self._library[name]

    def _owner(self, head: str, user: str) -> TaskType:
        """The task that owns a head of the run."""
        definition = self._definition(head)
        if definition.share_head is not None:
            raise ConfigError("names no task with a head of its own", key=f"{user}.share_head", value=head)
        owner = build_task(head, definition)
        check_head_of(owner, self.model.specs, self.folder)
        return owner

    @checked
    @without_bars()
    def evaluate(self, tasks: str | Iterable[str] | None = None, split: str = "validation") -> Evaluation:
        """Score tasks on a labelled split.

        Args:
            tasks: the name of a task, or several names; None: all tasks of the run that have the split.
            split: the split's name.

        Raises:
            DataError: a named task has no such split, or its labels are hidden.
        """
        results = {}
        for name in self._names(tasks, split):
            task = self.task(name)
            data = self._preparer.split(task, split)
            batch_size = self.config.training.eval_batch_size
            results[name] = evaluate_task(self.model, task, data, self._preparer.collate(task), batch_size)
        return Evaluation(results)

    @checked
    @without_bars()
    def predict(self, task: str | Iterable[str], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Predictions for rows, in the order of the rows.

        Args:
            task: the name of a task, or several names. Tasks that read the same input share one pass through the
                encoder.
            rows: mappings of column to value. They contain the input columns.

        Returns:
            one mapping for each row: ``prediction`` (label name or number) and, for labels, ``p(<label>)``. For several
            tasks the keys are ``<task>.prediction`` and so on.

        Raises:
            DataError: a row lacks a text, or its value is of another type than in the rows before it. The message
                names the row.
        """
        listed = list(rows)
        if isinstance(task, str):
            return self._predict([self.task(task)], listed)[0]
        chosen = {name: self.task(name) for name in task}
        described: dict[str, list[dict[str, Any]]] = {}
        for group in self._passes(chosen.values()):
            described.update(zip((one.name for one in group), self._predict(group, listed), strict=True))
        return [
            {f"{name}.{key}": value for name in chosen for key, value in described[name][index].items()}
            for index in range(len(listed))
        ]

    @checked
    def max_length(self, task: str) -> int:
        """The largest number of tokens in a task's inputs. Longer inputs are cut."""
        return self._preparer.max_length(self.task(task))

    def _passes(self, tasks: Iterable[TaskType]) -> list[list[TaskType]]:
        """The tasks in groups. The tasks of a group read the same batches."""
        groups: dict[str, list[TaskType]] = {}
        for task in tasks:
            key = json.dumps([input_signature_of(task), self._preparer.max_length(task)], sort_keys=True)
            groups.setdefault(key, []).append(task)
        return list(groups.values())

    def _predict(self, tasks: list[TaskType], rows: list[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
        """One mapping per row for each task. All these tasks read the same input."""
        first = tasks[0]
        if not rows:
            return [[] for _ in tasks]
        table = table_of(rows, first.columns)
        complete, _ = select_complete(table, f"task {first.name}", first.columns, None, "refuse", hint="Correct them")
        data = self._preparer.rows_once(first, complete)
        batch_size = self.config.training.eval_batch_size
        outputs = run_model(self.model, tasks, data, self._preparer.collate(first), batch_size)
        with tokenizing(first):
            return [task.describe(of_task, self.tokenizer) for task, of_task in zip(tasks, outputs, strict=True)]

    @cached_property
    def _library(self) -> TaskLibrary:
        return TaskLibrary(self._task_files)

    def _names(self, tasks: str | Iterable[str] | None, split: str) -> list[str]:
        if tasks is None:
            return self._tasks_with(split)
        return [tasks] if isinstance(tasks, str) else list(tasks)

    def _tasks_with(self, split: str) -> list[str]:
        names = [name for name, task in self.definitions.items() if has_split(task, split, self.config.data)]
        if not names:
            raise CheckpointError(f"no task of the run has a split '{split}'", file=self.folder.path)
        return names
