"""``mtsmart.evaluate_suite``: the scores of a run on a suite, in the suite's own convention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtsmart.arguments import checked, items_of
from mtsmart.errors import ConfigError
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.quiet import without_bars
from mtsmart.suites.conventions import Line, Overall, Part, Suite, find_suite
from mtsmart.tasks.library import TaskLibrary
from mtsmart.text.html import html_table
from mtsmart.text.scores import score_text
from mtsmart.torch_state import own_torch_state


@dataclass(frozen=True)
class SuiteReport:
    """The scores of a suite.

    Attributes:
        suite: the suite.
        split: the split that was scored.
        evaluation: the scores of each task, with slices if the suite has some.
    """

    suite: Suite
    split: str
    evaluation: Evaluation

    @property
    def lines(self) -> dict[str, float | None]:
        """Line -> its score; None where a task of it was not scored."""
        return {line.title: self._score(line) for line in self.suite.lines}

    @property
    def missing(self) -> list[str]:
        """The tasks that were not scored."""
        return [task for task in self.suite.tasks if task not in self.evaluation.tasks]

    @property
    def overall(self) -> float | None:
        """The one number of the suite; None if a line has no score, because an average of fewer is another number."""
        scores = [score for score in self.lines.values() if score is not None]
        if len(scores) < len(self.suite.lines):
            return None
        if self.suite.overall is Overall.MEAN:
            return sum(scores) / len(scores)
        rows = [self._rows(line) for line in self.suite.lines]
        return sum(score * count for score, count in zip(scores, rows, strict=True)) / sum(rows)

    def to_json(self) -> dict[str, Any]:
        """``{"suite", "split", "score", "lines", "missing", "tasks"}``, and ``slices`` if there are some."""
        found = {"suite": self.suite.name, "split": self.split, "score": self.overall, "lines": self.lines}
        return {**found, "missing": self.missing, **_without_score(self.evaluation.to_json())}

    def _repr_html_(self) -> str:
        """The lines, for notebooks."""
        rows = [[title, score_text(score)] for title, score in self.lines.items()]
        title = f"{self.suite.name}, {self.split}: score {score_text(self.overall)}"
        return html_table(title, ["task", "score"], rows)

    def _score(self, line: Line) -> float | None:
        results = [self.evaluation.tasks.get(part.task) for part in line.parts]
        scores = [_of(result, part) for result, part in zip(results, line.parts, strict=True) if result is not None]
        return sum(scores) / len(scores) if len(scores) == len(line.parts) else None

    def _rows(self, line: Line) -> int:
        return sum(self.evaluation.tasks[part.task].rows for part in line.parts)


def _of(result: TaskResult, part: Part) -> float:
    if part.metric is None:
        return result.main
    if part.metric not in result.metrics:
        hint = f"Write metrics: [{', '.join([*result.metrics, part.metric])}] into the task"
        message = "the suite counts a metric that the run's task does not have"
        raise ConfigError(message, key=f"{part.task}.metrics", value=list(result.metrics), hint=hint)
    return result.metrics[part.metric]


def _without_score(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """An evaluation without the mean of its main metrics, which is not what the suite counts."""
    return {key: value for key, value in evaluation.items() if key != "score"}


@checked
@without_bars()
@own_torch_state()
def evaluate_suite(
    run: str | Path,
    suite: str,
    split: str | None = None,
    *,
    head: str | None = None,
    by: Iterable[str] = (),
    task_files: Iterable[str | Path] = (),
    precision: str = "float32",
) -> SuiteReport:
    """Score a run on a suite of tasks, in the convention of those who made the suite.

    Args:
        run: the run's folder, or ``hub:owner/name[@revision]``.
        suite: such as ``glue``, ``superglue``, ``hans``, ``anli`` or ``advglue``; any other suite, task or pattern gets
            a line for each task.
        split: the split to score; None: the one that the suite reports.
        head: a task of the run whose head scores all tasks of the suite, in place of their own heads.
        by: columns of the data by whose values the scores are shown too; empty: those of the suite.
        task_files: YAML files with further tasks.
        precision: as for :class:`LoadedRun`.

    Raises:
        MtsmartError: there is no such suite, the run has no head for any task of it, or its data cannot be read.
    """
    files = items_of("task_files", task_files)
    chosen = find_suite(suite, TaskLibrary(files))
    loaded = LoadedRun(run, files, precision=precision)
    tasks = chosen.tasks if head is not None else [task for task in chosen.tasks if loaded.has_head_for(task)]
    if not tasks:
        hint = "If the head of another task has the same labels, say so with `head=NAME`"
        message = f"the run has no head for any of: {', '.join(chosen.tasks)}"
        raise ConfigError(message, argument="suite", value=suite, hint=hint)
    columns = items_of("by", by) or list(chosen.by)
    scored = split or chosen.split
    return SuiteReport(chosen, scored, loaded.evaluate(tasks, scored, head=head, by=columns))
