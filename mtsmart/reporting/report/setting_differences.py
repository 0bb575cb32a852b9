"""Where the settings of several runs differ, in a form that a reader takes in at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtsmart.errors import in_yaml
from mtsmart.reporting.report.record import RunRecord
from mtsmart.runs.changes import flatten


@dataclass(frozen=True)
class PartialTask:
    """A task that only some of the runs have.

    Attributes:
        name: the task.
        runs: what the runs that have it are called.
        settings: setting without the task's name -> its value in each run; without those that are at their defaults
            in every run that has the task.
    """

    name: str
    runs: Sequence[str]
    settings: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class SettingDifferences:
    """The settings that differ between runs.

    Attributes:
        shared: setting with dots -> its value in each run; without the settings of tasks that only some runs have.
        partial: these tasks.
    """

    shared: Mapping[str, Sequence[Any]]
    partial: Sequence[PartialTask]


def setting_differences(
    runs: Mapping[str, RunRecord], differences: Mapping[str, Sequence[Any]], tasks: Sequence[str]
) -> SettingDifferences:
    """Sort all differing settings into those of single tasks and the others.

    Args:
        runs: what each run is called -> the run.
        differences: setting with dots -> its value in each run.
        tasks: the tasks of all runs.
    """
    partial = [_partial(runs, task) for task in tasks if any(task not in run.definitions for run in runs.values())]
    left_out = tuple(f"tasks.{task.name}." for task in partial)
    shared = {key: values for key, values in differences.items() if not key.startswith(left_out)}
    return SettingDifferences(shared, partial)


def _partial(runs: Mapping[str, RunRecord], task: str) -> PartialTask:
    having = [name for name, run in runs.items() if task in run.definitions]
    given = [_given(run, task) for run in runs.values()]
    keys = dict.fromkeys(key for settings in given for key in settings)
    return PartialTask(task, having, {key: [settings.get(key) for settings in given] for key in keys})


def _given(run: RunRecord, task: str) -> dict[str, Any]:
    """The settings of a task that are not at their defaults; none if the run lacks the task."""
    definition = run.as_set.get(task)
    if definition is None:
        return {}
    return flatten(definition.model_dump(exclude_none=True, exclude_defaults=True, exclude={"description"}))


def setting_text(value: Any) -> str:
    """A setting in the words of YAML on one line; a dash if the run has none."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else in_yaml(value)
