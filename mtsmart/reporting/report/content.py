"""What a report shows of a run: its record, and its best model evaluated in detail."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from mtsmart.errors import CheckpointError, MtsmartError, MtsmartWarning
from mtsmart.evaluation.details.parts import TaskDetails
from mtsmart.evaluation.evaluator import TaskResult
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.log import without_notices
from mtsmart.reporting.report.record import RunRecord
from mtsmart.runs.results import untrained_told

_SAME = 1e-4  # Scores that differ by less are the same: another device or batch size rounds in another way.
_SPLIT = "validation"


@dataclass(frozen=True)
class RunContent:
    """A run, as far as its files and its data still show it.

    Attributes:
        record: what its files say.
        results: task -> scores and details on its validation rows, where they could be scored.
        notes: task, or an empty text for the whole run -> sentences on what is missing or has changed.
    """

    record: RunRecord
    results: Mapping[str, TaskResult] = field(default_factory=dict)
    notes: Mapping[str, list[str]] = field(default_factory=dict)

    def temperatures(self) -> dict[str, dict[str, Any]]:
        """Task -> its temperature and what it changes, for calibration.json."""
        found = {}
        for name, result in self.results.items():
            calibration = None if result.details is None else result.details.calibration
            if calibration is not None:
                found[name] = {
                    "temperature": calibration.temperature,
                    "rows": result.rows,
                    "loss": calibration.loss,
                    "calibrated_loss": calibration.calibrated_loss,
                    "error": calibration.error,
                    "calibrated_error": calibration.calibrated_error,
                }
        return found


def read_content(record: RunRecord, device: str | torch.device | None = None) -> RunContent:
    """Evaluate the best model of a run on the validation rows of its tasks.

    Data that is not there any more leaves a note.

    Args:
        record: the run.
        device: as for ``mtsmart.load``.

    Raises:
        CheckpointError: the model is damaged.
    """
    if not record.folder.model.is_dir():
        return RunContent(record, {}, {"": ["The run has no model yet, so there are only its curves."]})
    results: dict[str, TaskResult] = {}
    notes: dict[str, list[str]] = {}
    with _silent():
        run = LoadedRun(record.folder.path, device=device)
        for task in record.definitions:
            if run.is_untrained(task):
                notes[task] = [f"{untrained_told([task])}. It is not scored."]
                continue
            try:
                results[task] = _result(run, task)
            except CheckpointError:
                raise
            except MtsmartError as error:
                notes[task] = [f"Its validation rows cannot be scored now: {error}"]
    for task, result in results.items():
        notes[task] = _changed(record, task, result)
    return RunContent(record, results, notes)


@contextmanager
def _silent() -> Iterator[None]:
    """Training and evaluation have told what is strange about the data, so it is not told again."""
    with warnings.catch_warnings(), without_notices():
        warnings.simplefilter("ignore", MtsmartWarning)
        yield


def _result(run: LoadedRun, task: str) -> TaskResult:
    result = run.evaluate(task, _SPLIT, details=True).tasks[task]
    return replace(result, details=_with_training_lengths(run, task, result.details))


def _with_training_lengths(run: LoadedRun, task: str, details: TaskDetails | None) -> TaskDetails | None:
    if details is None:
        return None
    try:
        lengths = run.lengths(task, "train")
    except MtsmartError:  # A task that is only evaluated has no training rows.
        return details
    return details if lengths is None else replace(details, lengths={"train": lengths, **details.lengths})


def _changed(record: RunRecord, task: str, result: TaskResult) -> list[str]:
    """A note if the rows give another main score than the run has stored."""
    metric = next(iter(result.metrics))
    stored = record.results.tasks.get(task, {}).get(metric)
    present = result.metrics[metric]
    if stored is None or math.isnan(stored) or abs(stored - present) <= _SAME:
        return []
    return [
        f"The run has stored {metric} {stored:.4f}, and its model scores {present:.4f} now: the data or the libraries "
        "have changed. What follows is about the present data."
    ]
