"""A finished run that evaluates and predicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtsmart.arguments import checked, items_of
from mtsmart.config.stored import naming_packages
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.sources import has_split, known_splits
from mtsmart.errors import CheckpointError, ConfigError, did_you_mean, shorten, warn
from mtsmart.evaluation.borrowed_heads import with_head
from mtsmart.evaluation.changed_tasks import changed_tasks
from mtsmart.evaluation.details.explaining import explain, lengths_of
from mtsmart.evaluation.details.label_probabilities import label_probabilities
from mtsmart.evaluation.details.parts import SplitLengths, TaskDetails
from mtsmart.evaluation.details.temperatures import temperatures_of
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.evaluation.given_rows import Rows, rows_of
from mtsmart.evaluation.new_files import AS_TRAINED, GivenForm, as_split, form_of, of_new_file, source_of, tasks_for
from mtsmart.evaluation.predicting import Engine, Predictor
from mtsmart.evaluation.slices import slices_of
from mtsmart.evaluation.stored_run import check_head_of, read_run
from mtsmart.hardware import usable_device, usable_precision
from mtsmart.models.files import fits
from mtsmart.preparation.preparer import LabelsMissing, Preparer
from mtsmart.preparation.split_checks import cut_rows_text
from mtsmart.quiet import without_bars
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import run_path
from mtsmart.task_types import Outputs, TaskType, build_task
from mtsmart.task_types.interface.scores_labels import scores_of
from mtsmart.tasks.dataset import DatasetSource
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.library import TaskLibrary
from mtsmart.text.html import html_table
from mtsmart.torch_state import own_torch_state


class LoadedRun:
    """The best model of a run.

    Attributes:
        config: the run's configuration.
        definitions: task -> its definition.
        model: the encoder and the heads.
        tokenizer: the encoder's tokenizer.

    Args:
        folder: the run's folder, or ``hub:owner/name[@revision]`` for one on the Hub.
        task_files: YAML files with more tasks. Their ``share_head`` names heads of the run.
        device: the torch device, such as ``cpu`` or ``cuda:0``; None: a GPU if there is one.
        precision: ``float32``, or ``bfloat16``, in which layers of the encoder take their products (autocast).

    Raises:
        ConfigError: torch cannot compute on the device, or not in the precision.
        CheckpointError: the folder holds no run or no model.
    """

    @checked
    @without_bars()
    @own_torch_state()
    def __init__(
        self,
        folder: str | Path,
        task_files: Iterable[str | Path] = (),
        device: str | torch.device | None = None,
        precision: str = "float32",
    ) -> None:
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        target = usable_device(device)
        usable_precision(precision, target)
        more_files = items_of("task_files", task_files)
        self.run_folder = RunFolder(run_path(folder))
        stored = read_run(self.run_folder)
        self.config = stored.config
        self.definitions = stored.definitions
        self.model = stored.model
        self.tokenizer = stored.tokenizer
        self._decoding = stored.decoding
        self.model.eval().to(target)
        self._task_files = list(map(Path, more_files))
        self._untrained = stored.untrained
        self._preparer = Preparer(self.tokenizer, self.config.data, self.model.encoder.max_positions)
        batch_size = self.config.training.eval_batch_size
        self._engine = Engine(self.model, self.tokenizer, self._preparer, batch_size, precision)

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.run_folder.path

    def __repr__(self) -> str:
        return f"LoadedRun({str(self.path)!r}, tasks={list(self.definitions)}, device='{self.model.device}')"

    def _repr_html_(self) -> str:
        """The tasks of the run, for notebooks."""
        rows = [
            [name, definition.task_type, ", ".join(definition.text), ", ".join(definition.labels or [])]
            for name, definition in self.definitions.items()
        ]
        title = f"Run {self.path} on {self.model.device}"
        return html_table(title, ["task", "type", "text", "labels"], rows)

    @checked
    def task(self, name: str) -> TaskType:
        """A task of the run, or a task of the library that shares a head of the run.

        Raises:
            ConfigError: there is no such task, or the run has no head for it.
        """
        return self._built(name, self._definition(name))

    @checked
    def has_head_for(self, task: str) -> bool:
        """Whether the run has the head that a task of the run, or of the library, uses.

        Raises:
            ConfigError: there is no such task.
        """
        return (self._definition(task).share_head or task) in self.model.specs

    def _built(self, name: str, definition: TaskDefinition) -> TaskType:
        """The task with a definition that may name other data than the run's.

        Raises:
            ConfigError: the run has no head for it.
        """
        head = definition.share_head or name
        if head not in self.model.specs:
            heads = ", ".join(self.model.specs)
            raise ConfigError(f"the run has no head for this task (it has: {heads})", file=self.path, value=name)
        with naming_packages(self.run_folder.extensions):
            if definition.share_head is None:
                task = self._owner(name, name, definition)
            else:
                task = build_task(name, definition, self._owner(head, name, self._definition(head)))
        task.decoding = dict(self._decoding.get(name) or self._decoding.get(head, {}))
        return task

    def _definition(self, name: str) -> TaskDefinition:
        if name in self._changed:
            return self._changed[name]
        if name in self.definitions:
            return self.definitions[name]
        if name not in self._library:
            hint = did_you_mean(name, self.definitions, self._library)
            raise ConfigError("there is no task of this name", argument="task", value=name, hint=hint)
        return self._library[name]

    def _owner(self, head: str, user: str, definition: TaskDefinition) -> TaskType:
        """The task that owns a head of the run."""
        if definition.share_head is not None:
            raise ConfigError("names no task with a head of its own", key=f"{user}.share_head", value=head)
        owner = build_task(head, definition)
        if head in self._changed and not fits(self.model.specs[head], owner.head_spec):
            message = "the task file gives the trained head other labels or another form"
            stored = self.model.specs[head].labels
            raise ConfigError(message, key=head, value=definition.labels, hint=f"The run has {shorten(stored)}")
        check_head_of(owner, self.model.specs, self.run_folder)
        return owner

    @checked
    @without_bars()
    def evaluate(
        self,
        tasks: str | Iterable[str] | None = None,
        split: str | None = None,
        *,
        file: str | Path | None = None,
        file_format: str | None = None,
        columns: Iterable[str] | None = None,
        details: bool = False,
        head: str | None = None,
        by: Iterable[str] = (),
    ) -> Evaluation:
        """Score tasks on a labelled split, or on a new labelled file.

        A task without labels there is left out, and a warning tells of it.

        Args:
            tasks: the name of a task, or several names; None: all tasks of the run that have the split.
            split: the split's name; None: ``validation``, or the new file.
            file: a data file, read as the task's training files are, in place of a split.
            file_format: what ``file`` is, if neither its ending nor the training files say it.
            columns: the names of its columns, if it has no header and the training files do not say them.
            details: whether results also have ``details``: labels, confusions, calibration, the worst rows, lengths.
            head: a task of the run whose head scores ``tasks``, in place of their own heads.
            by: columns of the data; each result also has ``slices``, the scores for each combination of their values.

        Raises:
            ConfigError: there is a file or a head, and which of several tasks it is for is not said; or two arguments
                do not go together.
            DataError: a named task has no such split, or no task has labels there.
        """
        given = form_of(file, file_format, columns, split=split, head=head)
        columns_by = items_of("by", by)
        split = split or "validation"
        if file is None:
            names = self._names(tasks, split) if head is None else tasks_for(tasks, "head", self.definitions)
            return self._evaluated([self._task_with(name, head) for name in names], split, details, columns_by)
        with of_new_file():
            chosen = [self._task_on(name, file, given, split) for name in tasks_for(tasks, "file", self.definitions)]
            return self._evaluated(chosen, split, details, columns_by)

    def _task_with(self, name: str, head: str | None) -> TaskType:
        """A task, which another head may score."""
        return self.task(name) if head is None else self._built(name, with_head(self._definition(name), head))

    def _evaluated(self, tasks: list[TaskType], split: str, details: bool, by: list[str]) -> Evaluation:
        """The scores of tasks on a split; those without labels there are left out."""
        results = {}
        unlabelled: dict[str, LabelsMissing] = {}
        for task in tasks:
            try:
                data = self._preparer.split(task, split)
            except LabelsMissing as error:
                unlabelled[task.name] = error
                continue
            self._tell_cut(task, split, data)
            results[task.name] = self._scored(task, split, data, details, by)
        if unlabelled and not results:
            raise next(iter(unlabelled.values()))
        if unlabelled:
            text = f"not scored, because the split '{split}' has no labels: {', '.join(unlabelled)}"
            warn(text)
        self.tell_untrained(list(results))
        return Evaluation(results)

    def _tell_cut(self, task: TaskType, split: str, data: EncodedSplit) -> None:
        limit = self._preparer.max_length(task)
        text = cut_rows_text(task, data.cut or 0, len(data), limit, f" of the split '{split}'")
        if text is not None:
            warn(f"task {task.name}: {text}")

    def _scored(self, task: TaskType, split: str, data: EncodedSplit, details: bool, by: list[str]) -> TaskResult:
        """The scores of a task, in detail and in slices if that was asked for."""
        (outputs,) = self._engine.outputs([task], data)
        explained = self._explained(task, split, data, outputs) if details else None
        slices = slices_of(task, split, outputs, by, self.config.data) if by else {}
        references = task.references(data.rows)
        return TaskResult(scores_of(task, outputs, references), {}, len(references), explained, slices)

    def _explained(self, task: TaskType, split: str, data: EncodedSplit, outputs: Outputs) -> TaskDetails:
        details = explain(task, split, data, outputs, self.config.data)
        lengths = lengths_of(data, self._preparer.max_length(task))
        return details if lengths is None else replace(details, lengths={split: lengths})

    @checked
    @without_bars()
    def lengths(self, task: str, split: str) -> SplitLengths | None:
        """Lengths of the rows of a split; None if it has no rows. The rows are encoded if the cache lacks them.

        Raises:
            DataError: there is no such split, or its data cannot be read.
        """
        one = self.task(task)
        rows = self._preparer.split(one, split, one.definition.has_labels)
        return lengths_of(rows, self._preparer.max_length(one))

    @checked
    def tell_untrained(self, names: Iterable[str]) -> None:
        """Warn of each of some tasks whose head the run has not trained."""
        found = [name for name in names if self.is_untrained(name)]
        if found:
            text = f"{self.path}: the run has not trained the head of: {', '.join(found)}"
            warn(text)

    @checked
    def is_untrained(self, task: str) -> bool:
        """Whether the run was too short to train the head of a task."""
        return bool({task, self._definition(task).share_head} & self._untrained)

    @checked
    def source_of(self, task: str, file: str | Path, given: GivenForm = AS_TRAINED) -> DatasetSource:
        """How a new file is read for a task: as its training files, unless the file or the user says otherwise.

        Raises:
            MtsmartError: there is no such task, or the file cannot be read.
        """
        return source_of(file, self._definition(task), self.task(task).columns, given)

    def _task_on(self, name: str, file: str | Path, given: GivenForm, split: str) -> TaskType:
        """A task whose split is a new file."""
        source = self.source_of(name, file, given)
        self._preparer.judge_like(self.task(name))
        return self._built(name, as_split(file, self._definition(name), source, split))

    @checked
    @without_bars()
    def predict(self, task: str | Iterable[str], rows: Rows, *, calibrated: bool = False) -> list[dict[str, Any]]:
        """Predictions for rows, in the order of the rows.

        Args:
            task: the name of a task, or several names. Tasks that read the same input share one pass through the
                encoder.
            rows: a list of mappings of column to value, which contain the input columns; a DataFrame of pandas or
                polars; a ``datasets.Dataset``; or one mapping. For tasks that read one column: also a list of texts, or
                one text.
            calibrated: whether probabilities are those of the temperature that the run's report has fitted. The
                predictions are the same. Tasks without probabilities stay as they are.

        Returns:
            a list with one mapping for each row, also for a single row: ``prediction`` (label name or number) and, for
            labels, ``p(<label>)``. For several tasks the keys are ``<task>.prediction`` and so on. All values are None
            for a row whose text is None, NaN or empty, unless the task has ``missing: empty``, and for a row with a
            missing word or candidate; a warning says how many there are.

        Raises:
            ConfigError: a text is given for a task that reads several columns.
            CheckpointError: the run has no temperature for a task whose probabilities should be calibrated.
            DataError: a row has no such column, or its value is of another type than in the rows before it. The
                message names the row.
        """
        predictor = self.predictor(task, calibrated=calibrated)
        listed = rows_of(rows, predictor.tasks)
        if listed:
            self.tell_untrained(one.name for one in predictor.tasks)
        found = predictor(listed)
        predictor.tell()
        return found

    @checked
    def predict_proba(self, task: str, rows: Rows, *, calibrated: bool = False) -> np.ndarray:
        """The probability of each label, as scikit-learn's method of this name gives it.

        Args:
            task: a task of type classification, multi_label or ordinal.
            rows, calibrated: as for :meth:`predict`.

        Returns:
            (B, C) float64 for B rows and the C labels of ``run.task(task).labels``, in their order; NaN for a row whose
            text is missing. Each row of classification and ordinal sums to 1; labels of multi_label are independent.

        Raises:
            ConfigError: the task's predictions have no probability for each label.
            MtsmartError: as for :meth:`predict`.
        """
        return label_probabilities(self.task(task), self.predict(task, rows, calibrated=calibrated))

    @checked
    def predictor(self, task: str | Iterable[str], *, calibrated: bool = False, by_place: bool = False) -> Predictor:
        """Predicts rows that come in parts, as :meth:`predict` does with all of them.

        Args:
            task, calibrated: as for :meth:`predict`.
            by_place: whether tasks share a pass also where their columns of texts have other names.

        Raises:
            ConfigError: no task is named, there is no such task, or the run has no head for it.
            CheckpointError: the run has no temperature for a task whose probabilities should be calibrated.
        """
        chosen = {name: self.task(name) for name in ([task] if isinstance(task, str) else task)}
        if not chosen:
            raise ConfigError(
                "names no task", argument="task", value=[], hint=f"There are: {', '.join(self.definitions)}"
            )
        temperatures = temperatures_of(self.run_folder, chosen.values()) if calibrated else {}
        return Predictor(self._engine, chosen.values(), temperatures, isinstance(task, str), by_place)

    @checked
    def max_length(self, task: str) -> int:
        """The largest number of tokens in a task's inputs. Longer inputs are cut."""
        return self._preparer.max_length(self.task(task))

    @cached_property
    def _changed(self) -> dict[str, TaskDefinition]:
        """The tasks of the run that the user's task files have too."""
        return changed_tasks(self.definitions, self._library, self._task_files) if self._task_files else {}

    @cached_property
    def _library(self) -> TaskLibrary:
        return TaskLibrary(self._task_files)

    def _names(self, tasks: str | Iterable[str] | None, split: str) -> list[str]:
        if tasks is None:
            return self._tasks_with(split)
        return [tasks] if isinstance(tasks, str) else list(tasks)

    def _tasks_with(self, split: str) -> list[str]:
        definitions = {**self.definitions, **self._changed}
        names = [name for name, task in definitions.items() if has_split(task, split, self.config.data)]
        if not names:
            known = {name for task in definitions.values() for name in known_splits(task, self.config.data)}
            hint = did_you_mean(split, known)
            raise CheckpointError("no task of the run has this split", file=self.path, value=split, hint=hint)
        trained = [name for name in names if not self.is_untrained(name)]
        self.tell_untrained(names)
        return trained or names
