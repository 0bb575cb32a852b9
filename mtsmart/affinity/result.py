"""What was measured: means and standard errors, groups, and the best starts for a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtsmart.affinity.groups import best_groups
from mtsmart.metrics.statistics import Summary, summarize


@dataclass(frozen=True)
class Table:
    """A number for each pair of tasks, from several measurements.

    Attributes:
        tasks: their names, in the order of rows and columns.
        values: (M, K, K) float64, one table for each of M measurements; row i is about what task i does.
    """

    tasks: Sequence[str]
    values: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """(K, K) float64."""
        return np.asarray(self.values.mean(axis=0))

    def cell(self, source: str, target: str) -> Summary:
        """The mean of a pair with its standard error over the measurements."""
        places = [list(self.tasks).index(name) for name in (source, target)]
        return summarize(self.values[:, places[0], places[1]].tolist())

    def to_json(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """Task -> task -> mean and standard error."""
        return {source: {target: _as_json(self.cell(source, target)) for target in self.tasks} for source in self.tasks}


@dataclass(frozen=True)
class Affinity:
    """What a joint run's measurements say about its tasks.

    Attributes:
        name: the experiment's name.
        norms: (M, K) float64: the norms of the tasks' gradients in the encoder.
        cosines: those of the gradients of each pair.
        look_ahead: Z(i -> j) of each pair.
        updates: how many updates were trained.
        every: updates between two measurements.
        training_seconds, measuring_seconds: what each took.
    """

    name: str
    norms: np.ndarray
    cosines: Table
    look_ahead: Table
    updates: int
    every: int
    training_seconds: float
    measuring_seconds: float

    @property
    def tasks(self) -> Sequence[str]:
        """The tasks' names."""
        return self.look_ahead.tasks

    @property
    def groups(self) -> list[list[str]]:
        """The suggested groups."""
        return [[self.tasks[place] for place in group] for group in best_groups(self.look_ahead.means)]

    def norm(self, task: str) -> Summary:
        """The mean norm of a task's gradient."""
        return summarize(self.norms[:, list(self.tasks).index(task)].tolist())

    def starts(self, target: str) -> dict[str, Summary]:
        """The other tasks, the one whose steps lower the target's loss most first, with their affinity onto it."""
        found = {task: self.look_ahead.cell(task, target) for task in self.tasks if task != target}
        return dict(sorted(found.items(), key=lambda item: -item[1].mean))

    def _start(self, task: str, target: str) -> dict[str, Any]:
        look_ahead = _as_json(self.look_ahead.cell(task, target))
        return {"task": task, "look_ahead": look_ahead, "cosine": _as_json(self.cosines.cell(task, target))}

    def to_json(self, targets: Sequence[str] = ()) -> dict[str, Any]:
        """The content of affinity.json. ``targets`` are the tasks that a start is looked for."""
        starts = {target: [self._start(task, target) for task in self.starts(target)] for target in targets}
        return {
            "experiment": self.name,
            "tasks": list(self.tasks),
            "updates": self.updates,
            "every": self.every,
            "measurements": len(self.norms),
            "gradient_norms": {task: _as_json(self.norm(task)) for task in self.tasks},
            "cosines": self.cosines.to_json(),
            "look_ahead": self.look_ahead.to_json(),
            "groups": self.groups,
            **({"starts": starts} if starts else {}),
            "seconds": {"training": round(self.training_seconds, 3), "measuring": round(self.measuring_seconds, 3)},
        }


def _as_json(summary: Summary) -> dict[str, float | None]:
    return {"mean": summary.mean, "standard_error": summary.error}
