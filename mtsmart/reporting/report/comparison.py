"""Several runs side by side: scores, cost, and where their settings differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtsmart.errors import ConfigError
from mtsmart.reporting.report.record import RunRecord, read_record


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

    def differences(self) -> dict[str, list[Any]]:
        """Setting with dots -> its value in each run, for the settings that differ; None where a run has none."""
        settings = [record.settings() for record in self.runs.values()]
        keys = dict.fromkeys(key for each in settings for key in each)
        found = {key: [each.get(key) for each in settings] for key in keys}
        return {key: values for key, values in found.items() if any(value != values[0] for value in values)}

    def to_json(self) -> dict[str, Any]:
        """All of it in JSON types."""
        runs = {
            name: {
                "path": str(record.folder.path),
                "state": record.state.value,
                "updates": record.updates,
                "seconds": record.cost.seconds,
                "score": record.results.score,
                "tasks": record.results.tasks,
            }
            for name, record in self.runs.items()
        }
        return {"runs": runs, "differences": self.differences()}


def read_runs(paths: Sequence[Path]) -> Comparison:
    """Read several runs. Runs whose folders have the same name are called by their paths.

    Raises:
        MtsmartError: a folder is none of a run, a run is given twice, or a file is damaged.
    """
    seen: dict[Path, Path] = {}
    for path in paths:
        if path.resolve() in seen:
            raise ConfigError("is given twice", argument="runs", value=str(path))
        seen[path.resolve()] = path
    records = [read_record(path) for path in paths]
    names = [record.name for record in records]
    is_clear = len(set(names)) == len(names)
    return Comparison({record.name if is_clear else str(record.folder.path): record for record in records})
