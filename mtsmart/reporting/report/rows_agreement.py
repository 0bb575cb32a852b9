"""Whether several runs were scored on the same validation rows, as far as their resume points tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mtsmart.errors import CheckpointError
from mtsmart.reporting.report.record import RunRecord
from mtsmart.runs.checkpoints import list_checkpoints, stored_rows

# Apart from the tokenizer, encoded rows depend on these settings of a task, and on the source rows.
_READING = {"task_type", "text", "label", "labels", "labels_from", "options", "share_head"}


@dataclass(frozen=True)
class RowsAgreement:
    """What the runs say about the rows that they were scored on. A run without resume points says nothing.

    Attributes:
        other: task -> a sentence, where the runs were scored on other rows.
        numbers: task -> a sentence, where they have different numbers of encoded rows and read them differently.
        unknown: tasks whose rows the runs read differently, so that their digests say nothing.
    """

    other: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    unknown: Sequence[str] = ()

    def sentences(self) -> list[str]:
        """All of it for people."""
        told = [*self.other.values(), *self.numbers.values()]
        if self.unknown:
            told.append(
                f"Whether the runs were scored on the same rows of {', '.join(self.unknown)} is not known here, "
                "because they read them with another encoder, length, library or task. `mtsmart report RUN RUN` "
                "compares the rows themselves."
            )
        return told


def compare_scored_rows(runs: Mapping[str, RunRecord]) -> RowsAgreement:
    """Compare the number and the digest of the validation rows that the runs have stored.

    Args:
        runs: what each run is called -> the run.
    """
    stored = {name: _stored(record) for name, record in runs.items()}
    other: dict[str, str] = {}
    numbers: dict[str, str] = {}
    unknown: list[str] = []
    for task in dict.fromkeys(task for rows in stored.values() for task in rows):
        found = {name: rows[task] for name, rows in stored.items() if task in rows}
        counts = {name: text.rpartition(", ")[0] for name, text in found.items()}
        if len(set(found.values())) < 2:
            continue
        if _read_alike([runs[name] for name in found], task):
            shown = _told(counts)
            other[task] = f"Task {task} was scored on other rows ({shown}), so a higher score is not a better one."
        elif len(set(counts.values())) > 1:
            numbers[task] = (
                f"Task {task} was scored on different numbers of rows ({_told(counts)}; a long text may count several "
                "times), so a higher score need not be a better one."
            )
        else:
            unknown.append(task)
    return RowsAgreement(other, numbers, unknown)


def _told(counts: Mapping[str, str]) -> str:
    """How many rows each run has; said once if all have the same number."""
    if len(set(counts.values())) == 1:
        return f"{next(iter(counts.values()))} in each, but not the same"
    return "; ".join(f"{name}: {count}" for name, count in counts.items())


def _stored(record: RunRecord) -> dict[str, str]:
    """Task -> number and digest of its validation rows at the newest resume point; empty if there is none."""
    points = list_checkpoints(record.folder.checkpoints)
    with suppress(CheckpointError):  # A run can be compared also where its resume points are damaged.
        rows = stored_rows(points[-1]) if points else {}
        return {task: splits["validation"] for task, splits in rows.items() if "validation" in splits}
    return {}


def _read_alike(records: Sequence[RunRecord], task: str) -> bool:
    """Whether the same rows have the same digest in all runs."""
    first, *others = [_reading(record, task) for record in records]
    return all(each == first for each in others)


def _reading(record: RunRecord, task: str) -> dict[str, Any]:
    """What the digest of a task's rows depends on besides the rows."""
    config = record.config
    definition = record.definitions[task]
    return {
        **definition.model_dump(include=_READING),
        "max_length": definition.max_length or config.data.max_length,
        "encoder": [config.encoder.path, config.encoder.revision],
        "init": None if config.init is None else config.init.run,
        "transformers": record.cost.versions.get("transformers"),
    }
