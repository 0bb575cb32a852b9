"""Several runs side by side: scores, cost, and where their settings differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtsmart.errors import ConfigError
from mtsmart.reporting.report.record import RunRecord, read_record
from mtsmart.reporting.report.rows_agreement import RowsAgreement, compare_scored_rows
from mtsmart.reporting.report.setting_differences import SettingDifferences, setting_differences

DIFFERENT_TASKS = "The scores are means over different tasks or metrics, so a higher one is not a better one."
"""What a reader has to know where the runs do not have the same tasks."""


@dataclass(frozen=True)
class Comparison:
    """Runs to compare.

    Attributes:
        runs: what each run is called -> the run, in the order in which they were given.
    """

    runs: Mapping[str, RunRecord]

    @property
    def tasks(self) -> list[str]:
        """The tasks of all runs, each once."""
        return list(dict.fromkeys(task for record in self.runs.values() for task in record.definitions))

    def metrics(self, task: str) -> list[str]:
        """The metrics of a task in any of the runs."""
        scored = (record.results.tasks.get(task, {}) for record in self.runs.values())
        return list(dict.fromkeys(metric for scores in scored for metric in scores))

    def values(self, task: str, metric: str) -> list[float | None]:
        """One score of each run; None where a run has none."""
        return [record.results.tasks.get(task, {}).get(metric) for record in self.runs.values()]

    @property
    def shared_tasks(self) -> list[str]:
        """The tasks that all runs have scored, with the same main metric."""
        scored = [_main_metrics(record) for record in self.runs.values()]
        return [task for task, metric in scored[0].items() if all(each.get(task) == metric for each in scored)]

    @property
    def has_same_tasks(self) -> bool:
        """Whether the scores of all scored runs are means over the same tasks, so that the higher one is better."""
        scored = [metrics for record in self.runs.values() if (metrics := _main_metrics(record))]
        return all(metrics == scored[0] for metrics in scored)

    def shared_scores(self) -> dict[str, float]:
        """Run -> mean of the main metrics of the tasks that all runs share; empty if they share none."""
        tasks = self.shared_tasks
        return {name: _mean(record, tasks) for name, record in self.runs.items()} if tasks else {}

    def scored_rows(self) -> RowsAgreement:
        """Whether the runs were scored on the same rows."""
        return compare_scored_rows(self.runs)

    def differences(self) -> dict[str, list[Any]]:
        """Setting with dots -> its value in each run, for the settings that differ; None where a run has none."""
        settings = [record.settings() for record in self.runs.values()]
        keys = dict.fromkeys(key for each in settings for key in each)
        found = {key: [each.get(key) for each in settings] for key in keys}
        return {key: values for key, values in found.items() if any(value != values[0] for value in values)}

    def sorted_differences(self) -> SettingDifferences:
        """The same settings, those of tasks that only some runs have by themselves."""
        return setting_differences(self.runs, self.differences(), self.tasks)

    def to_json(self) -> dict[str, Any]:
        """All of it in JSON types."""
        shared_scores = self.shared_scores()
        runs = {
            name: {
                "path": str(record.folder.path),
                "state": record.state.value,
                "updates": record.updates,
                "seconds": record.cost.seconds,
                "score": record.results.score,
                "shared_score": shared_scores.get(name),
                "tasks": record.results.tasks,
            }
            for name, record in self.runs.items()
        }
        rows = self.scored_rows()
        return {
            "runs": runs,
            "shared_tasks": self.shared_tasks,
            "other_rows": {**rows.other, **rows.numbers},
            "differences": self.differences(),
        }


def _main_metrics(record: RunRecord) -> dict[str, str]:
    """Task -> its main metric, for the tasks that the run has scored."""
    return {task: next(iter(metrics)) for task, metrics in record.results.tasks.items() if metrics}


def _mean(record: RunRecord, tasks: Sequence[str]) -> float:
    """The mean of the tasks' main metrics; NaN if one of them is undefined."""
    return math.fsum(next(iter(record.results.tasks[task].values())) for task in tasks) / len(tasks)


def read_runs(paths: Sequence[Path]) -> Comparison:
    """Read several runs. Runs whose folders have the same name are called by their paths.

    Raises:
        MtsmartError: a folder is none of a run, a run is given twice or alone, or a file is damaged.
    """
    if len(paths) < 2:
        message = "are at least two where runs are compared"
        raise ConfigError(message, argument="runs", value=", ".join(map(str, paths)), hint="Name another run too")
    seen: dict[Path, Path] = {}
    for path in paths:
        if path.resolve() in seen:
            raise ConfigError("is given twice", argument="runs", value=str(path))
        seen[path.resolve()] = path
    records = [read_record(path) for path in paths]
    names = [record.name for record in records]
    is_clear = len(set(names)) == len(names)
    return Comparison({record.name if is_clear else str(record.folder.path): record for record in records})
